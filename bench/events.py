"""What the benchmarks send: events of about 600 bytes as a browser sends them, as HTTP requests."""

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
_OF_PAGE = {"product": "nbcamp", "track": "kotlin"}
_CTA = {"cta_id": "apply-floating", "label": "지금 지원하기", "position": "floating"}
_CLICK = 7
_VISIT: tuple[tuple[str, dict[str, object]], ...] = (
    ("Page Viewed", {"title": "내일배움캠프 Kotlin & Spring 6기", **_OF_PAGE}),
    ("CTA Shown", {**_CTA, "branch": "text_b", **_OF_PAGE}),
    ("Section Viewed", {"section_id": "curriculum", "section_index": 2, **_OF_PAGE}),
    ("Scroll Depth Reached", {"depth": 25, "page_height": 14210, **_OF_PAGE}),
    ("Scroll Depth Reached", {"depth": 50, "page_height": 14210, **_OF_PAGE}),
    ("Section Viewed", {"section_id": "pricing", "section_index": 6, **_OF_PAGE}),
    ("Scroll Depth Reached", {"depth": 75, "page_height": 14210, **_OF_PAGE}),
    ("CTA Clicked", {**_CTA, "branch": "text_b", **_OF_PAGE}),
    ("Engaged Time", {"engaged_ms": 15000, "total_ms": 61000, "max_scroll": 78, **_OF_PAGE}),
    ("Page Left", {"engaged_ms": 47200, "max_scroll": 78, "trigger": "pagehide", **_OF_PAGE}),
)
"""What the tag sends in one visit of a landing page."""
_CAMPAIGNS = 20
_USER_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
)


class Template(NamedTuple):
    """A whole HTTP request with a `MARK` and a `REQUEST_MARK` for each of its `events`."""

    request: bytes
    events: int


def item(message_id: str, number: int = _CLICK) -> dict[str, object]:
    """Build a call of a visit, by default the click; every tenth number is of another visitor."""
    visit, step = divmod(number, len(_VISIT))
    visitor = str(uuid5(NAMESPACE_OID, f"{message_id}-{visit}"))
    campaign = f"utm_source=naver&utm_medium=cpc&utm_id={visit % _CAMPAIGNS}"
    name, properties = _VISIT[step]
    return {
        "type": "track",
        "event": name,
        "messageId": message_id,
        "anonymousId": visitor,
        "timestamp": now(),
        "properties": properties,
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
    first = _CLICK if events == 1 else 0
    items = [item(prefix + MARK.decode(), first + number) for number in range(events)]
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
