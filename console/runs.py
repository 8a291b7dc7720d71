"""Test runs by URL: start one, end it, list them, and say what of the plan one has shown."""

import secrets
from typing import Any

from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request

from funnelhouse.analysis.coverage import covered_percent
from funnelhouse.console.json_requests import asked_object, read, written
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.runs import Run, end_run, find_run, newest_runs, start_run

_COVERAGE = """
SELECT *
FROM coverage_between(run = {run:String}, since = '1970-01-02', until = '2200-01-01')
"""


def runs(warehouse: Warehouse) -> APIRouter:
    """Build the routes /qa/runs and /qa/coverage."""
    router = APIRouter(prefix="/qa")

    @router.post("/runs")
    async def start(request: Request) -> dict[str, str]:
        """Register a run, of the id asked for or of a new one."""
        asked = await asked_object(request, {"run", "minutes", "note"})
        run = str(asked.get("run") or f"run-{secrets.token_hex(6)}")
        minutes = asked.get("minutes", 60)
        if type(minutes) is not int:
            raise ValueError('"minutes" must be a whole number.')
        note = str(asked.get("note", ""))
        return _told(await written(warehouse, lambda client: start_run(client, run, minutes, note)))

    @router.get("/runs")
    async def listing() -> list[dict[str, str]]:
        """List the newest runs."""
        return [_told(run) for run in await read(warehouse, newest_runs)]

    @router.post("/runs/{run}/end")
    async def end(run: str) -> dict[str, str]:
        """End a run now."""
        return _told(await written(warehouse, lambda client: end_run(client, run)))

    @router.get("/coverage")
    async def covered(run: str) -> dict[str, Any]:
        """Say what of the plan a run has shown so far."""
        return await read(warehouse, lambda client: _coverage(client, run))

    return router


def _coverage(client: Client, run: str) -> dict[str, Any]:
    find_run(client, run)
    rows = client.query(_COVERAGE, parameters={"run": run})
    named = [dict(zip(rows.column_names, row, strict=True)) for row in rows.result_rows]
    return {"percent": covered_percent(named), "rows": named}


def _told(run: Run) -> dict[str, str]:
    times = {"starts_at": run.starts_at, "ends_at": run.ends_at}
    return {"run": run.run, **{name: time.isoformat() for name, time in times.items()}}
