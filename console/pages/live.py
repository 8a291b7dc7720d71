"""Live: good and rejected events as they land, one by one, by server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from console.pages.site import HEADERS, Site, rows

_NEWEST = "SELECT toUInt64(toUnixTimestamp64Micro(now64(6))) * 4096 AS arrival"
_OF_NO_RUN = """
WITH latest AS
    (
        SELECT source, event_id, arrival
        FROM seen_events
        WHERE hour >= toStartOfHour(now('UTC') - INTERVAL 10 MINUTE) AND arrival > {after:UInt64}
        ORDER BY arrival
        LIMIT 100
    )
SELECT arrival, received_at, event_name AS event, source, release, page_url AS page, properties,
    '' AS reason, '' AS path, '' AS detail
FROM events_raw
WHERE (source, event_id, arrival) IN (SELECT source, event_id, arrival FROM latest)
UNION ALL
SELECT arrival, received_at, sent_name, source, '', page, payload, reason, path, detail
FROM rejected_events
WHERE arrival > {after:UInt64}
ORDER BY arrival
LIMIT 100
"""
_OF_RUN = """
SELECT arrival, received_at, if(event_name != '', event_name, sent_name) AS event, source, release,
    page_url AS page, if(reason = '', properties, payload) AS properties, reason, path, detail
FROM run_events
WHERE run = {run:String} AND arrival > {after:UInt64}
ORDER BY arrival
LIMIT 100
"""
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
        seen = request.headers.get("last-event-id", "")
        after = int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= 20 else -1  # noqa: PLR2004 - digits of UInt64
        if after < 0:
            (newest,) = await site.ask(lambda client: rows(client, _NEWEST))
            after = 0 if run else int(newest["arrival"])
        content = _followed(site, request, run, after, followers)
        return StreamingResponse(content, media_type="text/event-stream", headers=HEADERS)

    return router


async def _followed(
    site: Site, request: Request, run: str, after: int, followers: asyncio.Semaphore
) -> AsyncIterator[bytes]:
    async with followers:
        yield b": here\n\n"
        while not await request.is_disconnected():
            last = after
            found = await site.ask(lambda client, last=last: _after(client, run, last))  # type: ignore[misc]
            for row in found:
                after = max(after, int(row["arrival"]))
                yield _event(row)
            if not found:
                yield b": still here\n\n"
                await asyncio.sleep(_AGAIN_S)


def _after(client: Client, run: str, after: int) -> list[dict[str, Any]]:
    if run:
        return rows(client, _OF_RUN, run=run, after=after)
    return rows(client, _OF_NO_RUN, after=after)


def _event(row: dict[str, Any]) -> bytes:
    shown = {name: str(row[name])[:_MOST_SHOWN] for name in row if name != "arrival"}
    shown["received_at"] = row["received_at"].strftime("%H:%M:%S")
    # JSON has no line breaks of its own, so that no text can begin another message.
    return b"id: %d\ndata: %b\n\n" % (row["arrival"], orjson.dumps(shown))
