"""Events that retention has dropped: arrivals, which are kept, name more than are there."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

_EVENTS_A_SHARE = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARRIVAL_BITS = 12
_COUNTS = """
SELECT
    (
        SELECT count()
        FROM (SELECT 1 FROM {arrivals} GROUP BY source, event_id)
    ),
    (SELECT count() FROM {events} FINAL)
SETTINGS optimize_aggregation_in_order = 1
"""
_LAST_LOST = """
SELECT max(first), count()
FROM
(
    SELECT min(arrival) AS first
    FROM arrivals
    WHERE cityHash64(event_id) % {shares:UInt32} = {share:UInt32}
        AND (source, event_id) NOT IN (
            SELECT source, event_id
            FROM events_raw
            WHERE cityHash64(event_id) % {shares:UInt32} = {share:UInt32}
        )
    GROUP BY source, event_id
)
"""
_FIRST_KEPT = "SELECT min(arrival), count() FROM events_raw WHERE arrival > {lost:UInt64}"


class Lost(NamedTuple):
    """When the latest event that is gone was received, and the first since then, if any."""

    last: datetime
    kept_from: datetime | None


def lost_events(client: Client) -> Lost | None:
    """Find which events are gone; None when all are there. Nothing may be inserted meanwhile."""
    if not anything_lost(client, "arrivals", "events_raw"):
        return None
    ((arrivals,),) = client.query("SELECT count() FROM arrivals").result_rows
    shares = arrivals // _EVENTS_A_SHARE + 1
    lost = 0
    for share in range(shares):
        asked = {"shares": shares, "share": share}
        ((last, _),) = client.query(_LAST_LOST, parameters=asked).result_rows
        lost = max(lost, int(last))
    ((first, left),) = client.query(_FIRST_KEPT, parameters={"lost": lost}).result_rows
    return Lost(_received(lost), _received(int(first)) if left else None)


def anything_lost(client: Client, arrivals: str, events: str) -> bool:
    """Say whether a table of arrivals names events that a table of events does not have."""
    asked = _COUNTS.format(arrivals=arrivals, events=events)
    ((came, kept),) = client.query(asked).result_rows
    return bool(came > kept)


def _received(arrival: int) -> datetime:
    return _EPOCH + timedelta(microseconds=arrival >> _ARRIVAL_BITS)
