"""The HTTP answers of the collector, built once: status, headers and body ready to send."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import orjson

Headers = list[tuple[bytes, bytes]]
"""Header names in lower case, and values, as ASGI has them."""


class Answer(NamedTuple):
    """A whole HTTP answer; add to its headers with a new list, they are shared."""

    status: int
    headers: Headers
    body: bytes


NOSNIFF = (b"x-content-type-options", b"nosniff")
"""A browser takes an answer for nothing but what its type says, such as a script."""


def _json(status: int, body: bytes, *more: tuple[bytes, bytes]) -> Answer:
    length = (b"content-length", b"%d" % len(body))
    headers = [(b"content-type", b"application/json"), length, NOSNIFF, *more]
    return Answer(status, headers, body)


SUCCESS = _json(200, b'{"success": true}')
"""Every event of the request is durable; some SDKs take nothing but a 200 for success."""


def success_with(results: Mapping[str, object]) -> Answer:
    """Like `SUCCESS`, with the outcome of each event that has a problem, by message id or index."""
    return _json(200, _dump({"success": True, "results": results}))


def error(status: int, reason: str, detail: str, retry_after_s: int | None = None) -> Answer:
    """Build the one shape of all errors; `detail` says what happened and what to do about it."""
    body = {"success": False, "error": {"status": status, "reason": reason, "detail": detail}}
    retry = [(b"retry-after", b"%d" % retry_after_s)] if retry_after_s is not None else []
    return _json(status, _dump(body), *retry)


def wrong_method(allowed: str) -> Answer:
    """Answer 405 with the methods that there are, as RFC 9110 section 15.5.6 asks."""
    answer = error(405, "method", f"This address takes {allowed} alone; change the method.")
    return answer._replace(headers=[*answer.headers, (b"allow", allowed.encode())])


def _dump(body: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # lone surrogates in a message id: orjson refuses what json escapes
        return json.dumps(body).encode()


FAULT = error(500, "fault", "The request failed; try again.")
"""Something is wrong with the collector itself; the log says what."""

_PIXEL = bytes.fromhex(
    "474946383961"  # GIF89a
    "01000100800000"  # 1 by 1, two colours
    "000000ffffff"
    "21f90401000000"  # colour 0 is transparent
    "00"
    "2c000000000100010000"
    "02024401003b"
)

GIF = Answer(
    200,
    [
        (b"content-type", b"image/gif"),
        (b"content-length", b"%d" % len(_PIXEL)),
        (b"cache-control", b"no-store"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        NOSNIFF,
    ],
    _PIXEL,
)
"""A transparent pixel that no cache keeps and any page may embed."""


def of_kind(kind: bytes, body: bytes) -> Answer:
    """Build a success of another content type than JSON of ours."""
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), NOSNIFF]
    return Answer(200, headers, body)


TEXT_OK = of_kind(b"text/plain", b"ok")
"""What Snowplow's trackers take for success."""


_ECHO = re.compile(rb"[\x20-\x7e]+")  # whatever else came in cannot break out of a header


@lru_cache(maxsize=1_024)
def cors_headers(origin: bytes) -> Headers:
    """Headers that let a page of `origin` read the answer; none where no Origin was sent.

    Pages come again and again: the list is shared, so add to it with a new one.
    """
    if not _ECHO.fullmatch(origin):
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"retry-after"),
        (b"vary", b"origin"),
    ]


def preflight(headers: Iterable[tuple[bytes, bytes]]) -> Answer:
    """Answer a CORS preflight (Fetch standard, section 3.3) from the headers of the request.

    It carries no write key, so what it asks for is granted; the POST's Origin is checked instead.
    """
    asked = dict(headers)
    granted = [
        *cors_headers(asked.get(b"origin", b"")),
        NOSNIFF,
        (b"vary", b"access-control-request-headers"),
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-max-age", b"86400"),  # Chrome keeps it for 7200 at most
    ]
    wanted = asked.get(b"access-control-request-headers", b"")
    if _ECHO.fullmatch(wanted):
        granted.append((b"access-control-allow-headers", wanted))
    if asked.get(b"access-control-request-private-network") == b"true":
        granted.append((b"access-control-allow-private-network", b"true"))
    return Answer(204, granted, b"")
