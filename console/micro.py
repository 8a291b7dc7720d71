"""Snowplow Micro's REST API over the events received: suites written for it run against this."""

from typing import Any

from fastapi import APIRouter, Request

from funnelhouse.console.json_requests import asked_object
from funnelhouse.console.micro_events import (
    bad_event,
    flat_event,
    good_event,
    is_wanted_bad,
    is_wanted_good,
)
from funnelhouse.console.micro_page import limited, page_of
from funnelhouse.console.received import Drained, Received
from funnelhouse.sql.location import Warehouse

_BOTH = ["GET", "POST"]
_PAGE = {"page", "pageSize", "filters", "validEvents", "timeRange", "sorting"}


def micro(warehouse: Warehouse, drained: Drained) -> APIRouter:
    """Build the routes /micro/all, good, bad, reset and events."""
    router = APIRouter(prefix="/micro")
    received = Received(warehouse, drained)
    _count(router, received)
    _list(router, received)
    _flatten(router, received)
    return router


def _count(router: APIRouter, received: Received) -> None:
    @router.api_route("/all", methods=_BOTH)
    async def everything(request: Request) -> dict[str, int]:
        """Count the events since the last reset."""
        run = _run(request)
        counts = [len(await received.rows(run, good=good)) for good in (True, False)]
        return {"total": sum(counts), "good": counts[0], "bad": counts[1]}

    @router.api_route("/reset", methods=_BOTH)
    async def reset(request: Request) -> dict[str, int]:
        """Forget what came so far; the counts are zero then."""
        await received.reset(_run(request))
        return {"total": 0, "good": 0, "bad": 0}


def _list(router: APIRouter, received: Received) -> None:
    @router.api_route("/good", methods=_BOTH)
    async def good(request: Request) -> list[dict[str, Any]]:
        """Give accepted events, the newest first, those that the filters of a POST want."""
        filters = await _filters(request, {"event_type", "schema", "contexts", "limit"})
        found = map(good_event, await received.rows(_run(request), good=True))
        return limited([one for one in found if is_wanted_good(one, filters)], filters)

    @router.api_route("/bad", methods=_BOTH)
    async def bad(request: Request) -> list[dict[str, Any]]:
        """Give rejected events, the newest first, those that the filters of a POST want."""
        filters = await _filters(request, {"vendor", "version", "limit"})
        found = map(bad_event, await received.rows(_run(request), good=False))
        return limited([one for one in found if is_wanted_bad(one, filters)], filters)


def _flatten(router: APIRouter, received: Received) -> None:
    @router.get("/events")
    async def events(request: Request) -> list[dict[str, Any]]:
        """Give all accepted events, flat."""
        return [flat_event(row) for row in await received.rows(_run(request), good=True)]

    @router.post("/events")
    async def page(request: Request) -> dict[str, Any]:
        """Give one page of flat events, filtered and sorted."""
        asked = await asked_object(request, _PAGE)
        wanted = asked.get("validEvents")
        found = [
            flat_event(row) | {"failed": not kind}
            for kind in (True, False)
            if wanted in (None, kind)
            for row in await received.rows(_run(request), good=kind)
        ]
        return page_of(found, asked)


async def _filters(request: Request, known: set[str]) -> dict[str, Any]:
    return await asked_object(request, known) if request.method == "POST" else {}


def _run(request: Request) -> str:
    header = request.headers.get("x-funnelhouse-run", "")
    return header or request.query_params.get("run", "")
