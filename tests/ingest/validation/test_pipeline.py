"""What an event becomes on its way to the spool: its name, version, time, origin, and secrets."""

import hashlib
import hmac
import json
import shutil
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelhouse.ingest.collector.protocols.segment import decode
from funnelhouse.ingest.log.receipt import ReceiptClock
from funnelhouse.ingest.log.row import SCHEMA, Row
from funnelhouse.ingest.validation.event import Origin
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.ingest.validation.pipeline import Pipeline, ValidatedBatch
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.schemas.registry import load_plan
from funnelhouse.settings import SHIPPED_PLAN
from tests.conftest import RunningCollector

RECEIVED_US = 1_722_470_400_000_000  # 2024-08-01T00:00:00Z
SECRET = b"a secret of the tests"
WEB = Origin("web", server=False)


@cache
def _shipped() -> Rules:
    return Rules(load_plan(SHIPPED_PLAN), Limits(), SECRET)


@pytest.fixture
def rules() -> Rules:
    return _shipped()


def _admit(rules: Rules, body: bytes, call: str = "batch") -> ValidatedBatch:
    pipeline = Pipeline(rules, ReceiptClock(lambda: RECEIVED_US))
    read = decode(call, body)
    if isinstance(read, Refusal):
        return pipeline.refuse(read, body, WEB)
    return pipeline.admit(read, WEB)


def _row(rules: Rules, **fields: Any) -> Row:
    """The row of one call, a good click but for the fields given."""
    item = {"type": "track", "event": "cta_clicked", "userId": "u-1"}
    item |= {"properties": {"cta_id": "apply"}} | fields
    (row,) = _admit(rules, orjson.dumps({"batch": [item]})).rows
    return row


# Names


@pytest.mark.parametrize(
    "sent",
    ["cta_clicked", "CTA Clicked", "Cta-Clicked", "ctaClicked", "CTA_CLICKED", " cta.clicked "],
)
def test_names_are_folded(rules: Rules, sent: str) -> None:
    """A sent name is matched after folding case and separators, and kept as it was sent."""
    row = _row(rules, event=sent)
    assert (row.event_name, row.sent_name, row.reason) == ("cta_clicked", sent, "")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("page", "page_viewed"),
        ("screen", "screen_viewed"),
        ("identify", "identified"),
        ("group", "grouped"),
        ("alias", "aliased"),
    ],
)
def test_names_of_calls(rules: Rules, call: str, name: str) -> None:
    """Each call but track has a name of its own, whatever `event` says."""
    row = _row(rules, type=call, event="something else")
    assert (row.event_type, row.event_name) == (call, name)


def test_unknown_name_is_rejected(rules: Rules) -> None:
    """A name that the plan does not have is rejected, and kept as it was sent."""
    row = _row(rules, event="Bought A Pony")
    assert (row.reason, row.sent_name, row.planned) == ("unknown_event", "Bought A Pony", False)


def test_unknown_name_is_let_through_flagged(
    collector_with: Callable[..., RunningCollector],
) -> None:
    """With the setting, a name that the plan does not have is taken and marked as not planned."""
    open_ = collector_with(unknown_events="accept")
    items = [{"type": "track", "event": event, "userId": "u-1"} for event in ("Pony", "log")]
    answer, rows = open_.take("/v1/batch", {"writeKey": "dev", "batch": items})
    assert answer.json() == {"success": True}
    assert [(row["event_name"], row["planned"], row["reason"]) for row in rows] == [
        ("Pony", False, ""),
        ("log", False, ""),
    ]


@pytest.mark.parametrize("call", ["page", "screen"])
def test_page_name_and_category_are_judged(rules: Rules, call: str) -> None:
    """A page call's name and category are judged among its properties, at their own path."""
    fine = _row(rules, type=call, name="Home", category="landing", properties=None)
    wrong = _row(rules, type=call, name=5, properties=None)
    inner = _row(rules, type=call, name="Home", properties={"name": 5})
    assert (fine.reason, wrong.reason, inner.reason) == ("", "schema", "schema")
    assert (wrong.path, inner.path) == ("$.name", "$.properties.name")


# Versions


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Judge by the shipped plan with a newer click, which wants a position and hides a note."""
    plan = tmp_path_factory.mktemp("plan")
    shutil.copytree(SHIPPED_PLAN / "events", plan / "events")
    folder = plan / "events" / "cta" / "cta_clicked"
    text = (folder / "1-0-0.json").read_text(encoding="utf-8")
    newer = json.loads(text.replace("cta_clicked/1-0-0", "cta_clicked/2-0-0"))
    newer["required"] = ["cta_id", "position"]
    newer["properties"]["note"] = {"type": "string", "maxLength": 76, "x-personal": True}
    newer["examples"][0]["position"] = "hero"
    text = json.dumps(newer, ensure_ascii=False, indent=2)
    (folder / "2-0-0.json").write_text(text, encoding="utf-8")
    return Rules(load_plan(plan), Limits(), SECRET)


@pytest.mark.parametrize(
    ("context", "version", "reason"),
    [
        ({}, "2-0-0", "schema"),
        ({"schema_version": "1-0-0"}, "1-0-0", ""),
        ({"schema_version": "2-0-0"}, "2-0-0", "schema"),
        ({"schema_version": None}, "2-0-0", "schema"),
        ({"schema_version": "3-0-0"}, "", "unknown_version"),
        ({"schema_version": "latest"}, "", "unknown_version"),
    ],
)
def test_version(versions: Rules, context: dict[str, Any], version: str, reason: str) -> None:
    """The version is the one that the context asks for, or else the newest."""
    row = _row(versions, context=context)
    assert (row.schema_version, row.reason) == (version, reason)


def test_personal_of_an_unknown_version(versions: Rules) -> None:
    """An event of a version that the plan lacks is hidden as the newest version hides."""
    properties = {"cta_id": "apply", "note": "민감한 말"}
    row = _row(versions, context={"schema_version": "3-0-0"}, properties=properties)
    assert row.reason == "unknown_version"
    assert "민감한 말".encode() not in row.payload


# Time


@pytest.mark.parametrize(
    ("fields", "offset_ms"),
    [
        ({}, 0),
        ({"timestamp": "2024-07-31T23:59:50Z"}, -10_000),
        ({"originalTimestamp": "2024-07-31T23:59:50Z"}, -10_000),
        # The sender's clock is an hour fast, and it sent ten seconds after the event.
        ({"timestamp": "2024-08-01T00:59:50Z", "sentAt": "2024-08-01T01:00:00Z"}, -10_000),
        # It is a year slow.
        ({"timestamp": "2023-08-01T00:00:00Z", "sentAt": "2023-08-01T00:00:30Z"}, -30_000),
        ({"timestamp": 1_722_470_390_000, "sentAt": 1_722_470_400_000}, -10_000),
        ({"timestamp": "2024-07-31T23:59:50Z", "sentAt": "nonsense"}, -10_000),
        ({"sentAt": "2024-08-01T01:00:00Z"}, 0),
    ],
)
def test_event_time(rules: Rules, fields: dict[str, Any], offset_ms: int) -> None:
    """The event's time is corrected by the receipt less `sentAt`; without a time it is the receipt.

    Expected by hand from Segment's definition: receivedAt - (sentAt - timestamp).
    """
    row = _row(rules, **fields)
    assert (row.reason, row.event_time - RECEIVED_US) == ("", offset_ms * 1_000)


def test_sent_at_of_the_batch(rules: Rules) -> None:
    """A batch's `sentAt` corrects the items that have none of their own."""
    click: dict[str, Any] = {"type": "track", "event": "cta_clicked", "userId": "u"}
    click |= {"properties": {"cta_id": "a"}, "timestamp": "2024-08-01T01:00:00Z"}
    own = click | {"sentAt": "2024-08-01T01:00:20Z"}
    body = {"sentAt": "2024-08-01T01:00:05Z", "batch": [click, own]}
    rows = _admit(rules, orjson.dumps(body)).rows
    # Each is received a microsecond after the one before.
    assert [row.event_time - RECEIVED_US for row in rows] == [-5_000_000, -20_000_000 + 1]


def test_arrival_is_the_order_of_receipt(rules: Rules) -> None:
    """Events of one request have rising arrival numbers of the time of receipt."""
    click = {"type": "track", "event": "cta_clicked", "userId": "u", "properties": {"cta_id": "a"}}
    arrivals = [row.arrival for row in _admit(rules, orjson.dumps({"batch": [click] * 9})).rows]
    assert arrivals == sorted(set(arrivals))
    assert {arrival >> 12 for arrival in arrivals} == {RECEIVED_US + n for n in range(9)}


# Where it came from


@pytest.mark.parametrize(
    ("key", "source", "server"), [("dev", "web", False), ("app", "backend", True)]
)
def test_source(collector: RunningCollector, key: str, source: str, *, server: bool) -> None:
    """A row bears its key's source, and whether that is a server."""
    body = {"event": "cta_clicked", "userId": "u", "properties": {"cta_id": "a"}, "writeKey": key}
    _, rows = collector.take("/v1/t", body)
    assert [(row["source"], row["server"]) for row in rows] == [(source, server)]


FORWARDED = {"x-forwarded-for": "203.0.113.77"}


@pytest.mark.parametrize(
    ("changed", "ip"),
    [
        ({}, "127.0.0.0"),
        ({"mask_ip": False}, "127.0.0.1"),
        ({"trusted_proxies": "127.0.0.1"}, "203.0.113.0"),
        ({"trusted_proxies": "192.0.2.1"}, "127.0.0.0"),
    ],
    ids=["default", "not masked", "behind a proxy", "behind another"],
)
def test_address(
    collector_with: Callable[..., RunningCollector], changed: dict[str, Any], ip: str
) -> None:
    """Addresses are masked unless set otherwise, and only a trusted proxy may name another."""
    collector = collector_with(**changed)
    body = {"event": "cta_clicked", "userId": "u", "properties": {"cta_id": "a"}, "writeKey": "dev"}
    _, rows = collector.take("/v1/t", body, headers=FORWARDED)
    assert [row["ip"] for row in rows] == [ip]


def test_request_facts(collector: RunningCollector) -> None:
    """The user agent and the page are taken from the headers, and cut where they are endless."""
    headers = {"user-agent": "Agent/1 " + "x" * 5_000, "referer": "https://page.example/a"}
    _, rows = collector.take("/v1/p?writeKey=dev", {"userId": "u-1"}, headers=headers)
    assert rows[0]["user_agent"] == "Agent/1 " + "x" * 1_016
    assert rows[0]["page"] == "https://page.example/a"


# Personal fields


def _hash(text: str) -> str:
    """What stands for a text: HMAC-SHA-256 by the standard library (RFC 2104)."""
    return "hmac-sha256:" + hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()


def test_personal_fields_are_hashed(rules: Rules) -> None:
    """Fields that the schema marks personal reach the spool as keyed hashes, all others as sent."""
    traits = {"email": "Kim@Example.com", "age": 31, "address": {"street": "길 1", "city": "서울"}}
    row = _row(rules, type="identify", traits=traits)
    assert row.reason == ""
    assert json.loads(row.payload)["traits"] == {
        "email": _hash("kim@example.com"),
        "age": 31,
        "address": {"street": _hash("길 1"), "city": "서울"},
    }


EMAIL = "kim@example.com"
LEAKS: list[dict[str, Any]] = [
    {"type": "identify", "traits": {"email": EMAIL}},
    {"type": "identify", "traits": {"email": EMAIL, "age": "old"}},
    {"type": "identify", "traits": {"email": [EMAIL]}},
    {"type": "identify", "traits": {"email": {"work": EMAIL}}},
    {"type": "identify", "traits": [{"email": EMAIL}]},
    {"type": "identify", "traits": {"email": EMAIL + "x" * 300}},
    {"type": "identify", "traits": {"email": EMAIL}, "userId": None},
    {"type": "identify", "traits": {"email": EMAIL}, "timestamp": "never"},
    {"type": "identify", "traits": {"email": EMAIL}, "context": "none"},
    {"type": "identify", "traits": {"email": EMAIL}, "context": {"schema_version": "9-9-9"}},
    {"type": "identify", "traits": {"email": EMAIL, "long": "x" * 9_000}},
    {"type": "identify", "traits": {"long": "x" * 40_000, "email": EMAIL}},
    {"type": "identify", "traits": {"email": EMAIL}, "deep": json.loads("[" * 200 + "]" * 200)},
    {"type": "group", "traits": {"email": EMAIL}},
    {"type": "track", "event": "joined", "properties": {"email": EMAIL}},
    {"type": "track", "event": "Joined", "traits": {"email": EMAIL}},
    {"context": {"traits": {"email": EMAIL}}},
    {"properties": [], "context": {"traits": {"email": EMAIL}}},
    {"properties": {}, "context": {"traits": {"email": EMAIL}}},
    {"event": "nobody planned this", "context": {"traits": {"email": EMAIL}}},
    {"context": [{"traits": {"email": EMAIL}}]},
    {"type": "nonsense", "traits": {"email": EMAIL}},
    {"type": "nonsense", "context": {"traits": {"email": EMAIL}}},
    {"type": None, "traits": [{"email": EMAIL}]},
]


@pytest.mark.parametrize("fields", LEAKS)
def test_nothing_personal_is_spooled(rules: Rules, fields: dict[str, Any]) -> None:
    """Personal fields are hashed in taken and in rejected events, and never shown in an answer."""
    item = {"type": "track", "event": "cta_clicked", "userId": "u"} | fields
    for shared in ({}, {"context": {"locale": "ko"}}):
        admission = _admit(rules, orjson.dumps(shared | {"batch": [item]}))
        assert b"kim" not in admission.rows[0].payload
        assert "kim" not in str(admission.results)
        assert "kim" not in admission.rows[0].detail


@pytest.mark.parametrize("poison", [rb'"\ud800"', b"1e400", b"9" * 5_000])
@pytest.mark.parametrize("call", ["identify", "batch"])
def test_nothing_personal_of_an_unreadable_event(rules: Rules, poison: bytes, call: str) -> None:
    """An event that holds a value nobody reads alike is hidden like any other."""
    body = b'{"type":"identify","userId":"u","traits":{"email":"kim@example.com","v":' + poison
    body += b"}}"
    if call == "batch":
        body = b'{"batch":[' + body + b"]}"
    (row,) = _admit(rules, body, call).rows
    assert (row.reason, row.event_name) == ("unreadable_event", "identified")
    assert b"kim" not in row.payload
    assert _hash(EMAIL).encode() in row.payload


@pytest.mark.parametrize("count", [1, 3_000])
def test_nothing_personal_of_a_refused_body(rules: Rules, count: int) -> None:
    """A refused body that is JSON is hidden too: a call in the wrong place, a batch too long."""
    call = {"type": "identify", "userId": "u", "traits": {"email": EMAIL}}
    body = orjson.dumps(call if count == 1 else {"batch": [call] * count})
    pipeline = Pipeline(rules, ReceiptClock(lambda: RECEIVED_US))
    (row,) = pipeline.refuse(Refusal(400, "not_a_batch", "mend it"), body, WEB).rows
    assert b"kim" not in row.payload
    assert _hash(EMAIL).encode() in row.payload
    assert len(row.payload) <= Limits().max_event_bytes


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"traits": {"email": "k"}}, "the value is shorter than 3 characters"),
        ({"traits": {"address": {"street": 5}}}, 'the value is not of type "string"'),
        ({"traits": {"address": "길 1"}}, 'the value is not of type "object"'),
    ],
)
def test_detail_hides_what_is_personal(rules: Rules, fields: dict[str, Any], detail: str) -> None:
    """A schema's fault says what is wrong and shows no value, since that may be personal."""
    assert _row(rules, type="identify", **fields).detail == detail


def test_detail_of_a_missing_property(rules: Rules) -> None:
    """A missing property is named though the event has personal ones too."""
    row = _row(rules, event="joined", properties={})
    assert (row.path, row.detail) == ("$.properties", '"product" is a required property')


def test_text_without_personal_values_stays(rules: Rules) -> None:
    """Text stays as sent where personal fields are missing, null, blank, or hashed already."""
    traits = f'{{"n":1e5 , "email":null,"phone":" ","name":"{_hash("x")}","address":{{}}}}'
    body = f'{{"type":"identify","userId":"u","traits":{traits}}}'.encode()
    (row,) = _admit(rules, b'{"batch":[' + body + b"]}").rows
    assert row.payload == body


# Whatever comes

finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | finite | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    [
        "type",
        "event",
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "sentAt",
        "properties",
        "traits",
        "context",
        "name",
    ]
)
telling = st.sampled_from(
    ["track", "page", "identify", "cta_clicked", "Joined", "2024-08-01T00:00:00Z", "u-1", 1]
) | st.fixed_dictionaries({"cta_id": json_values, "traits": json_values, "email": json_values})
items = st.dictionaries(fields, telling | json_values) | json_values


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batch=st.lists(items, max_size=5), context=json_values)
def test_every_event_becomes_one_row(batch: list[Any], context: Any) -> None:
    """Whatever JSON a batch holds, each item becomes exactly one row that fits the spool."""
    body = json.dumps({"batch": batch, "context": context}).encode()
    admission = _admit(_shipped(), body)
    assert len(admission.rows) == len(batch)
    assert admission.rejected == sum(bool(row.reason) for row in admission.rows)
    columns = [list(column) for column in zip(*admission.rows, strict=True)] or [[]] * len(SCHEMA)
    arrays = [pa.array(c, t) for c, t in zip(columns, SCHEMA.types, strict=True)]
    pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


# Limits of time


@pytest.mark.parametrize(
    ("offset_ms", "reason"),
    [
        (60_000, ""),
        (60_001, "from_future"),
        (-3_600_000, ""),
        (-3_600_001, "too_old"),
    ],
)
def test_the_limits_of_time_are_still_taken(offset_ms: int, reason: str) -> None:
    """An event right at a limit counts; one that is a millisecond beyond it does not."""
    limits = Limits(max_future_ms=60_000, max_age_ms=3_600_000)
    rules = Rules(load_plan(SHIPPED_PLAN), limits, SECRET)
    row = _row(rules, timestamp=RECEIVED_US // 1000 + offset_ms)
    assert row.reason == reason
