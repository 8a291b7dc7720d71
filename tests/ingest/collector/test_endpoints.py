"""What the collector promises over HTTP in every protocol: answers, keys, limits, durability."""

import gzip
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from funnelhouse.settings import Settings
from tests.conftest import WRITE_KEYS, RunningCollector, start_collector, stop_process

PAGE = {"origin": "https://page.example"}
SHOP = {"origin": "https://shop.example"}


def _click(**fields: Any) -> dict[str, Any]:
    click = {"type": "track", "event": "cta_clicked", "userId": "u-1"}
    return click | {"properties": {"cta_id": "apply"}} | fields


def _batch(*items: Any, key: str = "dev") -> dict[str, Any]:
    return {"writeKey": key, "batch": list(items)}


# Answers


def test_success_is_small_and_exact(collector: RunningCollector) -> None:
    """Success is a 200 with `{"success": true}` as JSON, and no more."""
    answer, _ = collector.take("/v1/track?writeKey=dev", _click())
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert answer.headers["content-type"] == "application/json"


def test_answered_means_durable(collector: RunningCollector) -> None:
    """An event that was answered 200 stands in a segment file at that moment."""
    for number in range(20):
        _, rows = collector.take("/v1/track?writeKey=dev", _click(messageId=f"durable-{number}"))
        assert [json.loads(row["payload"])["messageId"] for row in rows] == [f"durable-{number}"]


BAD_ITEMS: list[tuple[Any, str, str]] = [
    (5, "unreadable_event", "$"),
    (None, "unreadable_event", "$"),
    ([], "unreadable_event", "$"),
    ("text", "unreadable_event", "$"),
    ({}, "unknown_type", "$.type"),
    (_click(type="click"), "unknown_type", "$.type"),
    (_click(type=["track"]), "unknown_type", "$.type"),
    (_click(type={"a": 1}), "unknown_type", "$.type"),
    (_click(properties=[]), "invalid_field", "$.properties"),
    (_click(context="ko"), "invalid_field", "$.context"),
    (_click(event=None), "missing_name", "$.event"),
    (_click(event=" "), "missing_name", "$.event"),
    (_click(event="nobody planned this"), "unknown_event", "$.event"),
    (_click(context={"schema_version": "9-9-9"}), "unknown_version", "$.context.schema_version"),
    (_click(userId=None), "missing_identity", "$"),
    (_click(userId=["u"]), "invalid_field", "$.userId"),
    (_click(userId=True), "invalid_field", "$.userId"),
    (_click(timestamp="yesterday"), "invalid_field", "$.timestamp"),
    (_click(timestamp="2261-01-01T00:00:00Z"), "from_future", "$.timestamp"),
    (_click(properties={"cta_id": 5}), "schema", "$.properties.cta_id"),
    (_click(properties={}), "schema", "$.properties"),
    (_click(properties={"cta_id": "a", "position": "moon"}), "schema", "$.properties.position"),
    (
        {"type": "identify", "userId": "u-1", "traits": {"age": "old"}},
        "schema",
        "$.traits.age",
    ),
    ({"type": "identify", "userId": "u-1", "traits": 1}, "invalid_field", "$.traits"),
]


@pytest.mark.parametrize(("item", "reason", "path"), BAD_ITEMS)
def test_one_bad_event_poisons_nothing(
    collector: RunningCollector, item: Any, reason: str, path: str
) -> None:
    """A bad event is rejected with its reason and path, and its neighbours are taken."""
    answer, rows = collector.take("/v1/batch", _batch(_click(), item, _click()))
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    results = answer.json()["results"]
    assert list(results) == ["1"]
    assert results["1"].pop("detail")
    assert results["1"] == {"outcome": "rejected", "reason": reason, "path": path}
    assert [row["reason"] for row in rows] == ["", reason, ""]
    assert json.loads(rows[1]["payload"]) == item


def test_results_by_message_id(collector: RunningCollector) -> None:
    """A rejected event is named by its messageId, or by its index where it has none."""
    items = [_click(event="a", messageId="m-0"), _click(event="b"), _click(messageId="m-2")]
    answer, _ = collector.take("/v1/batch", _batch(*items, _click(event="c", messageId="")))
    assert list(answer.json()["results"]) == ["m-0", "1", "3"]


def test_single_rejected_event(collector: RunningCollector) -> None:
    """A single call that is rejected is a 200 too, with its result."""
    answer, rows = collector.take("/v1/track?writeKey=dev", _click(messageId="m", properties={}))
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert list(answer.json()["results"]) == ["m"]
    assert [row["reason"] for row in rows] == ["schema"]


GZIP = {"content-encoding": "gzip"}
REFUSED: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("track", b"{", {}, 400, "unreadable_body"),
    ("track", b"", {}, 400, "unreadable_body"),
    ("track", b'{"a":NaN}', {}, 400, "unreadable_body"),
    ("track", b'{"a":"\xff"}', {}, 400, "unreadable_body"),
    ("track", b"[]", {}, 400, "not_an_object"),
    ("track", b"null", {}, 400, "not_an_object"),
    ("batch", b"[]", {}, 400, "not_an_object"),
    ("batch", b"{}", {}, 400, "not_a_batch"),
    ("batch", b'{"batch":{}}', {}, 400, "not_a_batch"),
    ("track", b"x", GZIP, 400, "unreadable_body"),
    ("track", gzip.compress(b"{}")[:-1], GZIP, 400, "unreadable_body"),
    ("track", b"x", {"content-encoding": "lzma"}, 415, "unknown_encoding"),
]


@pytest.mark.parametrize("refused", REFUSED)
def test_refused_body_is_kept(
    collector: RunningCollector, refused: tuple[str, bytes, dict[str, str], int, str]
) -> None:
    """A body that cannot be taken is answered with its fault, and kept as one rejected row."""
    call, body, headers, status, reason = refused
    answer, rows = collector.take(f"/v1/{call}", body, headers=headers, auth=("dev", ""))
    assert answer.status_code == status
    assert answer.json()["error"]["reason"] == reason
    assert [(row["source"], row["reason"]) for row in rows] == [("web", "unreadable_body")]
    kept = rows[0]["payload"].decode()
    try:
        assert kept == body.decode()
    except (
        UnicodeDecodeError
    ):  # nobody can say what such bytes hold: a hash or their number is kept
        assert "hmac-sha256:" in kept or "bytes that are no text" in kept


def test_request_that_is_broken_off(collector: RunningCollector) -> None:
    """What came of a body before its sender broke off is kept as one rejected row."""
    before = len(collector.rows())
    with _begin(collector, b"x" * 500) as connection:
        connection.sendall(b'{"event":')
    until = time.monotonic() + 30
    while len(rows := collector.rows()[before:]) < 1:
        assert time.monotonic() < until, "nothing was kept"
    assert [(row["reason"], row["payload"]) for row in rows] == [("unreadable_body", b'{"event":')]


@pytest.mark.parametrize("refused", REFUSED)
def test_refused_body_without_key(
    collector: RunningCollector, refused: tuple[str, bytes, dict[str, str], int, str]
) -> None:
    """A body that cannot be taken and came under no key of ours leaves nothing."""
    call, body, headers, status, _ = refused
    answer, rows = collector.take(f"/v1/{call}", body, headers=headers)
    assert (answer.status_code, rows) == (status, [])
    answer, rows = collector.take(f"/v1/{call}?writeKey=other", body, headers=headers)
    assert (answer.status_code, rows) == (401, [])


@pytest.mark.parametrize("key", ["", '"writeKey":"other",', '"writeKey":5,', '"writeKey":null,'])
@pytest.mark.parametrize("call", ["track", "batch"])
def test_unknown_key(collector: RunningCollector, call: str, key: str) -> None:
    """A call under no write key of ours is answered 401 and leaves nothing."""
    answer, rows = collector.take(f"/v1/{call}", b"{" + key.encode() + b'"batch":[]}')
    assert (answer.status_code, answer.json()["error"]["reason"]) == (401, "unknown_key")
    assert rows == []


@pytest.mark.parametrize("authorization", ["Basic", "Basic ?", "Basic /w==", "Bearer dev", "dev"])
def test_unreadable_authorization(collector: RunningCollector, authorization: str) -> None:
    """An Authorization header that holds no user name is no key, and no fault."""
    answer, rows = collector.take("/v1/t", _click(), headers={"authorization": authorization})
    assert (answer.status_code, rows) == (401, [])


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/b"])
def test_other_methods(collector: RunningCollector, path: str, method: str) -> None:
    """Every method but POST and OPTIONS is answered 405, with those that there are."""
    answer, rows = collector.taken(
        lambda: collector.client.request(method, path, params={"writeKey": "dev"})
    )
    assert (answer.status_code, answer.headers["allow"], rows) == (405, "POST, OPTIONS", [])


def test_other_methods_of_the_pixel(collector: RunningCollector) -> None:
    """The pixel is got and nothing else: 405."""
    answer, rows = collector.take("/v1/pixel/page?writeKey=dev&userId=u-1")
    assert (answer.status_code, answer.headers["allow"], rows) == (405, "GET", [])


def _errors(collector: RunningCollector) -> Iterator[httpx.Response]:
    post = collector.client.post
    yield post("/v1/track?writeKey=dev", content=b"{")
    yield post("/v1/batch?writeKey=dev", content=b"{}")
    yield post("/v1/track", content=b"{}")
    yield post("/v1/track?writeKey=shop", content=b"{}", headers=PAGE)
    yield post("/v1/track?writeKey=dev", content=b"x" * 2_000_000)
    yield post("/v1/track", content=b"{}", headers={"content-encoding": "lzma"})
    yield collector.client.put("/v1/track", content=b"{}")
    yield post("/v1/nothing", content=b"{}")
    yield collector.client.get("/v1/track/")
    yield post("/metrics")
    yield collector.client.delete("/v1/projects/dev/settings")


def test_one_shape_of_errors(collector: RunningCollector) -> None:
    """Every error, of whichever route, has one JSON shape that names its status."""
    statuses = []
    for answer in _errors(collector):
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        assert set(body) == {"success", "error"}
        assert body["success"] is False
        assert set(body["error"]) == {"status", "reason", "detail"}
        assert body["error"]["status"] == answer.status_code
        assert body["error"]["detail"]
        statuses.append(answer.status_code)
    assert statuses == [400, 400, 401, 403, 413, 415, 405, 404, 404, 405, 405]


# Origins


@pytest.mark.parametrize("path", ["/v1/track", "/v1/b"])
def test_preflight(collector: RunningCollector, path: str) -> None:
    """A preflight, which carries no key, is granted what it asks for."""
    asked = {
        **PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-own",
    }
    answer, rows = collector.taken(lambda: collector.client.options(path, headers=asked))
    assert (answer.status_code, answer.content, rows) == (204, b"", [])
    assert answer.headers.get_list("access-control-allow-origin") == ["https://page.example"]
    assert answer.headers["access-control-allow-headers"] == "content-type,x-own"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(("key", "status"), [("dev", 200), ("other", 401), ("shop", 403)])
def test_page_may_read_every_answer(collector: RunningCollector, key: str, status: int) -> None:
    """The page that sent an event may read the answer, whichever it is."""
    answer, _ = collector.take("/v1/track", _click(writeKey=key), headers=PAGE)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "https://page.example"
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 200),
        ("https://SHOP.example", 200),
        ("https://www.shop.example", 200),
        ("http://shop.example", 403),
        ("https://shop.example:8443", 403),
        ("https://shop.example.evil.example", 403),
        ("https://evilshop.example", 403),
        ("null", 403),
        (None, 200),
    ],
)
def test_origin_of_a_key(collector: RunningCollector, origin: str | None, status: int) -> None:
    """A key with an allow-list takes events of those origins, and of senders that have none."""
    headers = {"origin": origin} if origin else {}
    answer, rows = collector.take("/v1/track", _click(writeKey="shop"), headers=headers)
    assert answer.status_code == status
    assert [row["reason"] for row in rows] == ["" if status == 200 else "forbidden_origin"]


# Limits

STRICT = {
    "max_body_bytes": 4_000,
    "max_inflated_bytes": 8_000,
    "max_event_bytes": 1_000,
    "max_batch_events": 3,
    "max_depth": 5,
    "max_string_length": 100,
    "max_future_ms": 60_000,
    "max_age_ms": 3_600_000,
}


@pytest.fixture(scope="module")
def strict(collector_with: Callable[..., RunningCollector]) -> RunningCollector:
    return collector_with(**STRICT)


def _padded(size: int) -> bytes:
    body = orjson.dumps({"writeKey": "dev", "batch": []})
    return body + b" " * (size - len(body))


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (_padded(4_000), {}, 200),
        (_padded(4_001), {}, 413),
        (gzip.compress(_padded(8_000)), GZIP, 200),
        (gzip.compress(_padded(8_001)), GZIP, 413),
        (gzip.compress(_padded(3_000_000)), GZIP, 413),
    ],
    ids=["body", "body and one", "inflated", "inflated and one", "bomb"],
)
def test_size_of_body(
    strict: RunningCollector, body: bytes, headers: dict[str, str], status: int
) -> None:
    """A body larger than the limit, as sent or inflated, is answered 413, and nothing is kept."""
    answer, rows = strict.take("/v1/batch?writeKey=dev", body, headers=headers)
    assert (answer.status_code, rows) == (status, [])


def test_size_of_endless_body(strict: RunningCollector) -> None:
    """A body without a length is read no further than the limit."""
    pieces = iter([b"x" * 1_000] * 50)
    answer, rows = strict.taken(
        lambda: strict.client.post("/v1/batch", content=pieces, auth=("dev", ""))
    )
    assert (answer.status_code, rows) == (413, [])


@pytest.mark.parametrize(("events", "status"), [(3, 200), (4, 413)])
def test_length_of_batch(strict: RunningCollector, events: int, status: int) -> None:
    """A batch of more events than the limit is answered 413, and nothing of it is kept."""
    answer, rows = strict.take("/v1/batch", _batch(*[_click()] * events))
    assert answer.status_code == status
    assert [row["reason"] for row in rows] == ([""] * 3 if status == 200 else [])


def _sized(size: int) -> dict[str, Any]:
    texts = {"cta_id": "apply", **{f"text_{number}": "x" * 90 for number in range(8)}, "end": ""}
    empty = _click(properties=texts)
    texts["end"] = "x" * (size - len(orjson.dumps(empty)))
    return empty


def _nested(depth: int) -> dict[str, Any]:
    inner: Any = {}
    for _ in range(depth - 3):
        inner = [inner]
    return _click(properties={"cta_id": "apply", "deep": inner})


def _aged(age_s: float) -> dict[str, Any]:
    return _click(timestamp=time.time() - age_s)


@pytest.mark.parametrize(
    ("within", "beyond", "reason", "path"),
    [
        (_sized(1_000), _sized(1_001), "too_large", "$"),
        (_nested(5), _nested(6), "too_deep", "$"),
        (
            _click(properties={"cta_id": "가" * 100}),
            _click(properties={"cta_id": "가" * 101}),
            "too_long",
            "$.properties.cta_id",
        ),
    ],
    ids=["bytes", "depth", "length"],
)
def test_limits_of_an_event(
    strict: RunningCollector,
    within: dict[str, Any],
    beyond: dict[str, Any],
    reason: str,
    path: str,
) -> None:
    """An event at a limit is taken, one just over it is rejected for that."""
    answer, rows = strict.take("/v1/batch", _batch(within, beyond))
    result = answer.json()["results"]["1"]
    assert [row["reason"] for row in rows] == ["", reason]
    assert (result["reason"], result["path"]) == (reason, path)


@pytest.mark.parametrize(
    ("within_s", "beyond_s", "reason"),
    [(-50, -120, "from_future"), (3_500, 3_700, "too_old")],
    ids=["future", "age"],
)
def test_limits_of_an_event_s_time(
    strict: RunningCollector, within_s: float, beyond_s: float, reason: str
) -> None:
    """An event well within a limit of time is taken, one well over it is rejected for that."""
    answer, rows = strict.take("/v1/batch", _batch(_aged(within_s), _aged(beyond_s)))
    result = answer.json()["results"]["1"]
    assert [row["reason"] for row in rows] == ["", reason]
    assert (result["reason"], result["path"]) == (reason, "$.timestamp")


def test_any_age_by_default(collector: RunningCollector) -> None:
    """History comes in through the same door: by default no event is too old."""
    answer, rows = collector.take("/v1/t?writeKey=dev", _click(timestamp="1998-05-01T00:00:00Z"))
    assert answer.json() == {"success": True}
    assert rows[0]["event_time"].year == 1998


def test_rate_of_a_key(collector_with: Callable[..., RunningCollector]) -> None:
    """A key over its rate is answered 429 with the seconds to wait; other keys feel nothing."""
    slow = collector_with(rate_events_per_s=0.1, rate_burst_events=3)
    assert slow.take("/v1/batch", _batch(_click(), _click())).answer.status_code == 200
    answer, rows = slow.take("/v1/batch", _batch(_click(), _click()))
    assert (answer.status_code, rows) == (429, [])
    assert 1 <= int(answer.headers["retry-after"]) <= 10
    assert answer.json()["error"]["reason"] == "rate"
    assert slow.take("/v1/batch", _batch(_click(), key="app")).answer.status_code == 200


# The spool is full


def test_full_spool(collector_with: Callable[..., RunningCollector]) -> None:
    """A full spool is answered 503 with Retry-After and not ready, until room is made."""
    small = collector_with(spool_max_bytes=30_000, segment_bytes=10_000)
    taken = 0
    while (answer := small.take("/v1/t", _click(writeKey="dev")).answer).status_code == 200:
        taken += 1
        assert taken < 1_000
    assert (answer.status_code, answer.json()["error"]["reason"]) == (503, "spool")
    assert int(answer.headers["retry-after"]) > 0
    assert small.client.get("/readyz").status_code == 503
    assert small.client.get("/livez").status_code == 200
    assert len(small.rows()) == taken > 0
    _make_room(small)
    answer, rows = small.take("/v1/t", _click(writeKey="dev"))
    assert (answer.status_code, len(rows)) == (200, 1)


def _make_room(small: RunningCollector) -> None:
    """Take the sealed segments away, as the loader does, and wait until the worker sees it."""
    for sealed in small.settings.spool_folder.glob("*.arrow"):
        sealed.unlink()
    until = time.monotonic() + 30
    while small.client.get("/readyz").status_code != 200:
        assert time.monotonic() < until, "the collector did not notice the room"


# Stopping


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningCollector]:
    """Start a collector that the test may stop."""
    settings = Settings(data=tmp_path, collector="127.0.0.1:0", write_keys=WRITE_KEYS)
    running = start_collector(settings)
    yield running
    running.client.close()
    stop_process(running.process)


def _begin(running: RunningCollector, body: bytes) -> socket.socket:
    """Send a request's head, and return once the collector asks for its body (RFC 9110, 10.1.1)."""
    url = httpx.URL(running.url)
    connection = socket.create_connection((url.host, url.port or 80), timeout=30)
    head = (
        f"POST /v1/t?writeKey=dev HTTP/1.1\r\nHost: {url.host}\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert connection.recv(1_000).startswith(b"HTTP/1.1 100 ")
    return connection


def test_graceful_drain(own: RunningCollector) -> None:
    """A request under way at SIGTERM gets its 200 and is durable; then the worker ends in order."""
    body = orjson.dumps(_click(messageId="under way"))
    with _begin(own, body) as connection:
        connection.sendall(body[:20])
        own.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            own.process.wait(0.5)
        connection.sendall(body[20:])
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")
    assert own.process.wait(30) == 0
    assert [row["payload"] for row in own.rows()] == [body]
    assert not list(own.settings.spool_folder.glob("*.open"))
    counts = json.loads((own.settings.run_folder / "collector-0.json").read_bytes())
    assert sorted(counts["events"]) == [["web", "accepted", 1], ["web", "received", 1]]


def test_end_of_the_supervisor(own: RunningCollector) -> None:
    """A worker whose supervisor is gone drains and ends by itself."""
    own.take("/v1/t", _click(writeKey="dev"))
    assert own.process.stdin is not None
    own.process.stdin.close()
    assert own.process.wait(30) == 0
    assert len(own.rows()) == 1
