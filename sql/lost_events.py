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
SELECT max(first)
FROM
(
    SELECT min(arrival) AS first
    FROM {arrivals:Identifier}
    WHERE cityHash64(event_id) % {shares:UInt32} = {share:UInt32}
        AND (source, event_id) NOT IN (
            SELECT source, event_id
            FROM {events:Identifier}
            WHERE cityHash64(event_id) % {shares:UInt32} = {share:UInt32}
        )
    GROUP BY source, event_id
)
"""
_FIRST_KEPT = """
SELECT min(arrival), count() FROM {events:Identifier} WHERE arrival > {lost:UInt64}
"""


class LostEvents(NamedTuple):
    """When the latest event that is gone was received, and the first since then, if any."""

    last: datetime
    kept_from: datetime | None


def lost_events(
    client: Client, arrivals: str = "arrivals", events: str = "events_raw"
) -> LostEvents | None:
    """Find which events are gone; None when all are there. Nothing may be inserted meanwhile."""
    ((came, kept),) = client.query(_COUNTS.format(arrivals=arrivals, events=events)).result_rows
    if came <= kept:
        return None
    tables = {"arrivals": arrivals, "events": events}
    shares = came // _EVENTS_A_SHARE + 1
    lost = 0
    for share in range(shares):
        asked = tables | {"shares": shares, "share": share}
        ((last,),) = client.query(_LAST_LOST, parameters=asked).result_rows
        lost = max(lost, int(last))
    ((first, left),) = client.query(_FIRST_KEPT, parameters=tables | {"lost": lost}).result_rows
    return LostEvents(_received(lost), _received(int(first)) if left else None)


def _received(arrival: int) -> datetime:
    return _EPOCH + timedelta(microseconds=arrival >> _ARRIVAL_BITS)
