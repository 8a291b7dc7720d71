"""Funnel: the weekly board with targets, the stages, who stands where, each with its SELECT."""

from typing import Any

from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from funnelhouse.console import charts
from funnelhouse.console.pages.site import Site, figure, rows

_FUNNELS = """
WITH
    weeks AS
    (
        SELECT funnel, week, entries, max(week) OVER () AS last_week
        FROM funnel_weekly
        WHERE kind = 'step' AND entries > 0 AND week < toMonday(now({timezone:String}))
    ),
    busy AS
    (
        SELECT funnel, sum(entries) AS entered
        FROM weeks
        WHERE week > last_week - toIntervalWeek(4)
        GROUP BY funnel
    ),
    known AS
    (
        SELECT funnel, max(title) AS name, max(title_ko) AS name_ko
        FROM funnels
        GROUP BY funnel
    )
SELECT known.funnel AS funnel, name, name_ko
FROM known
LEFT JOIN busy ON known.funnel = busy.funnel
ORDER BY entered DESC, funnel
"""
"""The plan's funnels: first what most was entered in the last four whole weeks of any data."""

_BOARD = """SELECT metric, track, from_stage, stage, period_before, last_period, this_period,
    target, guardrail, status
FROM targets_weekly
WHERE funnel = '{funnel}' AND track = '{track}' AND period = 'week'
ORDER BY metric, from_stage, stage"""
_STAGES = """SELECT stage_position, stage, stage_label, kind,
    sum(funnel_weekly.entries) AS entries,
    entries / nullIf(sum(funnel_weekly.previous_entries), 0) AS conversion
FROM funnel_weekly
WHERE funnel = '{funnel}' AND ('{track}' = '' OR track = '{track}')
    AND week = (
        SELECT max(week)
        FROM funnel_weekly
        WHERE funnel = '{funnel}' AND week < toMonday(now('{timezone}'))
    )
GROUP BY stage_position, stage, stage_label, kind
ORDER BY stage_position"""
_RESIDENTS = """SELECT stage_position, stage, stage_label, sum(residents) AS people,
    sum(dwell_days_total) / people AS mean_days, max(dwell_days_median) AS median_days
FROM funnel_residents
WHERE funnel = '{funnel}' AND ('{track}' = '' OR track = '{track}')
GROUP BY stage_position, stage, stage_label
ORDER BY stage_position"""
_TRACKS = """
SELECT DISTINCT track
FROM funnel_weekly
WHERE funnel = '{funnel}' AND track != ''
ORDER BY track
"""
_PROBLEMS = {"missed", "guardrail broken", "at risk"}
_FRESH_S = 60.0


def funnel(site: Site) -> APIRouter:
    """Build the route of the funnel's page."""
    router = APIRouter()

    @router.get("/funnel")
    async def page(request: Request) -> HTMLResponse:
        """Show one funnel, the busiest unless another is asked for."""
        asked = request.query_params
        found = await run_in_threadpool(keep, site, asked.get("funnel", ""), asked.get("track", ""))
        if found["chosen"]:
            found["chart"] = await site.ask(lambda _: _chart(found["stages"]))
        return site.render(request, "funnel.html", found)

    return router


def keep(site: Site, funnel: str = "", track: str = "") -> dict[str, Any]:
    """Give what the page shows of a funnel and track, kept for those who come next.

    Of an unknown funnel or track it is that of the first.
    """
    known = site.kept.get(
        "funnels",
        lambda: site.asked(lambda client: rows(client, _FUNNELS, timezone=site.timezone)),
        _FRESH_S,
    )
    chosen = _one_of([row["funnel"] for row in known], funnel)
    if not chosen:
        return {"funnels": [], "chosen": ""}
    tracks = site.kept.get(
        f"tracks {chosen}", lambda: site.asked(lambda client: _tracks(client, chosen)), _FRESH_S
    )
    shown = {"funnels": known, "chosen": chosen, "tracks": tracks}
    return shown | _found(site, chosen, _one_of(["", *tracks], track))


def _one_of(known: list[str], asked: str) -> str:
    """Give what is asked for where it is known, else the first."""
    return asked if asked in known else next(iter(known), "")


def _found(site: Site, chosen: str, track: str) -> dict[str, Any]:
    """Give the board, the stages and the residents, each with its SELECT."""
    names = _quoted({"funnel": chosen, "track": track, "timezone": site.timezone})
    texts = {"board": _BOARD, "stages": _STAGES, "residents": _RESIDENTS}
    statements = {name: text.format_map(names) for name, text in texts.items()}
    found = site.kept.get(
        f"funnel {chosen} {track}",
        lambda: site.asked(
            lambda client: {name: rows(client, text) for name, text in statements.items()}
        ),
        _FRESH_S,
    )
    problems = [_problem(row) for row in found["board"] if row["status"] in _PROBLEMS]
    return {**found, "track": track, "statements": statements, "problems": problems}


def _tracks(client: Client, chosen: str) -> list[str]:
    return [row["track"] for row in rows(client, _TRACKS.format_map(_quoted({"funnel": chosen})))]


def _quoted(names: dict[str, str]) -> dict[str, str]:
    """Write names of the plan and tracks that are there into a statement to be copied."""
    return {name: text.replace("\\", "\\\\").replace("'", "\\'") for name, text in names.items()}


def _problem(row: dict[str, Any]) -> dict[str, str]:
    """Say in a sentence what is off with a figure of the board."""
    metric = row["metric"]
    way = f"{row['from_stage']} → {row['stage']}" if row["from_stage"] else row["stage"]
    figures = {"last week": row["last_period"], "two weeks ago": row["period_before"]}
    figures |= {"target": row["target"], "guardrail": row["guardrail"]}
    told = [
        f"{name} {written}" for name, value in figures.items() if (written := figure(value, metric))
    ]
    return {"status": row["status"], "told": f"{metric} {way}: {', '.join(told)}"}


def _chart(stages: list[dict[str, Any]]) -> Any:
    steps = [row for row in stages if row["kind"] == "step"]
    if not steps:
        return None
    bars = [
        {
            "name": f"{row['stage_position']}. {row['stage_label']}",
            "value": int(row["entries"]),
            "text": _text(row),
        }
        for row in steps
    ]
    return charts.bars(bars, "Entries into each stage of the last whole week")


def _text(row: dict[str, Any]) -> str:
    share = row["conversion"]
    return f"{row['entries']:,}" + ("" if share is None else f"  ({100 * share:.1f} %)")
