"""Snowplow Micro's REST API over the events received: suites written for it run against this.

What is asked about is received since the last reset, of one test run or of none; an answer waits
until what was received before the question can be queried.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request

from console.asking import asked_object, read
from console.micro_events import (
    bad_event,
    flat_event,
    good_event,
    has_columns,
    is_wanted_bad,
    is_wanted_good,
)
from sql.client import Warehouse

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


def micro(warehouse: Warehouse, drained: Drained) -> APIRouter:
    """Build the routes /micro/all, good, bad, reset and events."""
    router = APIRouter(prefix="/micro")
    resets = Resets()

    async def rows(request: Request, *, good: bool) -> list[dict[str, Any]]:
        await _drain(drained)
        run = _run(request)
        since = resets.arrival(run)
        return await read(warehouse, lambda client: _rows(client, run, since, good=good))

    async def summary(request: Request) -> dict[str, int]:
        counts = [len(await rows(request, good=good)) for good in (True, False)]
        return {"total": sum(counts), "good": counts[0], "bad": counts[1]}

    @router.api_route("/all", methods=["GET", "POST"])
    async def everything(request: Request) -> dict[str, int]:
        """Count the events since the last reset."""
        return await summary(request)

    @router.api_route("/reset", methods=["GET", "POST"])
    async def reset(request: Request) -> dict[str, int]:
        """Forget what came so far; the counts are zero then."""
        await _drain(drained)
        resets.reset(_run(request))
        return {"total": 0, "good": 0, "bad": 0}

    @router.api_route("/good", methods=["GET", "POST"])
    async def good(request: Request) -> list[dict[str, Any]]:
        """Give accepted events, the newest first, those that the filters of a POST want."""
        filters = await _filters(request, {"event_type", "schema", "contexts", "limit"})
        found = map(good_event, await rows(request, good=True))
        return _limited([one for one in found if is_wanted_good(one, filters)], filters)

    @router.api_route("/bad", methods=["GET", "POST"])
    async def bad(request: Request) -> list[dict[str, Any]]:
        """Give rejected events, the newest first, those that the filters of a POST want."""
        filters = await _filters(request, {"vendor", "version", "limit"})
        found = map(bad_event, await rows(request, good=False))
        return _limited([one for one in found if is_wanted_bad(one, filters)], filters)

    @router.get("/events")
    async def events(request: Request) -> list[dict[str, Any]]:
        """Give all accepted events, flat."""
        return [flat_event(row) for row in await rows(request, good=True)]

    @router.post("/events")
    async def page(request: Request) -> dict[str, Any]:
        """Give one page of flat events, filtered and sorted."""
        known = {"page", "pageSize", "filters", "validEvents", "timeRange", "sorting"}
        asked = await asked_object(request, known)
        wanted = asked.get("validEvents")
        found = [
            flat_event(row) | {"failed": not kind}
            for kind in (True, False)
            if wanted in (None, kind)
            for row in await rows(request, good=kind)
        ]
        return _page(found, asked)

    return router


def _page(found: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    filters, times = asked.get("filters") or [], asked.get("timeRange") or {}
    sorting = asked.get("sorting") or {"column": "collector_tstamp", "desc": True}
    size, number = _whole(asked, "pageSize", 50), _whole(asked, "page", 1)
    kept = [
        one
        for one in found
        if has_columns(one, filters)
        and (times.get("start") or "") <= one["collector_tstamp"] < (times.get("end") or "9")
    ]
    column = str(sorting.get("column"))
    kept.sort(key=lambda one: str(one.get(column) or ""), reverse=bool(sorting.get("desc")))
    return {
        "events": kept[(number - 1) * size : number * size],
        "totalItems": len(kept),
        "totalPages": ceil(len(kept) / size),
    }


def _whole(asked: dict[str, Any], name: str, default: int) -> int:
    value = asked.get(name, default)
    if type(value) is not int or value < 1:
        raise ValueError(f'"{name}" must be a whole number from 1 on.')
    return value


async def _filters(request: Request, known: set[str]) -> dict[str, Any]:
    return await asked_object(request, known) if request.method == "POST" else {}


def _limited(found: list[dict[str, Any]], filters: dict[str, Any]) -> list[dict[str, Any]]:
    limit = filters.get("limit")
    return found if limit is None else found[: _whole(filters, "limit", 1)]


def _run(request: Request) -> str:
    header = request.headers.get("x-funnelhouse-run", "")
    return header or request.query_params.get("run", "")


async def _drain(drained: Drained) -> None:
    """Wait until what was received before now is loaded, or for so long that it is no use."""
    asked_at = time.time()
    while not drained(asked_at) and time.time() < asked_at + _PATIENCE_S:  # noqa: ASYNC110 - a folder
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
