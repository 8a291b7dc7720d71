"""Every answer of 4xx that a body can get: under a valid key it is kept as one row, and counted."""

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx
import pytest

from funnelhouse.ingest.log.segment import read_segment
from tests.conftest import RunningCollector

SNOWPLOW = "/com.snowplowanalytics.snowplow/tp2"
CALL = b'{"event":"cta_clicked","userId":"u","properties":{"cta_id":"a"}}'
PROTOBUF = {"content-type": "application/x-protobuf"}


class Case(NamedTuple):
    """A request, and how it is answered and kept."""

    name: str
    method: str
    path: str
    body: bytes
    status: int
    reason: str
    headers: Mapping[str, str] = MappingProxyType({})
    source: str = "web"


DEV = "?writeKey=dev"
KEPT = [
    Case("no JSON", "POST", f"/v1/track{DEV}", b"event=x", 400, "unreadable_body"),
    Case("cut call", "POST", f"/v1/track{DEV}", CALL[:-1], 400, "unreadable_body"),
    Case("NaN", "POST", f"/v1/track{DEV}", b'{"event":"x","n":NaN}', 400, "unreadable_body"),
    Case("empty", "POST", f"/v1/track{DEV}", b"", 400, "unreadable_body"),
    Case("no object", "POST", f"/v1/track{DEV}", b"[]", 400, "unreadable_body"),
    Case("no list", "POST", f"/v1/batch{DEV}", CALL, 400, "unreadable_body"),
    Case("cut batch", "POST", f"/v1/batch{DEV}", b'{"batch":[' + CALL, 400, "unreadable_body"),
    Case(
        "batch twice", "POST", f"/v1/batch{DEV}", b'{"batch":[],"batch":[]}', 400, "duplicate_key"
    ),
    Case("bytes", "POST", f"/v1/page{DEV}", b'{"a":"\xff\xfe"}', 400, "unreadable_body"),
    Case(
        *("no gzip", "POST", f"/v1/track{DEV}", b"x", 400, "unreadable_body"),
        {"content-encoding": "gzip"},
    ),
    Case(
        *("cut gzip", "POST", f"/v1/track{DEV}", gzip.compress(CALL)[:-1], 400, "unreadable_body"),
        {"content-encoding": "gzip"},
    ),
    Case(
        *("encoding", "POST", f"/v1/track{DEV}", CALL, 415, "unreadable_body"),
        {"content-encoding": "lzma"},
    ),
    Case(
        *("key in body", "POST", "/v1/track", CALL.replace(b"{", b'{"writeKey":"dev",', 1)),
        *(415, "unreadable_body", {"content-encoding": "lzma"}),
    ),
    Case(
        "key, no list",
        "POST",
        "/v1/batch",
        b'{"writeKey":"dev","batch":{}}',
        400,
        "unreadable_body",
    ),
    Case(
        *("key, one call", "POST", "/v1/batch", b'{"writeKey":"dev","batch":{"type":"track"}}'),
        *(400, "unreadable_body"),
    ),
    Case("key, array", "POST", "/v1/batch", b'[{"writeKey": "dev"}]', 400, "unreadable_body"),
    Case("key, cut", "POST", "/v1/batch", b'{"writeKey":"dev","batch":[{', 400, "unreadable_body"),
    Case("key, cut call", "POST", "/v1/track", b'{"writeKey":"dev","ev', 400, "unreadable_body"),
    Case("key, NaN", "POST", "/v1/track", b'{"n":NaN,"writeKey":"dev"}', 400, "unreadable_body"),
    Case(
        *("key, batch twice", "POST", "/v1/batch", b'{"writeKey":"dev","batch":[],"batch":[]}'),
        *(400, "duplicate_key"),
    ),
    Case(
        *("origin", "POST", "/v1/track?writeKey=shop", CALL, 403, "forbidden_origin"),
        *({"origin": "https://evil.example"}, "landing"),
    ),
    Case(
        *("origin of a batch", "POST", "/v1/batch", b'{"writeKey":"shop","batch":[]}'),
        *(403, "forbidden_origin", {"origin": "https://evil.example"}, "landing"),
    ),
    Case("no such address", "POST", f"/v1/trak{DEV}", CALL, 404, "wrong_address"),
    Case("no such address, key", "POST", "/", b'{"writeKey":"dev"}', 404, "wrong_address"),
    Case("method", "PUT", f"/v1/track{DEV}", CALL, 405, "wrong_address"),
    Case("method of the pixel", "POST", f"/v1/pixel/track{DEV}", CALL, 405, "wrong_address"),
    Case("method of Snowplow", "PUT", f"{SNOWPLOW}{DEV}", CALL, 405, "wrong_address"),
    Case("method of a document", "POST", f"/sourceConfig{DEV}", CALL, 405, "wrong_address"),
    Case("pixel", "GET", f"/v1/pixel/track{DEV}&properties=%5B", b"", 400, "unreadable_body"),
    Case(
        "pixel with key",
        "GET",
        "/v1/pixel/track?context=5&data=" + base64.b64encode(b'{"writeKey":"dev"}').decode(),
        *(b"", 400, "unreadable_body"),
    ),
    Case("logs", "POST", f"/v1/logs{DEV}", b"[]", 400, "unreadable_body"),
    Case("logs, cut", "POST", f"/v1/logs{DEV}", b'{"resourceLogs":[{', 400, "unreadable_body"),
    Case("logs, protobuf", "POST", f"/v1/logs{DEV}", b"\xff", 400, "unreadable_body", PROTOBUF),
]


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case.name)
def test_kept_under_a_valid_key(collector: RunningCollector, case: Case) -> None:
    """A refused body is answered with its status, and stands in the spool once, as valid UTF-8."""
    before = received(collector, case.source)
    answer, rows = collector.taken(lambda: send(collector.client, case))
    assert answer.status_code == case.status
    assert [(row["source"], row["reason"]) for row in rows] == [(case.source, case.reason)]
    rows[0]["payload"].decode()
    assert received(collector, case.source) == before + 1


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case.name)
def test_not_kept_under_another_key(collector: RunningCollector, case: Case) -> None:
    """The same body under no key of ours leaves nothing."""
    stranger = case._replace(
        path=case.path.replace("=dev", "=none").replace("=shop", "=none"),
        body=case.body.replace(b'"dev"', b'"none"').replace(b'"shop"', b'"none"'),
    )
    if "data=" in case.path:
        pytest.skip("the key stands in Base64")
    answer, rows = collector.taken(lambda: send(collector.client, stranger))
    assert (400 <= answer.status_code < 500, rows) == (True, [])


def send(client: httpx.Client, case: Case) -> httpx.Response:
    """Send the request of a case."""
    return client.request(case.method, case.path, content=case.body, headers=case.headers)


def received(collector: RunningCollector, source: str) -> int:
    """How many events the frames of the spool count for the ledger, of a source."""
    while True:
        try:
            segments = [p.read_bytes() for p in collector.settings.spool_folder.glob("*.*")]
            break
        except FileNotFoundError:  # a segment was sealed meanwhile, under another name
            pass
    frames = [f for one in segments for f in read_segment(one, still_open=True).frames]
    counts = [json.loads(frame.metadata)["received"] for frame in frames]
    return sum(n for one in counts for key, n in one.items() if key.startswith(f"{source}|"))


def test_snowplow_of_the_configured_key(
    collector_with: Callable[..., RunningCollector],
) -> None:
    """What Snowplow's trackers send without a key is kept under the key that is set for them."""
    collector = collector_with(snowplow_key="dev")
    answer, rows = collector.take(SNOWPLOW, b"{}")
    assert (answer.status_code, [row["reason"] for row in rows]) == (400, ["unreadable_body"])


def test_a_stray_body_is_hidden_like_any_other(collector: RunningCollector) -> None:
    """What is personal in a call that went astray is hashed before it is kept."""
    call = {"type": "identify", "userId": "u", "traits": {"email": "kim@example.com"}}
    for path in ("/v1/identity", "/v1/pixel/track"):
        _, rows = collector.take(f"{path}?writeKey=dev", call)
        assert b"kim" not in rows[0]["payload"]


def test_the_name_of_a_refused_call(collector: RunningCollector) -> None:
    """A single call that is no JSON says its name all the same, where that can be read."""
    body = b'{"event":"Payment Completed","userId":"u","properties":{"amount":NaN}}'
    _, rows = collector.take("/v1/track?writeKey=dev", body)
    assert [(row["event_name"], row["payload"]) for row in rows] == [("payment_completed", body)]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("MyApp/1.0 (갤럭시)".encode(), "MyApp/1.0 (갤럭시)"),
        ("Café".encode("latin-1"), "Café"),
        (b"\xff\xfe", "ÿþ"),
        ("갤".encode() * 400, "갤" * 341),
        (b"x" * 2_000, "x" * 1_024),
    ],
)
def test_headers_are_utf_8_or_else_latin_1(
    collector: RunningCollector, sent: bytes, read: str
) -> None:
    """User-Agent and Referer are read as UTF-8 where they are, and cut to whole characters."""
    headers = {b"user-agent": sent, b"referer": sent}
    body: Any = json.loads(CALL) | {"writeKey": "dev"}
    _, rows = collector.take("/v1/track", body, headers=headers)
    assert [(row["user_agent"], row["page"]) for row in rows] == [(read, read)]
