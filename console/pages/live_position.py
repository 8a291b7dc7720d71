"""The place up to which a follower was told of what lands, and the events that came after it.

A worker numbers what it receives upwards and its rows land in that order, good and rejected ones
apart; those of two workers overtake each other. So a place holds a number for each such line.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

import msgspec
from clickhouse_connect.driver.client import Client

from funnelhouse.console.pages.site import rows

_FARTHEST = timedelta(minutes=10) // timedelta(microseconds=1) * 4096
"""How far a line may be behind the one that is ahead: a microsecond has 4,096 arrival numbers."""
_NOW = "SELECT toUInt64(toUnixTimestamp64Micro(now64(6))) * 4096 AS arrival"
_OF_NO_RUN = """
WITH latest AS
    (
        SELECT source, event_id, arrival
        FROM seen_events
        WHERE hour >= toStartOfHour(fromUnixTimestamp64Micro(toInt64({since:UInt64} / 4096), 'UTC'))
            AND arrival >= {since:UInt64}
            AND arrival > transform(
                toUInt32(arrival % 4096 * 2), {lines:Array(UInt32)}, {told:Array(UInt64)}, 0
            )
        ORDER BY arrival
        LIMIT 100
    )
SELECT *
FROM
(
    SELECT toUInt32(arrival % 4096 * 2) AS line, arrival, received_at, event_name AS event, source,
        release, page_url AS page, properties, '' AS reason, '' AS path, '' AS detail
    FROM events_raw
    WHERE (source, event_id, arrival) IN (SELECT source, event_id, arrival FROM latest)
    UNION ALL
    SELECT toUInt32(arrival % 4096 * 2 + 1) AS line, arrival, received_at, sent_name, source, '',
        page, payload, reason, path, detail
    FROM rejected_events
    WHERE arrival >= {since:UInt64}
        AND arrival > transform(line, {lines:Array(UInt32)}, {told:Array(UInt64)}, 0)
)
ORDER BY arrival
LIMIT 100
"""
_OF_RUN = """
SELECT toUInt32(arrival % 4096 * 2 + (reason != '')) AS line, arrival, received_at,
    if(event_name != '', event_name, sent_name) AS event, source, release, page_url AS page,
    if(reason = '', properties, payload) AS properties, reason, path, detail
FROM run_events
WHERE run = {run:String}
    AND arrival > transform(line, {lines:Array(UInt32)}, {told:Array(UInt64)}, 0)
ORDER BY arrival
LIMIT 100
"""


class LivePosition(msgspec.Struct, frozen=True):
    """From which arrival number on events are told, and the last one told of each line."""

    since: int
    told: dict[int, int] = {}

    @classmethod
    def now(cls, client: Client) -> Self:
        """Give the place after all that was received so far, by the warehouse's clock."""
        return cls(rows(client, _NOW)[0]["arrival"])

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read a place from its text, or None where the text is no place."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            return None

    def text(self) -> str:
        """Write the place in one line, which can be read again."""
        return msgspec.json.encode(self).decode()

    def after(self, event: Mapping[str, Any]) -> Self:
        """Give the place after an event of `events` was told."""
        arrival = int(event["arrival"])
        told = self.told | {int(event["line"]): arrival}
        return type(self)(max(self.since, arrival - _FARTHEST), told)

    def events(self, client: Client, run: str) -> list[dict[str, Any]]:
        """Give at most 100 events that landed after this place, of a run or of none.

        A row has `line`, `arrival`, and what is shown: `reason` is empty where it was accepted.
        """
        told = {"lines": list(self.told), "told": list(self.told.values())}
        if run:
            return rows(client, _OF_RUN, run=run, **told)
        return rows(client, _OF_NO_RUN, since=self.since, **told)
