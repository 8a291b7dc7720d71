"""Coverage: the plan against what arrived by page and variant; what was rejected; test runs."""

import secrets

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from funnelhouse.console.pages.matrix import cell, matrix
from funnelhouse.console.pages.site import Site, rows
from funnelhouse.sql.client import connection
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.runs import find_run, newest_runs, start_run

_HOURS = {"1h": 1, "24h": 24, "7d": 168}
_EVER = {"since": "1970-01-02 00:00:00", "until": "2200-01-01 00:00:00"}
_NOW = """
SELECT
    formatDateTime(now({timezone:String}) - toIntervalHour({hours:UInt32}), '%F %T') AS since,
    formatDateTime(now({timezone:String}) + INTERVAL 1 MINUTE, '%F %T') AS until
"""
_FRESH_S = 30.0
_MINUTES = 60


def coverage(site: Site) -> APIRouter:
    """Build the routes of the page, of a cell of its matrix, and of starting a run."""
    router = APIRouter()

    @router.get("/coverage")
    async def page(request: Request) -> HTMLResponse:
        """Show the matrix, and below it what was rejected, is not in the plan, or is too little."""
        return await _page(site, request)

    @router.get("/coverage/cell")
    async def one(request: Request) -> HTMLResponse:
        """Show examples of one event at one place, good and rejected."""
        return await _one(site, request)

    @router.post("/coverage/runs")
    async def start() -> RedirectResponse:
        """Start a run, and show it."""
        run = f"run-{secrets.token_hex(6)}"
        await run_in_threadpool(_start, site.warehouse, run)
        return RedirectResponse(f"/coverage?run={run}", 303)

    return router


async def _page(site: Site, request: Request) -> HTMLResponse:
    run, since = _asked(request)
    given = await _within(site, run, since)
    key = f"coverage {run} {since}"
    found = await site.fresh(key, lambda client: matrix(client, given), _FRESH_S)
    values = found | {"run": run, "since": since, "spans": list(_HOURS)}
    values |= {"runs": await site.ask(newest_runs)}
    return site.render(request, "coverage.html", values)


async def _one(site: Site, request: Request) -> HTMLResponse:
    run, since = _asked(request)
    given = await _within(site, run, since)
    names = {name: request.query_params.get(name, "") for name in ("coverage", "event")}
    found = await site.ask(lambda client: cell(client, given, names))
    return site.render(request, "cell.html", found | names | {"run": run, "since": since})


def _start(warehouse: Warehouse, run: str) -> None:
    with connection(warehouse) as client:
        start_run(client, run, _MINUTES, "console")


def _asked(request: Request) -> tuple[str, str]:
    since = request.query_params.get("since", "24h")
    return request.query_params.get("run", ""), since if since in _HOURS else "24h"


async def _within(site: Site, run: str, since: str) -> dict[str, str]:
    """Give the parameters of the views for what a page asks."""
    if run:
        await site.ask(lambda client: find_run(client, run))
        return {"run": run, **_EVER}
    hours = _HOURS[since]
    (times,) = await site.ask(
        lambda client: rows(client, _NOW, timezone=site.timezone, hours=hours)
    )
    return {"run": "", **times}
