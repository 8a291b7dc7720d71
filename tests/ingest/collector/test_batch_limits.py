"""What a request may hold beside its bytes: events, and what they share."""

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from funnelhouse.ingest.collector.batch_limits import (
    too_many_events,
    too_much_added,
    too_much_written,
)
from funnelhouse.ingest.validation.limits import Limits
from tests.conftest import RunningCollector

GZIP = {"content-encoding": "gzip"}
CLICK = {"type": "track", "event": "cta_clicked", "userId": "u", "properties": {"cta_id": "a"}}
BASIC = {"authorization": "Basic ZGV2Og=="}


@pytest.mark.parametrize(
    ("events", "body_bytes", "refused"),
    [
        (256, 600, False),
        (257, 600, True),
        (257, 257 * 24, False),
        (257, 257 * 24 - 1, True),
        (2_500, 1_000_000, False),
        (2_501, 1_000_000, True),
    ],
)
def test_events_of_a_body(events: int, body_bytes: int, refused: bool) -> None:  # noqa: FBT001 - of the table
    """More events than the limit, or than calls have room in the body, are refused."""
    assert (too_many_events(events, body_bytes, Limits()) is not None) is refused


@pytest.mark.parametrize(("added", "refused"), [(1_000, False), (1_001, True)])
def test_what_a_context_adds(added: int, refused: bool) -> None:  # noqa: FBT001 - of the table
    """Bytes that a context adds pass up to their own limit."""
    limits = replace(Limits(), max_context_bytes=1_000)
    assert (too_much_added(added, limits) is not None) is refused


def test_many_items_in_few_bytes(collector: RunningCollector) -> None:
    """A batch of 1.9 million ones in 4 KB of gzip is refused before they are built."""
    body = b'{"writeKey":"dev","batch":[' + b",".join([b"1"] * 1_900_000) + b"]}"
    answer, rows = collector.take("/v1/batch", gzip.compress(body), headers=GZIP)
    assert (answer.status_code, rows) == (413, [])
    assert answer.json()["error"]["reason"] == "too_many_values"


def test_a_large_context_over_many_events(collector: RunningCollector) -> None:
    """A context of 16 KB over 2,500 small events is refused, over sixty it is taken."""
    for events, status, reason in ((2_500, 413, "context_too_large"), (60, 200, None)):
        body = {"writeKey": "dev", "context": {"a": "x" * 8_000, "b": "y" * 8_000}}
        answer, rows = collector.take("/v1/batch", body | {"batch": [CLICK] * events})
        assert (answer.status_code, len(rows)) == (status, 0 if reason else events)
        assert answer.json().get("error", {}).get("reason") == reason


def test_a_large_resource_over_many_records(collector: RunningCollector) -> None:
    """What a resource adds to its log records counts as a batch's context does."""
    resource = {"attributes": [{"key": "note", "value": {"stringValue": "x" * 8_000}}]}
    scope = {"logRecords": [{"body": {"stringValue": "hello"}}] * 600}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}
    answer, rows = collector.take("/v1/logs", json.dumps(body).encode(), headers=BASIC)
    assert (answer.status_code, rows) == (413, [])
    assert answer.json()["error"]["reason"] == "context_too_large"


def test_rate_of_bytes(collector_with: Callable[..., RunningCollector]) -> None:
    """A key over its rate of inflated bytes waits, though it sends few events."""
    slow = collector_with(rate_bytes_per_s=1_000, rate_burst_bytes=20_000)
    body = gzip.compress(json.dumps({"writeKey": "dev", "batch": [CLICK] * 200}).encode())
    assert slow.take("/v1/batch", body, headers=GZIP).answer.status_code == 200
    answer, rows = slow.take("/v1/batch", body, headers=GZIP)
    assert (answer.status_code, rows) == (429, [])
    assert 1 <= int(answer.headers["retry-after"]) <= 30


@pytest.mark.parametrize(("written", "refused"), [(65_536 + 6_000, False), (65_536 + 6_001, True)])
def test_what_hashes_may_add(written: int, refused: bool) -> None:  # noqa: FBT001 - of the table
    """Events may grow to six times what was sent, and 64 KiB in any case."""
    assert (too_much_written(written, 1_000) is not None) is refused


def test_many_hashes_of_short_values(collector: RunningCollector) -> None:
    """Lists of short personal values, whose hashes would fill the disk, are refused as a whole."""
    traits = [{"email": number} for number in range(100, 1_000)]
    call = {"type": "identify", "userId": "u", "context": {"traits": traits}}
    answer, rows = collector.take("/v1/batch", {"writeKey": "dev", "batch": [call] * 20})
    assert (answer.status_code, rows) == (413, [])
    assert answer.json()["error"]["reason"] == "too_much_personal"


def test_values_inside_of_texts(collector_with: Callable[..., RunningCollector]) -> None:
    """Documents that Snowplow's payloads hold as Base64 count with what is inside of them."""
    snowplow = collector_with(snowplow_key="dev")
    inside = base64.b64encode(b'{"data":[' + b",".join([b"[]"] * 20_000) + b"]}").decode()
    payload = {"e": "pv", "duid": "d", "cx": inside}
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    for payloads, status in ((1, 200), (11, 413)):
        body = {"schema": schema, "data": [payload] * payloads}
        answer = snowplow.take("/com.snowplowanalytics.snowplow/tp2", body).answer
        assert answer.status_code == status


@pytest.mark.parametrize("agent", ["", "u" * 1_024])
def test_disk_of_many_small_events(collector: RunningCollector, agent: str) -> None:
    """Rows that repeat what was sent once are compressed, and come back as they were."""
    before = held(collector)
    body = json.dumps({"writeKey": "dev", "context": {"a": "x" * 400}, "batch": [CLICK] * 2_500})
    answer, rows = collector.take("/v1/batch", body.encode(), headers={"user-agent": agent})
    assert (answer.status_code, len(rows)) == (200, 2_500)
    assert {(row["user_agent"], row["event_name"]) for row in rows} == {(agent, "cta_clicked")}
    assert held(collector) - before < 4 * len(body)


def held(collector: RunningCollector) -> int:
    """Return the bytes of a collector's spool."""
    return sum(file.stat().st_size for file in collector.settings.spool_folder.iterdir())
