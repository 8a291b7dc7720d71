"""One HTTP request as the collector reads it: the headers it minds, and the body under a cap."""

from codecs import utf_8_decode
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from funnelhouse.ingest.collector.answers import SUCCESS, Answer, Headers, cors_headers
from funnelhouse.ingest.collector.keys import key_from_basic
from funnelhouse.ingest.validation.event import Origin

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MAX_HEADER = 1024


class Head:
    """The headers and the query of a request; `key` is the write key that they carry, or "".

    The intake notes the `sender` here: on one connection a head often comes again.
    """

    __slots__ = (
        "authorization",
        "encoding",
        "forwarded_for",
        "ip",
        "origin",
        "page",
        "query",
        "run",
        "sender",
        "user_agent",
    )

    def __init__(self, headers: Headers, query: bytes, client: tuple[str, int] | None) -> None:
        header = dict(headers).get
        self.user_agent = _start(header(b"user-agent", b""))
        self.page = _start(header(b"referer", b""))
        self.encoding = header(b"content-encoding", b"").decode("latin-1")
        self.authorization = header(b"authorization", b"")
        self.origin = header(b"origin", b"")
        self.ip = client[0] if client else ""
        self.forwarded_for = ""
        if header(b"x-forwarded-for"):
            forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
            self.forwarded_for = b", ".join(forwarded).decode("latin-1")
        self.query = parse_qs(as_text(query), keep_blank_values=True) if query else {}
        run = self.query["fh_run"][0] if "fh_run" in self.query else ""
        self.run = run or as_text(header(b"x-funnelhouse-run", b""))
        self.sender: Origin | None = None

    @classmethod
    def of(cls, scope: Scope) -> "Head":
        """Read the head of an ASGI request."""
        return cls(scope["headers"], scope["query_string"], scope.get("client"))

    @property
    def key(self) -> str:
        """The write key in the query, else the user name of Basic authorization, else ""."""
        if "writeKey" in self.query:
            return str(self.query["writeKey"][0])
        return key_from_basic(self.authorization) if self.authorization else ""


def as_text(value: bytes) -> str:
    """Read bytes of a header or URL: as UTF-8, which apps send, else as Latin-1 (RFC 9110, 5.5)."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _start(value: bytes) -> str:
    """Read the start of a header; a character of UTF-8 that is cut at its end is left out."""
    start = value[:_MAX_HEADER]
    if len(value) > _MAX_HEADER:
        with suppress(UnicodeDecodeError):
            return utf_8_decode(start)[0]
    return as_text(start)


DROPPED = "funnelhouse.dropped"
"""Stands in the scope of a request whose connection was closed by us before it was whole."""


class DroppedError(Exception):
    """The request was answered already, and nothing of it counts."""


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """Read a request's body; of one larger than `max_bytes` only a start that is larger, too.

    Raises:
        DroppedError: its sender was too slow.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        _check_whole(scope)
        return body
    chunks = [body]
    size = len(body)
    while message.get("more_body") and size <= max_bytes:
        message = await receive()
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
    _check_whole(scope)
    return b"".join(chunks)


def _check_whole(scope: Scope) -> None:
    if DROPPED in scope:
        raise DroppedError


async def send_answer(send: Send, answer: Answer, origin: bytes) -> None:
    """Send an answer; a page of another origin may read it."""
    headers = headers_to(origin, answer)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def headers_to(origin: bytes, answer: Answer) -> Headers:
    """Return the headers of an answer; a page of another origin may read it."""
    return answer.headers + cors_headers(origin) if origin else answer.headers


def as_bytes(answer: Answer, origin: bytes = b"", *, close: bool = False) -> bytes:
    """Write an answer as HTTP/1.1."""
    if answer is SUCCESS and not close:
        return _success(origin)
    return _as_bytes(answer, origin, close=close)


@lru_cache(maxsize=1_024)
def _success(origin: bytes) -> bytes:
    return _as_bytes(SUCCESS, origin, close=False)


def _as_bytes(answer: Answer, origin: bytes, *, close: bool) -> bytes:
    headers = headers_to(origin, answer)
    if close:
        headers = [*headers, (b"connection", b"close")]
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n".encode()
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([status, *lines, b"\r\n", answer.body])
