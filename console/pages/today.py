"""Today: first what is broken, each with a way on; events a minute by outcome; how far behind."""

from collections.abc import Iterator
from typing import Any

from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from funnelhouse.console import charts
from funnelhouse.console.pages.site import Site, rows

_BY_MINUTE = """
WITH
    now('UTC') - INTERVAL 1 HOUR AS since,
    bitShiftLeft(toUInt64(toUnixTimestamp(since)) * 1000000, 12) AS first,
    copies AS
    (
        SELECT source, event_id, arrival
        FROM duplicate_arrivals FINAL
        WHERE arrival >= first
    )
SELECT minute, outcome, sum(number) AS events
FROM
(
    SELECT
        fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC') AS received_at,
        toStartOfMinute(received_at) AS minute,
        if((source, event_id, arrival) IN (copies), 'duplicate', 'loaded') AS outcome,
        count() AS number
    FROM seen_events FINAL
    WHERE hour >= toStartOfHour(since) AND arrival >= first
    GROUP BY received_at, minute, outcome
    UNION ALL
    SELECT received_at, toStartOfMinute(received_at), 'rejected', count()
    FROM rejected_events
    WHERE arrival >= first
    GROUP BY 1, 2
)
GROUP BY minute, outcome
ORDER BY minute, outcome
"""
_RECEIVED = "SELECT max(minute) AS last, sum(events) AS events FROM received_raw FINAL"
_COVERAGE = """
SELECT coverage, title, title_ko, event, status, why
FROM coverage
WHERE status IN ('missing', 'broken')
ORDER BY coverage, position
"""
_TARGETS = """
SELECT funnel, track, metric, from_stage, stage, status
FROM targets_weekly
WHERE status = 'guardrail broken' AND period = 'week'
ORDER BY funnel, track, metric
LIMIT 20
"""
_EXPERIMENTS = """
SELECT
    experiment,
    argMax(verdict, (as_of, computed_at)) AS last,
    argMax(why, (as_of, computed_at)) AS reason
FROM experiment_readouts
WHERE as_of >= today() - 14
GROUP BY experiment
HAVING last IN ('not trustworthy', 'guardrail broken')
"""
_ANOMALIES = (
    "SELECT hour, source, event_name, events, expected, status FROM volume_anomalies LIMIT 20"
)
_BEHIND_S = 60.0
_FRESH_S = 20.0


def today(site: Site) -> APIRouter:
    """Build the route of the page that opens first."""
    router = APIRouter()

    @router.get("/")
    async def page(request: Request) -> HTMLResponse:
        """Show what is broken, and what came in the last hour."""
        found = await run_in_threadpool(keep, site)
        progress = site.progress()
        troubles = [*_of_loading(progress.lag_s), *found["troubles"]]
        minutes = found["minutes"]
        chart = (
            await site.ask(lambda _: charts.by_minute(minutes, "Events a minute by outcome"))
            if minutes
            else None
        )
        values = found | {"troubles": troubles, "progress": progress, "chart": chart}
        return site.render(request, "today.html", values)

    return router


def keep(site: Site) -> dict[str, Any]:
    """Give what the page shows, kept for those who come next."""
    return site.kept.get("today", lambda: site.asked(_asked), _FRESH_S)


def _asked(client: Client) -> dict[str, Any]:
    minutes = [
        {
            **row,
            "minute": row["minute"].strftime("%Y-%m-%dT%H:%M:00Z"),
            "events": int(row["events"]),
        }
        for row in rows(client, _BY_MINUTE)
    ]
    ((last, received),) = client.query(_RECEIVED).result_rows
    return {
        "minutes": minutes,
        "anything": received > 0,
        "last": last if received else None,
        "troubles": list(_troubles(client)),
    }


def _troubles(client: Client) -> Iterator[dict[str, str]]:
    """Tell each thing that is broken, with the page that shows it."""
    for row in rows(client, _COVERAGE):
        told = f"{row['coverage']}: {row['event']}: {row['why']}"
        yield {"kind": row["status"], "told": told, "way": "/coverage"}
    for row in rows(client, _ANOMALIES):
        told = (
            f"{row['source']}: {row['event_name']}: {row['events']}, expected {row['expected']:.0f}"
        )
        yield {"kind": row["status"], "told": told, "way": "/coverage"}
    for row in rows(client, _EXPERIMENTS):
        told = f"{row['experiment']}: {row['reason']}"
        way = f"/experiments?key={row['experiment']}"
        yield {"kind": row["last"], "told": told, "way": way}
    for row in rows(client, _TARGETS):
        way_of = f"{row['from_stage']} → {row['stage']}" if row["from_stage"] else row["stage"]
        told = " ".join(filter(None, (row["funnel"], row["track"], row["metric"], way_of)))
        yield {"kind": row["status"], "told": told, "way": f"/funnel?funnel={row['funnel']}"}


def _of_loading(lag_s: float) -> Iterator[dict[str, str]]:
    if lag_s > _BEHIND_S:
        told = f"Loading is {lag_s:.0f} s behind; see the log of the warehouse process."
        yield {"kind": "broken", "told": told, "way": "/"}
