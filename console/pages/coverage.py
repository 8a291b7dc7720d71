"""Coverage: the plan against what arrived by page and variant; what was rejected; test runs."""

import secrets
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from analysis.coverage import covered_percent
from console.pages.site import Site, rows
from sql.client import connection
from sql.runs import find_run, newest_runs, start_run

_HOURS = {"1h": 1, "24h": 24, "7d": 168}
_EVER = {"since": "1970-01-02 00:00:00", "until": "2200-01-01 00:00:00"}
_COVERAGE = """
SELECT *
FROM coverage_between(run = {run:String}, since = {since:String}, until = {until:String})
"""
_VARIANTS = """
SELECT *
FROM coverage_by_variant_between(run = {run:String}, since = {since:String}, until = {until:String})
"""
_REJECTIONS = """
SELECT reason, path, event_name, sent_name, source, page_host, page_path, release, events,
    first_seen, last_seen, detail, example
FROM rejections_between(run = {run:String}, since = {since:String}, until = {until:String})
LIMIT 50
"""
_UNPLANNED = """
SELECT sent_name, source, page_host, page_path, events, events_rejected, nearest, last_seen
FROM unplanned_events_between(run = {run:String}, since = {since:String}, until = {until:String})
LIMIT 50
"""
_ANOMALIES = """
SELECT hour, source, event_name, events, expected, status
FROM volume_anomalies_between(since = {since:String}, until = {until:String})
LIMIT 50
"""
_REJECTED_HERE = """
SELECT received_at, reason, path, detail, page_url, release, payload
FROM rejected_between(run = {run:String}, since = {since:String}, until = {until:String})
WHERE (source, arrival) IN (
    SELECT source, arrival
    FROM placed_between(run = {run:String}, since = {since:String}, until = {until:String})
    WHERE coverage = {coverage:String} AND event_name = {event:String} AND reason != ''
)
ORDER BY received_at DESC
LIMIT 20
"""
_SEEN_HERE = """
SELECT source, arrival
FROM placed_between(run = {run:String}, since = {since:String}, until = {until:String})
WHERE coverage = {coverage:String} AND event_name = {event:String} AND reason = ''
ORDER BY arrival DESC
LIMIT 20
"""
_EVENTS = """
SELECT received_at, page_url, release, properties
FROM seen_between(run = {run:String}, since = {since:String}, until = {until:String}) AS seen
INNER JOIN events ON seen.source = events.source AND seen.event_id = events.event_id
WHERE seen.arrival IN {arrivals:Array(UInt64)}
ORDER BY seen.arrival DESC
"""
_RUN_EVENTS = """
SELECT received_at, page_url, release, properties
FROM run_events
WHERE run = {run:String} AND arrival IN {arrivals:Array(UInt64)}
ORDER BY arrival DESC
"""
_NOW = """
SELECT
    formatDateTime(now({timezone:String}) - toIntervalHour({hours:UInt32}), '%F %T') AS since,
    formatDateTime(now({timezone:String}) + INTERVAL 1 MINUTE, '%F %T') AS until
"""
_FRESH_S = 30.0


def coverage(site: Site) -> APIRouter:
    """Build the routes of the page, of a cell of its matrix, and of starting a run."""
    router = APIRouter()

    async def within(request: Request) -> dict[str, str]:
        """Give the parameters of the views for what a page asks."""
        run, since = _asked(request)
        if run:
            await site.ask(lambda client: find_run(client, run))
            return {"run": run, **_EVER}
        (times,) = await site.ask(
            lambda client: rows(client, _NOW, timezone=site.timezone, hours=_HOURS[since])
        )
        return {"run": "", **times}

    @router.get("/coverage")
    async def page(request: Request) -> HTMLResponse:
        """Show the matrix, and below it what was rejected, is not in the plan, or is too little."""
        run, since = _asked(request)
        given = await within(request)
        key = f"coverage {run} {since}"
        found = await site.fresh(key, lambda client: _found(client, given), _FRESH_S)
        values = found | {"run": run, "since": since, "spans": list(_HOURS)}
        values |= {"runs": await site.ask(newest_runs)}
        return site.render(request, "coverage.html", values)

    @router.get("/coverage/cell")
    async def cell(request: Request) -> HTMLResponse:
        """Show examples of one event at one place, good and rejected."""
        given = await within(request)
        place, event = (request.query_params.get(name, "") for name in ("coverage", "event"))
        names = {"coverage": place, "event": event}
        found = await site.ask(lambda client: _cell(client, given, names))
        run, since = _asked(request)
        values = found | names | {"run": run, "since": since}
        return site.render(request, "cell.html", values)

    @router.post("/coverage/runs")
    async def start(request: Request) -> RedirectResponse:
        """Start a run, and show it."""
        site.door.own(request)
        run = f"run-{secrets.token_hex(6)}"

        def begin() -> None:
            with connection(site.warehouse) as client:
                start_run(client, run, 60, "console")

        await run_in_threadpool(begin)
        return RedirectResponse(f"/coverage?run={run}", 303)

    return router


def _asked(request: Request) -> tuple[str, str]:
    since = request.query_params.get("since", "24h")
    return request.query_params.get("run", ""), since if since in _HOURS else "24h"


def _found(client: Client, given: Mapping[str, str]) -> dict[str, Any]:
    covered = rows(client, _COVERAGE, **given)
    variants: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows(client, _VARIANTS, **given):
        variants[row["coverage"], row["event"]].append(row)
    places: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in covered:
        places[row["coverage"]].append(
            row | {"of_variants": variants[row["coverage"], row["event"]]}
        )
    anomalies = {name: given[name] for name in ("since", "until")}
    return {
        "places": dict(places),
        "percent": covered_percent(covered),
        "rejections": rows(client, _REJECTIONS, **given),
        "unplanned": rows(client, _UNPLANNED, **given),
        "anomalies": [] if given["run"] else rows(client, _ANOMALIES, **anomalies),
    }


def _cell(client: Client, given: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    asked = {**given, **names}
    arrivals = [row["arrival"] for row in rows(client, _SEEN_HERE, **asked)]
    statement = _RUN_EVENTS if given["run"] else _EVENTS
    good = rows(client, statement, **given, arrivals=arrivals) if arrivals else []
    return {"good": good, "bad": rows(client, _REJECTED_HERE, **asked)}
