"""What the benchmarks send: events of about 640 bytes as a browser sends them, as HTTP requests."""

import re
import secrets
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple
from uuid import NAMESPACE_OID, uuid5

import orjson

MARK = b"@@@@@@@@@@@@"
"""Stands for twelve digits of a message id: a generator writes the event's number there."""
REQUEST_MARK = b"############"
"""Stands for twelve digits of a visitor's id: a generator writes the request's number there."""

BATCH = 50
_EVENTS_A_VISITOR = 10
_VARIANTS = 20
_USER_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
)


class Template(NamedTuple):
    """A whole HTTP request with a `MARK` and a `REQUEST_MARK` for each of its `events`."""

    request: bytes
    events: int


def item(message_id: str, variant: int = 0) -> dict[str, object]:
    """Build one call; `variant` changes its campaign, and every tenth one its visitor."""
    visitor = str(uuid5(NAMESPACE_OID, f"{message_id}-{variant // _EVENTS_A_VISITOR}"))
    campaign = f"utm_source=naver&utm_medium=cpc&utm_id={variant % _VARIANTS}"
    return {
        "type": "track",
        "event": "CTA Clicked",
        "messageId": message_id,
        "anonymousId": visitor,
        "timestamp": now(),
        "properties": {
            "cta_id": "apply-floating",
            "label": "지금 지원하기",
            "position": "floating",
            "branch": "text_b",
            "product": "nbcamp",
            "track": "kotlin",
        },
        "context": {
            "page": {
                "url": f"https://nbcamp.example/kotlin?{campaign}",
                "path": "/kotlin",
                "referrer": "https://search.naver.com/",
            },
            "locale": "ko-KR",
            "timezone": "Asia/Seoul",
            "library": {"name": "analytics.js", "version": "npm:next-1.70.0"},
        },
    }


def now() -> str:
    """Write the time as browsers do."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def template(events: int, *, path: str = "") -> Template:
    """Build the request that a generator repeats: one call, or a batch of several."""
    prefix = f"ajs-next-1722470400000-{secrets.token_hex(4)}-7f0e-4a55-8d0c-"
    items = [item(prefix + MARK.decode(), variant) for variant in range(events)]
    for one in items:
        one["anonymousId"] = f"{one['anonymousId']:.24}{REQUEST_MARK.decode()}"
    envelope = {"writeKey": "dev", "sentAt": now()}
    body = orjson.dumps(items[0] | envelope if events == 1 else {"batch": items} | envelope)
    return Template(request(path or ("/v1/track" if events == 1 else "/v1/batch"), body), events)


def request(path: str, body: bytes) -> bytes:
    """Put a body behind the headers that a browser sends with it."""
    head = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"User-Agent: {_USER_AGENT}",
        "Content-Type: application/json",
        "Accept: */*",
        "Accept-Encoding: gzip, deflate, br",
        "Accept-Language: ko-KR,ko;q=0.9",
        "Origin: https://nbcamp.example",
        "Referer: https://nbcamp.example/",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*head, "", "")).encode() + body


class Requests:
    """Requests of one template, each with message ids and visitors of its own."""

    def __init__(self, request: bytes) -> None:
        self._pieces = re.split(b"(%b|%b)" % (MARK, REQUEST_MARK), request)
        self._events = count()
        self._requests = count()

    def __iter__(self) -> "Requests":
        return self

    def __next__(self) -> bytes:
        request = next(self._requests)
        return b"".join(self._written(piece, request) for piece in self._pieces)

    def _written(self, piece: bytes, request: int) -> bytes:
        if piece == MARK:
            return b"%012x" % next(self._events)
        return b"%012x" % request if piece == REQUEST_MARK else piece
