"""Events that came, accepted and rejected, as a test's question is held against them."""

from typing import Any

import orjson
from clickhouse_connect.driver.client import Client

from funnelhouse.analysis.expectation import Planned, ReceivedEvent

_MOST = 5_000
_OF_RUN = """
SELECT
    event_name, sent_name, properties, if(anonymous_id != '', anonymous_id, user_id) AS device,
    toString(event_time) AS event_time, toString(received_at) AS received_at, source, release,
    page_url, reason, path, detail, payload, event_type
FROM run_events
WHERE run = {run:String}
ORDER BY arrival DESC
LIMIT {most:UInt32}
"""
_OF_NO_RUN = """
WITH
    now64(6, 'UTC') - toIntervalSecond({back:UInt32}) AS since,
    bitShiftLeft(toUInt64(toUnixTimestamp64Micro(since)), 12) AS first,
    latest AS
    (
        SELECT source, event_id
        FROM seen_events
        WHERE hour >= toStartOfHour(toDateTime(since, 'UTC')) AND arrival >= first
        ORDER BY arrival DESC
        LIMIT {most:UInt32}
    )
SELECT
    event_name, sent_name, properties, if(anonymous_id != '', anonymous_id, user_id) AS device,
    toString(event_time) AS event_time, toString(received_at) AS received_at, source, release,
    page_url, '' AS reason, '' AS path, '' AS detail, '' AS payload, event_type
FROM events
WHERE (source, event_id) IN (SELECT source, event_id FROM latest)
UNION ALL
SELECT
    event_name, sent_name, '{}', '', toString(event_time), toString(received_at), source, '',
    page, reason, path, detail, payload, event_type
FROM rejected_events
WHERE arrival >= first
ORDER BY received_at DESC
LIMIT {most:UInt32}
"""


def came(client: Client, run: str, back_s: int) -> list[ReceivedEvent]:
    """Give the events of a run, or of the last so many seconds without one, the oldest first."""
    parameters = {"run": run, "most": _MOST} if run else {"back": back_s, "most": _MOST}
    rows = client.query(_OF_RUN if run else _OF_NO_RUN, parameters=parameters).result_rows
    return [_one(row) for row in reversed(rows)]


def _one(row: Any) -> ReceivedEvent:
    name, sent_name, properties, device, *rest, payload, event_type = row
    item: dict[str, Any] = {}
    if payload:
        try:
            item = orjson.loads(payload)
        except orjson.JSONDecodeError:
            item = {}
    if item.get("properties") is None or event_type in {"identify", "group"}:
        sent = item.get("traits")
    else:
        sent = item["properties"]
    if rest[-3]:  # the reason: a rejected event stands as it was sent
        given: Any = sent if isinstance(sent, dict) else {}
        device = str(item.get("anonymousId") or item.get("userId") or "")
    else:
        given = orjson.loads(properties)
    return ReceivedEvent(name, sent_name, given, device, *rest)


def planned(client: Client) -> Planned:
    """Give the plan's events with the properties that it describes."""
    rows = client.query("SELECT event, properties FROM planned_events").result_rows
    return {event: properties for event, properties in rows}  # noqa: C416 - what a row is
