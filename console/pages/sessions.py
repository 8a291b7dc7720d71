"""Sessions: what one person did, session by session and event by event."""

from typing import Any

from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from funnelhouse.console.pages.site import Site, rows

_IDS = """
SELECT DISTINCT id, known
FROM
(
    SELECT arrayJoin([{id:String}, {id:String}]) AS id, true AS known
    UNION ALL
    SELECT {id:String}, false
    UNION ALL
    SELECT anonymous_id, false FROM user_devices WHERE user_id = {id:String}
    UNION ALL
    SELECT user_id, true FROM device_logins WHERE anonymous_id = {id:String}
)
"""
_SESSIONS = """
SELECT started_at, ended_at, session_id, person_id, channel, entry_path, pages
FROM sessions
WHERE person_id IN {ids:Array(String)}
ORDER BY started_at DESC
LIMIT 50
"""
_EVENTS = """
WITH mine AS
    (
        SELECT source, event_id FROM session_events WHERE actor IN {ids:Array(String)}
        UNION DISTINCT
        SELECT source, event_id FROM stage_events WHERE actor IN {ids:Array(String)}
    )
SELECT event_time, event_name, source, server, session_id, page_url, release, properties
FROM events
WHERE (source, event_id) IN (SELECT source, event_id FROM mine)
ORDER BY event_time DESC, arrival DESC
LIMIT 300
"""
_RECENT = """SELECT user_id, anonymous_id, event_name, event_time
FROM events
ORDER BY arrival DESC
LIMIT 20"""


def sessions(site: Site) -> APIRouter:
    """Build the route of the page."""
    router = APIRouter()

    @router.get("/sessions")
    async def page(request: Request) -> HTMLResponse:
        """Show the timeline of the id asked for."""
        person = request.query_params.get("person", "").strip()
        found: dict[str, Any] = {"sessions": [], "events": [], "ids": []}
        if person:
            found = await site.ask(lambda client: _found(client, person))
        return site.render(request, "sessions.html", {"person": person, "recent": _RECENT, **found})

    return router


def _found(client: Client, person: str) -> dict[str, Any]:
    ids = [row["id"] for row in rows(client, _IDS, id=person)]
    return {
        "ids": sorted(set(ids) - {person}),
        "sessions": rows(client, _SESSIONS, ids=ids),
        "events": rows(client, _EVENTS, ids=ids),
    }
