"""Lets the command line of this machine work while the warehouse process holds the engine.

Every route asks for the token that the process left in the run folder, readable by its owner only.
"""

import os
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.export import Export, export
from funnelhouse.console.micro import micro
from funnelhouse.console.pages.all import Static, entrance, pages
from funnelhouse.console.pages.site import LoadProgress, Site
from funnelhouse.console.qa import qa
from funnelhouse.console.readers.statement_runner import Nobody, Strangers
from funnelhouse.console.received import Drained
from funnelhouse.console.runs import runs
from funnelhouse.sql.client import WarehouseError, connection
from funnelhouse.sql.location import Warehouse

ADDRESS_FILE = "control.json"
_NO_KEY = 401


Insert = Callable[[Client, str, str, bytes], None]
"""Inserts rows, an Arrow stream, into a table under a token."""


def _no_insert(_client: Client, table: str, _token: str, _rows: bytes) -> None:
    raise ValueError(f"Nothing is inserted into {table} here.")


@dataclass(frozen=True, slots=True)
class Control:
    """What the routes work with: whether the warehouse is prepared, where it is, the jobs.

    Without `export` there is no route of exports. What strangers write runs by `strangers`.
    """

    ready: Callable[[], bool]
    warehouse: Warehouse
    jobs: dict[str, Callable[[Client, Any], Any]]
    export: Export | None = None
    door: ReadAccess = field(default_factory=lambda: ReadAccess((), open=False))
    drained: Drained = lambda _: True
    progress: Callable[[], LoadProgress] = lambda: LoadProgress(0.0, 0)
    timezone: str = "Asia/Seoul"
    metrics: Callable[[], bytes] = bytes
    insert: Insert = _no_insert
    strangers: Strangers = field(default_factory=Nobody)
    token: str = field(default_factory=lambda: secrets.token_hex(16))


def write_address(run_folder: Path, url: str, token: str) -> None:
    """Leave the address and the token where the command line of the same user finds them."""
    path = run_folder / ADDRESS_FILE
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(orjson.dumps({"url": url, "token": token}))


def control(state: Control) -> FastAPI:
    """Build the application."""
    refusals = {ClickHouseError: 400, ValueError: 400, WarehouseError: 502}
    app = FastAPI(
        title="funnelhouse warehouse",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers={fault: _refusal(status) for fault, status in refusals.items()},
    )

    app.include_router(_health(state))
    app.include_router(_controlled(state))
    kept = [Depends(_prepared(state)), Depends(state.door.admit)]
    site = Site(state.warehouse, state.door, state.timezone, state.progress, state.strangers)
    app.state.site = site
    app.include_router(
        pages(site), dependencies=[Depends(_prepared(state)), Depends(_reader(site))]
    )
    app.include_router(entrance(site))
    app.mount("/static", Static())
    tests = (qa(state.warehouse), runs(state.warehouse), micro(state.warehouse, state.drained))
    for routes in tests:
        app.include_router(routes, dependencies=kept)
    if state.export is not None:
        app.include_router(
            export(state.export, state.strangers), dependencies=[Depends(_prepared(state))]
        )
    return app


def _health(state: Control) -> APIRouter:
    """Routes that anybody may ask."""
    router = APIRouter()

    @router.get("/livez")
    def livez() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @router.get("/readyz")
    def readyz() -> JSONResponse:
        """Ready once tables and views are in place."""
        return JSONResponse({"ready": state.ready()}, 200 if state.ready() else 503)

    @router.get("/metrics")
    def metrics() -> Response:
        """The loader and its spool in the Prometheus text format."""
        return Response(state.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _prepared(state: Control) -> Callable[[], None]:
    def prepared() -> None:
        if not state.ready():
            raise HTTPException(503, "The warehouse is not prepared yet; ask again in a moment.")

    return prepared


def _reader(site: Site) -> Callable[[Request], None]:
    """Send whoever has no key to the form that asks for one."""

    def reader(request: Request) -> None:
        try:
            site.door.admit(request)
        except HTTPException as refusal:
            if refusal.status_code != _NO_KEY:
                raise
            way = quote(f"{request.url.path}?{request.url.query}".rstrip("?"), safe="")
            raise HTTPException(303, headers={"location": f"/login?next={way}"}) from refusal

    return reader


def _controlled(state: Control) -> APIRouter:
    """Routes that ask for the token."""

    def allowed(request: Request) -> None:
        sent = request.headers.get("authorization", "")
        if not compare_digest(sent.encode(), f"Bearer {state.token}".encode()):
            raise HTTPException(401, "This address is for the command line of this machine.")

    router = APIRouter(
        prefix="/control", dependencies=[Depends(allowed), Depends(_prepared(state))]
    )

    @router.get("")
    def here() -> dict[str, str]:
        """Tell the command line that this is the process whose token it has."""
        return {"status": "ready"}

    @router.post("/sql")
    async def sql(request: Request, fmt: str) -> Response:
        """Run one read-only statement and answer in a ClickHouse format."""
        statement = (await request.body()).decode()
        return await run_in_threadpool(_query, state.warehouse, statement, fmt)

    @router.post("/jobs/{name}")
    async def job(name: str, request: Request) -> Response:
        """Run one of the jobs that change the warehouse."""
        if name not in state.jobs:
            raise HTTPException(404, f"There is no job {name}.")
        argument = orjson.loads(await request.body() or b"null")
        return await run_in_threadpool(_job, state, name, argument)

    @router.post("/insert")
    async def insert(request: Request, table: str, token: str) -> Response:
        """Insert rows of an archive."""
        rows = await request.body()
        return await run_in_threadpool(_insert, state, table, token, rows)

    return router


def _refusal(status: int) -> Callable[[Request, Any], Coroutine[Any, Any, Response]]:
    async def refuse(_request: Request, error: Any) -> Response:
        return PlainTextResponse(str(error), status)

    return refuse


def _query(warehouse: Warehouse, statement: str, fmt: str) -> Response:
    with connection(warehouse, readonly=True) as client:
        return Response(client.raw_query(statement, fmt=fmt))


def _insert(state: Control, table: str, token: str, rows: bytes) -> Response:
    with connection(state.warehouse) as client:
        state.insert(client, table, token, rows)
        return Response(status_code=204)


def _job(state: Control, name: str, argument: Any) -> Response:
    with connection(state.warehouse) as client:
        answer = orjson.dumps(state.jobs[name](client, argument))
        return Response(answer, media_type="application/json")
