from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pyarrow as pa
import pytest

from funnelhouse.ingest.loader.tables import rows_of
from funnelhouse.ingest.log.disk import LOCAL_DISK
from funnelhouse.ingest.log.durability import SpoolFull
from funnelhouse.ingest.log.row import Row
from funnelhouse.ingest.log.segment import read_segment
from funnelhouse.ingest.log.spool import SpoolConfig
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.ingest.validation.rejection import Reason
from funnelhouse.ingest.validation.replay import (
    RejectedEvent,
    Tally,
    passing,
    read_rejected,
    rejudge,
    respool,
)
from funnelhouse.schemas.registry import load_plan
from funnelhouse.transforms.privacy import hash_personal
from tests.conftest import PreparedWarehouse

SECRET = b"a secret of the tests"
ARRIVAL = 1_722_211_200_000_000 << 12 | 7
HASH = hash_personal("a@b.example", SECRET)
ID = "0189a1b2-0000-7000-8000-0000000000ff"


def schema(**properties: Any) -> dict[str, Any]:
    """A schema of these properties, the first of them required."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "funnelhouse:events/log/seen/1-0-0",
        "title": "Seen",
        "description": "Somebody was seen.",
        "type": "object",
        "properties": properties,
        "required": list(properties)[:1],
        "examples": [{"email": "a@b.example", "mails": ["a@b.example"], "n": 1}],
    }


PLAIN = RejectedEvent(
    arrival=ARRIVAL,
    source="web",
    server=False,
    event_id=ID,
    event_type="track",
    sent_at=None,
    payload=b"",
    user_agent="agent",
    ip="10.0.0.0",
    page="",
    reason="",
    path="",
)
PERSONAL = {"type": "string", "format": "email", "maxLength": 20, "x-personal": True}


@pytest.fixture
def plan_folder(tmp_path: Path) -> Path:
    """Give a plan with one event, `seen`."""
    mails = {"type": "array", "items": PERSONAL}
    document = schema(n={"type": "integer"}, email=PERSONAL, mails=mails)
    path = tmp_path / "events" / "log" / "seen" / "1-0-0.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(orjson.dumps(document))
    return tmp_path


@pytest.fixture
def rules(plan_folder: Path) -> Rules:
    """Give today's rules."""
    return Rules(load_plan(plan_folder), Limits(), SECRET)


def rejected(
    item: Any = None, reason: Reason = Reason.UNKNOWN_EVENT, path: str = "$.event", **other: Any
) -> RejectedEvent:
    """Make a rejected row of an event `seen` with these properties."""
    text = orjson.dumps({"event": "Seen", "userId": "u", "properties": item})
    return PLAIN._replace(**{"payload": text, "reason": reason, "path": path} | other)


def test_passes(rules: Rules) -> None:
    """What passes today keeps its arrival, its id and its origin, and is marked as replayed."""
    row = rejudge(rejected({"n": 1}), rules)
    assert row is not None
    assert (row.arrival, row.event_id, row.source) == (ARRIVAL, UUID(ID).bytes, "web")
    assert (row.user_agent, row.ip) == ("agent", "10.0.0.0")
    assert (row.event_name, row.schema_version, row.planned) == ("seen", "1-0-0", True)
    assert (row.reason, row.path, row.detail, row.replayed) == ("", "", "", True)


def test_time_is_that_of_then(rules: Rules) -> None:
    """The event's time is corrected by the first receipt, and so is its age."""
    call = {"event": "seen", "userId": "u", "properties": {"n": 1}, "timestamp": 1_000}
    sent_at = 1_600 * 1_000_000
    row = rejudge(rejected(payload=orjson.dumps(call), sent_at=sent_at), rules)
    assert row is not None
    assert row.event_time == (ARRIVAL >> 12) - 600 * 1_000_000
    limits = Limits(max_age_ms=600_000)
    assert rejudge(rejected({"n": 1}), replace(rules, limits=limits)) is not None


@pytest.mark.parametrize(
    "still_wrong",
    [
        {"item": {"n": "one"}},
        {"item": {"n": 1, "email": "no mail"}},
        {"item": {}},
        {"payload": b'{"event":"Never Seen","userId":"u"}'},
        {"payload": b'{"event":"Seen","properties":{"n":1}}'},
        {"payload": b'{"event":"Seen", cut sho'},
        {"payload": b"\xff\xfe"},
        {"payload": b"[1]"},
        {"payload": b'{"batch":[{"type":"track"}]}', "event_type": ""},
    ],
)
def test_still_rejected(rules: Rules, still_wrong: dict[str, Any]) -> None:
    """What still breaks the plan, or is no call, stays rejected."""
    assert rejudge(rejected(**still_wrong), rules) is None


@pytest.mark.parametrize(
    ("reason", "event_type"),
    [
        (Reason.FORBIDDEN_ORIGIN, ""),
        (Reason.DUPLICATE_KEY, "track"),
        (Reason.UNREADABLE_EVENT, "track"),
        (Reason.UNREADABLE_BODY, "track"),
    ],
)
def test_rejected_for_good(rules: Rules, reason: Reason, event_type: str) -> None:
    """What came from a page without the right, or as text that readers differ on, never passes."""
    text = b'{"type":"track","event":"seen","userId":"u","properties":{"n":1}}'
    assert rejudge(rejected(payload=text, event_type=event_type, reason=reason), rules) is None


def test_body_that_is_a_call_now(rules: Rules) -> None:
    """A body that could not be read passes when it reads as a call today."""
    text = b'{"type":"track","event":"seen","userId":"u","properties":{"n":1}}'
    row = rejudge(rejected(payload=text, event_type="", reason=Reason.UNREADABLE_BODY), rules)
    assert row is not None
    assert row.event_type == "track"


@pytest.mark.parametrize(
    "properties",
    [
        {"n": 1, "email": HASH},
        {"n": 1, "mails": [HASH, HASH]},
        {"n": 1, "email": HASH, "mails": [HASH]},
    ],
)
def test_hashes_pass(rules: Rules, properties: dict[str, Any]) -> None:
    """A personal value that is hashed already fails neither its format nor its length."""
    row = rejudge(rejected(properties), rules)
    assert row is not None
    assert orjson.loads(row.payload)["properties"] == properties


def test_hash_does_not_excuse_others(rules: Rules) -> None:
    """A fault beside a hashed value still rejects."""
    assert rejudge(rejected({"n": "one", "email": HASH}), rules) is None


def test_hash_in_a_plain_field(rules: Rules) -> None:
    """A hash where nothing personal belongs is a value as any other."""
    assert rejudge(rejected({"n": HASH}), rules) is None


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"n": 1, "email": HASH}, "$.properties.email"),
        ({"n": 1, "mails": [HASH]}, "$.properties.mails[0]"),
    ],
)
def test_hidden_reason_stays(rules: Rules, properties: dict[str, Any], path: str) -> None:
    """A personal value that was itself the reason is not excused, for nobody knows it any more."""
    assert rejudge(rejected(properties, Reason.SCHEMA, path), rules) is None
    assert rejudge(rejected(properties, Reason.SCHEMA, "$.properties.n"), rules) is not None


def test_newly_personal_is_hashed(rules: Rules) -> None:
    """What only today's plan marks as personal is hashed on its way."""
    row = rejudge(rejected({"n": 1, "email": "a@b.example"}), rules)
    assert row is not None
    assert orjson.loads(row.payload)["properties"]["email"] == HASH


def test_length_of_hashes(rules: Rules) -> None:
    """An event that hashes have made longer than the limit is not too large for that."""
    text = rejected({"n": 1, "email": HASH})
    limits = Limits(max_event_bytes=len(text.payload) - 1)
    row = rejudge(text, replace(rules, limits=limits))
    assert row is not None
    assert row.payload == text.payload


def test_tally(rules: Rules) -> None:
    """Judged and passed are counted by the reason that they had."""
    pages = [
        [rejected({"n": 1}), rejected({"n": "x"})],
        [rejected({"n": "x"}, Reason.SCHEMA)],
    ]
    tally = Tally()
    assert [len(rows) for rows in passing(pages, rules, tally)] == [1, 0]
    assert tally.judged == {"unknown_event": 2, "schema": 1}
    assert tally.passed == {"unknown_event": 1}


def row(rules: Rules, arrival: int = ARRIVAL) -> Row:
    """Make a row that passes."""
    passed = rejudge(rejected({"n": 1}, arrival=arrival), rules)
    assert passed is not None
    return passed


def test_respool(rules: Rules, tmp_path: Path) -> None:
    """The segment is sealed, holds each row once, and counts nothing as received."""
    config = SpoolConfig(tmp_path / "spool", max_bytes=1 << 20)
    batches = [[row(rules, ARRIVAL + n)] for n in range(3)]
    assert respool([*batches, []], config, LOCAL_DISK) == 3
    (path,) = config.folder.iterdir()
    segment = read_segment(path.read_bytes())
    assert segment.sealed
    assert [orjson.loads(frame.metadata) for frame in segment.frames] == [{"received": {}}] * 3
    found = rows_of(segment.frames)
    assert found.accepted["arrival"].to_pylist() == [ARRIVAL + n for n in range(3)]
    assert found.accepted["replayed"].to_pylist() == [True] * 3


def test_nothing_to_respool(tmp_path: Path) -> None:
    """Without rows there is no segment."""
    config = SpoolConfig(tmp_path / "spool", max_bytes=1 << 20)
    assert respool([[], []], config, LOCAL_DISK) == 0
    assert list(config.folder.iterdir()) == []


def test_respool_cuts_segments(rules: Rules, tmp_path: Path) -> None:
    """A segment that is large enough is sealed before the next begins."""
    config = SpoolConfig(tmp_path / "spool", max_bytes=1 << 20, segment_bytes=1)
    respool([[row(rules)], [row(rules)]], config, LOCAL_DISK)
    assert [path.suffix for path in config.folder.iterdir()] == [".arrow", ".arrow"]


def test_full_spool(rules: Rules, tmp_path: Path) -> None:
    """A full spool takes no replay."""
    config = SpoolConfig(tmp_path / "spool", max_bytes=1)
    config.folder.mkdir()
    (config.folder / "x.arrow").write_bytes(b"xx")
    with pytest.raises(SpoolFull, match="then replay again"):
        respool([[row(rules)]], config, LOCAL_DISK)


@pytest.fixture
def empty(warehouse: PreparedWarehouse) -> Iterator[PreparedWarehouse]:
    """Give the engine with empty tables, and leave it so."""
    warehouse.empty()
    yield warehouse
    warehouse.empty()


def test_read_rejected(empty: PreparedWarehouse) -> None:
    """Rows come out of the engine as they went in, bytes that are no Unicode included."""
    payload = b"\xff\x00{"
    empty.client.command(
        "INSERT INTO rejected_raw (source, arrival, event_id, event_type, sent_at, payload,"
        " user_agent, ip, reason, path)"
        " VALUES ('web', %(arrival)s, %(id)s, 'track', '2024-07-29 00:00:00.000001',"
        " unhex('FF007B'), 'agent', '10.0.0.0', 'schema', '$')",
        parameters={"arrival": ARRIVAL, "id": ID},
    )
    stream = empty.client.raw_query(
        "SELECT * REPLACE (toString(event_id) AS event_id,"
        " toUnixTimestamp64Micro(sent_at) AS sent_at) FROM rejected_events",
        fmt="ArrowStream",
    )
    (found,) = read_rejected(
        pa.ipc.open_stream(stream).read_all().select(list(RejectedEvent._fields))
    )
    assert found == PLAIN._replace(
        sent_at=1_722_211_200_000_001, payload=payload, reason="schema", path="$"
    )
