"""All pages together: behind the read key where one is set, with their style and script."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from funnelhouse.console.access.read_access import COOKIE
from funnelhouse.console.pages.coverage import coverage
from funnelhouse.console.pages.experiments import experiments
from funnelhouse.console.pages.funnel import funnel
from funnelhouse.console.pages.live import live
from funnelhouse.console.pages.sessions import sessions
from funnelhouse.console.pages.site import ROOM, Site
from funnelhouse.console.pages.sql import sql
from funnelhouse.console.pages.today import today

_A_MONTH_S = 2_592_000
_MAX_BYTES = 4_096


def pages(site: Site) -> APIRouter:
    """Build the routes of all pages, for readers."""
    router = APIRouter()
    for page in (today, funnel, experiments, coverage, live, sessions, sql):
        router.include_router(page(site))
    return router


def entrance(site: Site) -> APIRouter:
    """Build the routes that nobody needs a key for: the form that asks for one."""
    router = APIRouter()

    @router.get("/login")
    async def form(request: Request) -> HTMLResponse:
        """Ask for the key."""
        way = _way(request.query_params.get("next", "/"))
        return site.render(request, "login.html", {"wrong": False, "next": way})

    @router.post("/login")
    async def enter(request: Request) -> Response:
        """Keep the key in a cookie that scripts cannot read."""
        sent = parse_qs((await request.body())[:_MAX_BYTES].decode(errors="replace"))
        key, way = sent.get("key", [""])[0], _way(sent.get("next", ["/"])[0])
        if not site.door.admits(key, request):
            return site.render(request, "login.html", {"wrong": True, "next": way}, 401)
        answer = RedirectResponse(way, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, key, max_age=_A_MONTH_S, httponly=True, samesite="strict", secure=secure
        )
        return answer

    return router


class Static(StaticFiles):
    """The style and the script, which browsers keep for a while."""

    def __init__(self) -> None:
        super().__init__(directory=ROOM / "static")

    def file_response(self, *args: object, **more: object) -> Response:
        """Say how long they are kept."""
        answer = super().file_response(*args, **more)  # type: ignore[arg-type]
        answer.headers["cache-control"] = "public, max-age=300"
        return answer


def _way(asked: str) -> str:
    """Keep a way within this site alone."""
    return asked if asked.startswith("/") and not asked.startswith(("//", "/\\")) else "/"
