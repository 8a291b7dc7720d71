"""A stand-in for a ClickHouse server: its HTTP interface over the embedded engine in a folder.

Run as a module with a folder and a port. It answers the product's own client, and no more.
"""

import re
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import clickhouse_connect
import lz4.frame
import uvicorn
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

_OWN = {
    "query",
    "database",
    "session_id",
    "default_format",
    "compress",
    "wait_end_of_query",
    "client_protocol_version",
    "readonly",  # would stay on the shared client
    "session_timezone",
    "cancel_http_readonly_queries_on_client_close",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "enable_http_compression",
}
_INSERT = re.compile(
    r"\s*INSERT INTO (?P<table>\S+)\s*(\((?P<columns>[^)]*)\))?.* FORMAT (?P<format>\w+)\s*$"
)
Message = MutableMapping[str, Any]


class StandIn:
    """An ASGI application: a query in the URL or the body, its data behind it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients: dict[str, Client] = {}

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        body = b""
        more = scope["method"] == "POST"
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        status, headers, answer = 200, [], b""
        try:
            answer = self._answer(_given(scope), _plain(scope, body))
        except DatabaseError as error:
            status, answer = 500, str(error).encode()
            headers = [(b"x-clickhouse-exception-code", str(error.code).encode())]
        headers.append((b"x-clickhouse-summary", b'{"written_rows": "0"}'))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, given: dict[str, str], body: bytes) -> bytes:
        settings = {name: value for name, value in given.items() if name not in _OWN}
        client = self._client(given.get("database", "default"))
        statement, data = given["query"].encode(), body
        if not statement:
            statement, _, data = body.partition(b"\n")
        insert = _INSERT.match(statement.decode(errors="replace"))
        if insert is None:
            return client.raw_query(given["query"] or body.decode(), settings=settings)
        columns = [name.strip(" `") for name in (insert["columns"] or "").split(",")]
        client.raw_insert(
            insert["table"],
            columns if insert["columns"] else None,
            data,
            settings,
            insert["format"],
        )
        return b""

    def _client(self, database: str) -> Client:
        if database not in self._clients:
            self._clients[database] = clickhouse_connect.get_client(
                interface="chdb", path=str(self._folder), database=database
            )
        return self._clients[database]


def _given(scope: Message) -> dict[str, str]:
    return {"query": ""} | dict(parse_qsl(scope["query_string"].decode()))


def _plain(scope: Message, body: bytes) -> bytes:
    if dict(scope["headers"]).get(b"content-encoding") == b"lz4":
        return bytes(lz4.frame.decompress(body))
    return body


if __name__ == "__main__":
    uvicorn.run(StandIn(Path(sys.argv[1])), port=int(sys.argv[2]), log_level="warning")
