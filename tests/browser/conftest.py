"""A real browser on pages of several hosts, beside the running product that takes their events."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.conftest import WRITE_KEYS, RunningProduct, running_product

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--host-resolver-rules=MAP *.example 127.0.0.1", "--no-sandbox"]
STYLE = (
    "<style>[data-variant][hidden]{display:none!important}[data-variant]{animation:fh .3s step-end}"
    "@keyframes fh{0%{visibility:hidden}}</style>"
)
"""The line of style that the README gives for pages with experiments."""


SEGMENT_AGE_MS = 200
NOTHING_WAITS = "!Object.keys(localStorage).some(key => /^fhq/.test(key))"
"""Holds in a page when the collector has answered for every event that its origin kept."""

_NUMBERS = count()


def is_batch(request: Request) -> bool:
    """Whether a page sends events by a request."""
    return "batch" in request.url


def elsewhere(page: Page) -> None:
    """Leave a page, as by a link to elsewhere."""
    page.goto("about:blank")


def next_turn(page: Page) -> None:
    """Return when what the page has planned for its next turn is done."""
    page.evaluate("new Promise(done => setTimeout(done))")


def next_frame(page: Page) -> None:
    """Return when the page was laid out once more, and told what came into view."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def stay(page: Page, stay_ms: float) -> None:
    """Let a visitor do nothing on a page for so long: what a test tells, not what it hopes for."""
    page.wait_for_timeout(stay_ms)


class Site:
    """Pages by host and path, served on one port; whatever is asked for is counted."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host = self.headers["host"].partition(":")[0]
                text = site.pages.get((host, self.path.partition("?")[0]))
                body = (text or "").encode()
                self.send_response(404 if text is None else 200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - as above

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, host: str, path: str = "/") -> str:
        """Address of a page."""
        return f"http://{host}:{self.port}{path}"

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Visits:
    """Opens pages with the tag in a browser, and reads from the warehouse what came of them."""

    product: RunningProduct
    site: Site
    browser: Browser

    def host(self) -> str:
        """Name a host that no other test uses."""
        return f"h{next(_NUMBERS)}.example"

    def snippet(self, **attributes: str) -> str:
        """The line of the README that loads the tag, with data attributes."""
        given = {"key": "dev", "sample": "1"} | attributes
        written = " ".join(
            f"data-{name.replace('_', '-')}='{value}'" for name, value in given.items()
        )
        return f'<script async src="{self.product.url}/tag.js" {written}></script>'

    def put(self, host: str, path: str, body: str, head: str = "", **attributes: str) -> str:
        """Serve a page with the tag, and return its address."""
        self.site.pages[host, path] = (
            f"<!doctype html><html><head><title>Title of {path}</title>{head}"
            f"{self.snippet(**attributes)}</head><body>{body}</body></html>"
        )
        return self.site.url(host, path)

    @contextmanager
    def profile(self, **options: Any) -> Iterator[BrowserContext]:
        """Give a profile of the browser with nothing stored; it closes with its pages."""
        context = self.browser.new_context(**options)
        yield context
        context.close()

    def rows(self, host: str, columns: str = "*", where: str = "1") -> list[dict[str, Any]]:
        """Rows of `events` of a host's pages, in order of time."""
        rows = self.product.sql(
            f"SELECT {columns} FROM events WHERE page_host = '{host}' AND ({where})"
            " ORDER BY event_time, arrival"
        )
        for row in rows:
            for name in {"properties", "payload"} & row.keys():
                row[name] = orjson.loads(row[name])
        return rows

    def named(self, host: str, name: str) -> list[dict[str, Any]]:
        """Events of one name of a host's pages."""
        return self.rows(host, where=f"event_name = '{name}'")

    def names(self, host: str) -> list[str]:
        """Names of the events of a host's pages."""
        return [row["event_name"] for row in self.rows(host, "event_name")]

    def wait(self, host: str, name: str, times: int = 1) -> list[dict[str, Any]]:
        """Events of a name, once so many are in the warehouse."""
        self.product.wait_visible(lambda: len(self.named(host, name)) >= times)
        return self.named(host, name)

    def rejected(self, host: str) -> list[dict[str, Any]]:
        """What the collector refused of a host's pages."""
        return self.product.sql(
            "SELECT sent_name, reason, path, detail, payload FROM rejected_events"
            f" WHERE payload LIKE '%//{host}:%'"
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium; install Debian's package")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Serve pages of invented hosts."""
    site = Site()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """Start a product whose events are in the warehouse sooner than by default."""
    data = tmp_path_factory.mktemp("quick")
    with running_product(data, WRITE_KEYS, segment_age_ms=SEGMENT_AGE_MS) as running:
        yield running


@pytest.fixture(scope="module")
def visits(quick: RunningProduct, site: Site, browser: Browser) -> Visits:
    """Give what opens pages and reads their events."""
    return Visits(quick, site, browser)
