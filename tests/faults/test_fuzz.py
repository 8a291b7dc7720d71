"""Any request whatever against a running collector: no fault, and every event accounted for."""

import gzip
import json
import socket
import time
import zlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

import brotli  # type: ignore[import-untyped]  # the package ships no types
import httpx
import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelhouse.ingest.collector.protocols import pixel, segment
from tests.conftest import RunningCollector

DEADLINE_S = 30.0
EVENT_PATHS = [*segment.ROUTES, *pixel.ROUTES]
OTHER_PATHS = [
    "/",
    "/livez",
    "/readyz",
    "/metrics",
    "/v1/projects/dev/settings",
    "/v1/projects/%00%ff/settings",
    "/v1/track/",
    "/openapi.json",
]
METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
CALLS: list[dict[str, Any]] = [
    {"type": "track", "event": "CTA Clicked", "properties": {"cta_id": "a", "position": "hero"}},
    {"type": "track", "event": "Joined", "properties": {"email": "a@b.c", "product": "nbcamp"}},
    {"type": "page", "name": "Home", "properties": {"url": "https://a.example/?utm_source=x"}},
    {"type": "identify", "traits": {"email": "a@b.c", "address": {"street": "s", "city": "c"}}},
    {"type": "group", "groupId": "g", "traits": {"phone": "010"}},
    {"type": "alias", "previousId": "p"},
]
SHARED = {
    "userId": "u-1",
    "messageId": "m-1",
    "timestamp": "2024-08-01T00:00:00Z",
    "sentAt": "2024-08-01T00:00:01Z",
    "context": {"traits": {"email": "a@b.c"}, "schema_version": "1-0-0", "page": {"url": "u"}},
}
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "identity": bytes,
}
SURPRISES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "a" * 9_000,
    "\x00",
    "\ud800",
    [],
    {},
    [[]],
    {"": {"": []}},
    "track",
    "2999-01-01T00:00:00Z",
    1_722_470_400_000,
]


class Sent(NamedTuple):
    """One request as its bytes are built from it."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    chunked: bool


json_values = st.sampled_from(SURPRISES).map(deepcopy) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _spots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value: its container and the key or index there."""
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    else:
        return []
    return [(value, key) for key, _ in pairs] + [s for _, inner in pairs for s in _spots(inner)]


@st.composite
def call(draw: st.DrawFn) -> dict[str, Any]:
    """Make a valid call, then spoil up to three places of it."""
    made: dict[str, Any] = json.loads(json.dumps(SHARED | draw(st.sampled_from(CALLS))))
    for _ in range(draw(st.integers(0, 3))):
        container, key = draw(st.sampled_from(_spots(made) or [(made, "type")]))
        if isinstance(container, dict) and draw(st.booleans()):
            container[draw(st.text(max_size=8))] = container.pop(key, None)
        else:
            container[key] = draw(json_values)
    return made


@st.composite
def document(draw: st.DrawFn) -> Any:
    """Make the body of a single call or of a batch, or any JSON in its place."""
    kind = draw(st.sampled_from(["call", "batch", "batch", "any"]))
    if kind == "any":
        return draw(json_values)
    if kind == "call":
        return draw(call())
    batch = {"batch": draw(st.lists(call() | json_values, max_size=4))}
    extra = st.fixed_dictionaries({}, optional={"context": json_values, "sentAt": json_values})
    return batch | draw(extra)


@st.composite
def body(draw: st.DrawFn) -> bytes:
    """Make JSON in some spelling, with some of its bytes cut out, doubled or replaced."""
    value = draw(document())
    if isinstance(value, dict) and draw(st.booleans()):
        value["writeKey"] = draw(st.sampled_from(["dev", "app", "shop", "other", 5]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    spelling = draw(st.sampled_from(["utf-8"] * 6 + ["utf-16", "utf-32", "latin-1"]))
    data = text.encode(spelling, "surrogatepass" if spelling != "latin-1" else "replace")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        data = (
            data[:start] + draw(st.binary(max_size=4) | st.just(data[start:end] * 2)) + data[end:]
        )
    return data


header_value = st.binary(max_size=30).map(
    lambda value: bytes(byte for byte in value if byte not in b"\r\n\0")
)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"origin",
                b"referer",
                b"user-agent",
                b"authorization",
                b"content-type",
                b"content-encoding",
                b"x-forwarded-for",
                b"access-control-request-headers",
                b"access-control-request-method",
                b"cookie",
                b"upgrade",
            ]
        ),
        header_value
        | st.sampled_from(
            [
                b"https://shop.example",
                b"null",
                b"Basic ZGV2Og==",
                b"Basic /////w==",
                b"gzip, gzip, gzip, gzip",
                b"zstd",
                b"websocket",
                b"application/json",
            ]
        ),
    ),
    max_size=4,
)


@st.composite
def request(draw: st.DrawFn) -> Sent:
    """Make a request that is HTTP, whatever it asks for."""
    path = draw(st.sampled_from([*EVENT_PATHS, *EVENT_PATHS, *OTHER_PATHS]))
    by_get = path in pixel.ROUTES
    method = draw(st.sampled_from([*["GET" if by_get else "POST"] * 12, *METHODS, "POST"]))
    parameters = draw(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        b"data",
                        b"properties",
                        b"properties.cta_id",
                        b"context.a",
                        b"event",
                        b"userId",
                    ]
                ),
                st.binary(max_size=20)
                | st.sampled_from([b"W10=", b"e30=", b"{}", b"[[1,2]]", b"CTA Clicked"]),
            ),
            max_size=4,
        )
    )
    key = draw(st.sampled_from([b"dev", b"dev", b"app", b"shop", b"other", b""]))
    query = b"&".join(
        name + b"=" + quote_from_bytes(value).encode()
        for name, value in [(b"writeKey", key), *parameters]
    )
    data, more = draw(body()), draw(headers)
    if draw(st.sampled_from([False, False, False, True])):
        name = draw(st.sampled_from(list(ENCODERS)))
        data, more = ENCODERS[name](data), [*more, (b"content-encoding", name.encode())]
    return Sent(method, path.encode() + b"?" + query, more, data, draw(st.booleans()))


def _bytes_of(sent: Sent) -> bytes:
    lines = [sent.method.encode() + b" " + sent.target + b" HTTP/1.1", b"Host: events.example"]
    lines += [name + b": " + value for name, value in sent.headers]
    if not sent.chunked:
        lines.append(b"Content-Length: %d" % len(sent.body))
        return b"\r\n".join([*lines, b"", sent.body])
    lines.append(b"Transfer-Encoding: chunked")
    chunk = b"%x\r\n%b\r\n" % (len(sent.body), sent.body) if sent.body else b""
    return b"\r\n".join([*lines, b"", chunk + b"0\r\n\r\n"])


def _status(collector: RunningCollector, sent: Sent) -> int:
    url = httpx.URL(collector.url)
    with socket.create_connection((url.host, url.port or 80), timeout=DEADLINE_S) as connection:
        connection.sendall(_bytes_of(sent))
        head = b""
        while b"\r\n" not in head:
            piece = connection.recv(4_096)
            assert piece, f"closed without an answer: {sent}"
            head += piece
    return int(head.split(b" ", 2)[1])


def _total(metrics: dict[str, float], outcome: str) -> float:
    label = f'outcome="{outcome}"'
    return sum(n for name, n in metrics.items() if "funnelhouse_events" in name and label in name)


def _reconcile(collector: RunningCollector) -> None:
    """Everything received was accepted or rejected, and stands in the spool as that."""
    rows = collector.rows()
    until = time.monotonic() + DEADLINE_S
    while _total(metrics := collector.metrics(), "received") < len(rows):
        assert time.monotonic() < until, metrics
    rejected = sum(bool(row["reason"]) for row in rows)
    assert _total(metrics, "received") == len(rows)
    assert _total(metrics, "rejected") == rejected
    assert _total(metrics, "accepted") == len(rows) - rejected
    assert 0 < rejected < len(rows)


def _fuzz(collector: RunningCollector, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(sent=request())
    def nothing_fails(sent: Sent) -> None:
        assert 200 <= _status(collector, sent) < 500
        assert collector.process.poll() is None

    nothing_fails()
    _reconcile(collector)


@pytest.fixture(scope="module")
def fuzzed(collector_with: Callable[..., RunningCollector]) -> RunningCollector:
    """Give a collector whose rows are all of these tests."""
    return collector_with(drain_s=9)


def test_no_request_fails(fuzzed: RunningCollector) -> None:
    """No request is answered 5xx, the process lives on, and what was received is in the spool."""
    _fuzz(fuzzed, 250)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_no_request_of_very_many_fails(fuzzed: RunningCollector) -> None:
    """The same holds for twenty thousand requests."""
    _fuzz(fuzzed, 20_000)
