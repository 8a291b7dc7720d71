"""One HTTP request as the collector reads it: the headers it minds, and the body under a cap."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from ingest.answers import Answer, Headers, cors_headers
from ingest.keys import key_from_basic

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MAX_HEADER = 1024


class Head:
    """The headers and the query of a request; `key` is the write key that they carry, or ""."""

    __slots__ = ("authorization", "encoding", "ip", "origin", "page", "query", "user_agent")

    def __init__(self, scope: Scope) -> None:
        header = dict(scope["headers"]).get
        self.user_agent = header(b"user-agent", b"")[:_MAX_HEADER].decode("latin-1")
        self.page = header(b"referer", b"")[:_MAX_HEADER].decode("latin-1")
        self.encoding = header(b"content-encoding", b"").decode("latin-1")
        self.authorization = header(b"authorization", b"")
        self.origin = header(b"origin", b"")
        client = scope.get("client")
        self.ip = client[0] if client else ""
        query = scope["query_string"]
        self.query = parse_qs(query.decode("latin-1"), keep_blank_values=True) if query else {}

    @property
    def key(self) -> str:
        """The write key in the query, else the user name of Basic authorization, else ""."""
        if "writeKey" in self.query:
            return str(self.query["writeKey"][0])
        return key_from_basic(self.authorization) if self.authorization else ""


class Body(NamedTuple):
    """The start of a request's body; `cut` when there was more than was wanted."""

    start: bytes
    cut: bool


async def read_body(receive: Receive, max_bytes: int) -> Body:
    """Read a request's body, at most about `max_bytes`."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return Body(body, len(body) > max_bytes)
    chunks = [body]
    size = len(body)
    while message.get("more_body") and size <= max_bytes:
        message = await receive()
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
    return Body(b"".join(chunks), size > max_bytes)


async def send_answer(send: Send, answer: Answer, origin: bytes) -> None:
    """Send an answer; a page of another origin may read it."""
    headers: Headers = answer.headers + cors_headers(origin) if origin else answer.headers
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
