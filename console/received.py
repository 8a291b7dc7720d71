"""Events received since the last reset, of one test run or of none, as Snowplow Micro counts them.

An answer waits until what was received before the question can be queried.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.console.json_requests import read
from funnelhouse.sql.location import Warehouse

_PATIENCE_S = 10.0
_AGAIN_S = 0.02
_MOST = 10_000
_OF_RUN = """
SELECT *
FROM run_events
WHERE run = {run:String} AND arrival >= {since:UInt64} AND (reason = '') = {good:Bool}
ORDER BY arrival DESC
LIMIT {most:UInt32}
"""
_GOOD = """
SELECT *, '' AS reason, '' AS path, '' AS detail
FROM events
WHERE (source, event_id) IN (
    SELECT
        source,
        event_id
    FROM seen_events
    WHERE hour + 3600 >= fromUnixTimestamp64Micro(toInt64(bitShiftRight({since:UInt64}, 12)))
        AND arrival >= {since:UInt64}
)
    AND arrival >= {since:UInt64}
ORDER BY arrival DESC
LIMIT {most:UInt32}
"""
_BAD = """
SELECT *
FROM rejected_events
WHERE arrival >= {since:UInt64}
ORDER BY arrival DESC
LIMIT {most:UInt32}
"""
_BLANK = (
    *("anonymous_id", "user_id", "session_id", "page_host", "page_path", "page_title", "library"),
    *("referrer_url", "utm_source", "utm_medium", "utm_campaign", "locale", "properties"),
)

Drained = Callable[[float], bool]
"""Says whether all that was received before a moment (seconds since the epoch) has been loaded."""


@dataclass(slots=True)
class Resets:
    """Since when events count, for each run; "" is no run."""

    since_us: dict[str, int] = field(default_factory=dict)
    started_us: int = field(default_factory=lambda: time.time_ns() // 1000)

    def arrival(self, run: str) -> int:
        """Give the first arrival number that counts."""
        return self.since_us.get(run, 0 if run else self.started_us) << 12

    def reset(self, run: str) -> None:
        """Begin anew."""
        self.since_us[run] = time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Received:
    """Asks for the events of runs, "" being none; `resets` say which of them count."""

    warehouse: Warehouse
    drained: Drained
    resets: Resets = field(default_factory=Resets)

    async def rows(self, run: str, *, good: bool) -> list[dict[str, Any]]:
        """Give accepted or rejected events as rows, the newest first."""
        await self._drain()
        since = self.resets.arrival(run)
        return await read(self.warehouse, lambda client: _rows(client, run, since, good=good))

    async def reset(self, run: str) -> None:
        """Forget what was received before now."""
        await self._drain()
        self.resets.reset(run)

    async def _drain(self) -> None:
        """Wait until what was received before now is loaded, or for so long that it is no use."""
        asked_at = time.time()
        end = asked_at + _PATIENCE_S
        while not self.drained(asked_at) and time.time() < end:  # noqa: ASYNC110 - a folder
            await asyncio.sleep(_AGAIN_S)


def _rows(client: Client, run: str, since: int, *, good: bool) -> list[dict[str, Any]]:
    parameters: dict[str, Any] = {"since": since, "most": _MOST}
    if run:
        statement, parameters = _OF_RUN, parameters | {"run": run, "good": good}
    else:
        statement = _GOOD if good else _BAD
    result = client.query(statement, parameters=parameters)
    blank = dict.fromkeys(_BLANK, "")
    rows = [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
    return [{"page_url": row.get("page", ""), **blank, **row} for row in rows]
