"""A page of another site in a real browser, against every route of every port: it gets nothing.

The page stands at a name of its own, at another port of this machine, to which the browser sends
cookies, and at a name that its owner has pointed at this machine (DNS rebinding).
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Response as Answer

from funnelhouse.console.access.read_access import COOKIE, ReadAccess
from funnelhouse.console.clickhouse import QueryLimits, clickhouse
from funnelhouse.console.control import Control, control
from funnelhouse.console.export import Export
from funnelhouse.console.pages.site import LINKED, ROOM
from funnelhouse.console.readers.statement_runner import Nobody
from funnelhouse.ingest.collector.protocols import pixel, segment
from funnelhouse.ingest.collector.sdk_documents import sdk_documents
from funnelhouse.ingest.collector.service import service
from funnelhouse.ingest.metrics import SnapshotCollector
from funnelhouse.processes.worker import TAG_FOLDER
from funnelhouse.sql.location import Warehouse
from tests.browser.conftest import Site
from tests.conftest import READ_KEY, RunningProduct

HOSTILE = (Path(__file__).parent / "hostile.js").read_text(encoding="utf-8")
PAGE = f"<!doctype html><meta charset=utf-8><body><script>{HOSTILE}</script>"
REFUSALS = ("This host name is not known here", "A page of another site asked for this")
REFUSED = {400, 403}
QUERY = "?lang=ko&query=SELECT+'leaked%3D1'+FORMAT+TabSeparatedRaw"
NOWHERE = Warehouse(Path("/nowhere"))
OF_STATE = """
SELECT
    (SELECT count() FROM events) AS events,
    (SELECT count() FROM rejected_events) AS rejected,
    (SELECT count() FROM system.tables WHERE database = currentDatabase()) AS tables
"""
pytestmark = pytest.mark.filterwarnings("ignore:Duplicate Operation ID")


def paths(app: FastAPI) -> list[str]:
    """Give an address of every route of an application, and of what is mounted in it."""
    routes = [path.format(name="events", ending="csv", run="x", key="dev") for path in _known(app)]
    mounts = [route.path for route in app.routes if hasattr(route, "app") and route.path]
    return [*routes, *(f"{mount}/" for mount in mounts)]


def _known(app: FastAPI) -> list[str]:
    return [path.replace("{name}.{ending}", "events.csv") for path in app.openapi()["paths"]]


def console_paths() -> list[str]:
    """Give every address of the console and of the command line's control."""
    door = ReadAccess((READ_KEY,), open=False)
    app = control(Control(lambda: True, NOWHERE, {}, Export(door, 10), door))
    return [*paths(app), *(f"/static/{file.name}" for file in (ROOM / "static").iterdir())]


def sql_paths() -> list[str]:
    """Give every address of the SQL endpoint."""
    return paths(clickhouse(Nobody(), ReadAccess((), open=True), QueryLimits(1, 1_000_000, 10)))


def warehouse_urls(product: RunningProduct) -> list[str]:
    """Give every address of the warehouse process."""
    sql = f"http://{product.settings.sql}"
    return [
        *(product.console_url + path + QUERY for path in console_paths()),
        *(sql + path + QUERY for path in sql_paths()),
    ]


@dataclass
class Victim:
    """A browser in which somebody uses the console, and what it saw of its servers' answers."""

    product: RunningProduct
    context: BrowserContext
    answers: list[Answer] = field(default_factory=list)

    @property
    def state(self) -> dict[str, Any]:
        """What a stranger might change: rows, counts since the last reset, runs, cookies."""
        key = {"authorization": f"Bearer {READ_KEY}"}
        asked = {path: f"{self.product.console_url}{path}" for path in ("/micro/all", "/qa/runs")}
        told = {path: httpx.get(url, headers=key, timeout=60) for path, url in asked.items()}
        assert {one.status_code for one in told.values()} == {200}
        return {
            "rows": self.product.sql(OF_STATE),
            "told": {path: one.json() for path, one in told.items()},
            "cookies": sorted((one["name"], one["value"]) for one in self.context.cookies()),
        }

    def asked(self, *, refused: bool) -> set[str]:
        """Paths that the warehouse process answered with a refusal, or with anything else."""
        own = {self.product.settings.console, self.product.settings.sql}
        ports = {address.rpartition(":")[2] for address in own}
        return {
            urlsplit(one.url).path
            for one in self.answers
            if (one.status in REFUSED) == refused and str(urlsplit(one.url).port) in ports
        }


@pytest.fixture
def victim(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Victim]:
    """Give the browser of somebody who reads an open console, or has entered a key."""
    keyed = request.param == "logged in"
    product: RunningProduct = request.getfixturevalue("product" if keyed else "quick")
    context = browser.new_context()
    if keyed:
        page = context.new_page()
        page.goto(f"{product.console_url}/login")
        page.fill("[name=key]", READ_KEY)
        page.click("form button")
        page.wait_for_url(f"{product.console_url}/")
        (cookie,) = [one for one in context.cookies() if one["name"] == COOKIE]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        page.close()
    victim = Victim(product, context)
    # Playwright marks a handler as its own, which a list's method does not let it do.
    context.on("response", lambda answer: victim.answers.append(answer))  # noqa: PLW0108
    yield victim
    context.close()


def hostile_page(victim: Victim, site: Site, origin: str) -> tuple[Page, Callable[[str], str]]:
    """Open the hostile page, and give by which address it reaches one of the product's."""
    page = victim.context.new_page()
    for host in (origin, "rebound.example", "127.0.0.1"):
        site.pages[host, "/"] = PAGE
    if origin != "rebound":
        page.goto(site.url(origin))
        victim.answers.clear()
        return page, str
    # The name led to its owner's server at this port first.
    first = f"http://rebound.example:{urlsplit(victim.product.console_url).port}/first"
    victim.context.route(first, lambda route: route.continue_(url=site.url("127.0.0.1")))
    page.goto(first)
    return page, lambda url: url.replace("127.0.0.1", "rebound.example")


@pytest.mark.parametrize(
    ("victim", "origin"),
    [
        ("no keys", "evil.example"),
        ("no keys", "rebound"),
        ("logged in", "127.0.0.1"),
        pytest.param("no keys", "127.0.0.1", marks=pytest.mark.slow),
        pytest.param("logged in", "evil.example", marks=pytest.mark.slow),
        pytest.param("logged in", "rebound", marks=pytest.mark.slow),
    ],
    indirect=["victim"],
)
def test_it_reads_and_changes_nothing(victim: Victim, site: Site, origin: str) -> None:
    """By elements, frames, forms, requests, sockets and streams: 0 bytes read, 0 changes."""
    event = {"type": "track", "event": "CTA Clicked", "properties": {"cta_id": "a"}}
    event |= {"anonymousId": "a", "messageId": str(uuid4())}
    assert victim.product.post("/v1/track", event, auth=("dev", "")).status_code == 200
    victim.product.wait_visible(lambda: victim.state["told"]["/micro/all"]["total"] > 0)
    before = victim.state
    page, reached = hostile_page(victim, site, origin)
    urls = [reached(url) for url in warehouse_urls(victim.product)]
    assert len(urls) > 35
    read = page.evaluate("urls => attack(urls)", urls)
    assert [one for one in read if not one[2].startswith(REFUSALS)] == []
    assert victim.asked(refused=False) <= {"/first"}
    assert victim.asked(refused=True) == {urlsplit(url).path for url in urls}
    assert victim.state == before


@pytest.mark.parametrize(
    "victim",
    ["no keys", pytest.param("logged in", marks=pytest.mark.slow)],
    indirect=True,
)
def test_windows_show_pages_and_tell_nothing(victim: Victim, site: Site) -> None:
    """Another site may open pages alone; it sees nothing of them, and they change nothing."""
    before = victim.state
    page, _ = hostile_page(victim, site, "evil.example")
    guesses = [f"{victim.product.console_url}/?{name}=guess" for name in ("key", "password")]
    urls = [*warehouse_urls(victim.product), *guesses]
    seen = []
    for url in urls:
        with victim.context.expect_page() as opened:
            page.evaluate("url => { window.opened = window.open(url) }", url)
        opened.value.wait_for_load_state()
        seen += page.evaluate(
            "() => { try { return [opened.document.body.textContent, opened.length] }"
            " catch { return [] } }"
        )
        opened.value.close()
    assert [one for one in seen if one] == []
    opened_windows = [one for one in victim.answers if one.request.is_navigation_request()]
    shown = {urlsplit(one.url).path for one in opened_windows if one.status not in REFUSED}
    assert shown == LINKED
    assert victim.state == before


def collector_paths() -> tuple[list[str], set[str]]:
    """Give every address of the collector, and which of them other sites may read."""
    app = service(SnapshotCollector(NOWHERE.folder, dict), bool, bool)
    documents = FastAPI()
    documents.include_router(sdk_documents())
    tag = {"/tag.js", "/tag.json", *(f"/tag/{file.stem}.js" for file in TAG_FOLDER.glob("*.js"))}
    opened = {*segment.ROUTES, *pixel.ROUTES, *tag, *paths(documents)}
    return sorted({*opened, *paths(app), "/nowhere"}), opened


@pytest.mark.parametrize("origin", ["evil.example", "127.0.0.1"])
def test_the_collector_gives_what_cors_grants(
    quick: RunningProduct, browser: Browser, site: Site, origin: str
) -> None:
    """Pages send events and load the tag; metrics, health and refusals they cannot read."""
    known, opened = collector_paths()
    assert {"/metrics", "/livez", "/readyz"} <= set(known) - opened
    context = browser.new_context()
    page, _ = hostile_page(Victim(quick, context), site, origin)
    read = page.evaluate("urls => attack(urls)", [quick.url + path for path in known])
    assert {urlsplit(url).path for _, url, _ in read} <= opened
    assert {"/tag.js", "/v1/track"} <= {urlsplit(url).path for _, url, _ in read}
    context.close()


TELL_NOTHING = {"preload", "prefetch", "iframe", "object", "form post", "no-cors", "no-cors post"}
TELL_NOTHING |= {"beacon", "video", "font", "websocket"}
"""Ways that ask for an address of another site, and of these kinds of answers read nothing."""


def test_the_hostile_page_is_hostile(browser: Browser, site: Site) -> None:
    """Of a server that takes every request and opens every answer it reads by every way."""
    asked: Counter[tuple[str, str]] = Counter()
    with serving(bait(asked)) as url:
        context = browser.new_context()
        page = context.new_page()
        site.pages["evil.example", "/"] = PAGE
        page.goto(site.url("evil.example"))
        read = page.evaluate("url => attack([url])", url)
        ways = set(page.evaluate("Object.keys(WAYS)"))
        context.close()
    assert {way for way, _, _ in read if way not in TELL_NOTHING} == ways - TELL_NOTHING
    parts = {"script", "image", "style", "video", "font", "iframe", "object", "empty"}
    assert {("GET", part) for part in parts} <= asked.keys()
    assert {("POST", "iframe"), ("POST", "empty"), ("DELETE", "empty")} <= asked.keys()


def bait(asked: Counter[tuple[str, str]]) -> FastAPI:
    """Build an application that is open to every site, and counts what it is asked."""
    app = FastAPI()
    kinds = {
        "script": ("text/javascript", b"window.leaked = 1"),
        "style": ("text/css", b"p { color: red }"),
        "image": ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" width="1"/>'),
    }

    @app.api_route("/", methods=["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
    def answer(request: Request) -> Response:
        part = request.headers.get("sec-fetch-dest", "")
        asked[request.method, part] += 1
        kind, body = kinds.get(part, ("text/plain", b"text"))
        if "event-stream" in request.headers.get("accept", ""):
            kind, body = "text/event-stream", b"data: 1\n\n"
        headers = {
            "access-control-allow-origin": request.headers.get("origin", "*"),
            "access-control-allow-credentials": "true",
            "access-control-allow-headers": "content-type",
            "access-control-allow-methods": "DELETE",
        }
        return Response(body, media_type=kind, headers=headers)

    return app


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an application without protection, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join()
