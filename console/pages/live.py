"""Live: good and rejected events as they land, one by one, by server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from funnelhouse.console.pages.live_position import LivePosition
from funnelhouse.console.pages.site import HEADERS, Site

_AGAIN_S = 0.5
_MOST_SHOWN = 4000
_MOST_FOLLOWERS = 50


def live(site: Site) -> APIRouter:
    """Build the route of the page and of its stream."""
    router = APIRouter()
    followers = asyncio.Semaphore(_MOST_FOLLOWERS)

    @router.get("/live")
    async def page(request: Request) -> HTMLResponse:
        """Show the page, which the stream fills."""
        return site.render(request, "live.html", {"run": request.query_params.get("run", "")})

    @router.get("/live/events")
    async def stream(request: Request) -> StreamingResponse:
        """Send events from now on, or from the last one that the browser has."""
        run = request.query_params.get("run", "")
        place = LivePosition.read(request.headers.get("last-event-id", ""))
        if place is None:
            place = LivePosition(0) if run else await site.ask(LivePosition.now)
        content = _followed(site, request, run, place, followers)
        return StreamingResponse(content, media_type="text/event-stream", headers=HEADERS)

    return router


async def _followed(
    site: Site, request: Request, run: str, place: LivePosition, followers: asyncio.Semaphore
) -> AsyncIterator[bytes]:
    async with followers:
        yield b": here\n\n"
        while not await request.is_disconnected():
            found = await site.ask(partial(place.events, run=run))
            for row in found:
                place = place.after(row)
                yield _event(place, row)
            if not found:
                yield b": still here\n\n"
                await asyncio.sleep(_AGAIN_S)


def _event(place: LivePosition, row: dict[str, Any]) -> bytes:
    shown = {name: str(row[name])[:_MOST_SHOWN] for name in row if name not in {"line", "arrival"}}
    shown["received_at"] = row["received_at"].strftime("%H:%M:%S")
    # JSON has no line breaks of its own, so that no text can begin another message.
    return b"id: %b\ndata: %b\n\n" % (place.text().encode(), orjson.dumps(shown))
