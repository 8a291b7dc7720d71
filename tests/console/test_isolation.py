"""Which requests a port takes, by what a browser tells of whence they come."""

from typing import Any

import pytest

from funnelhouse.console.access.cross_site import Fetch, Isolation, is_from_elsewhere
from funnelhouse.console.pages.site import LINKED

OWN = "127.0.0.1:8081"
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
LINK = {"sec-fetch-site": "cross-site"} | NAVIGATION
CONSOLE = Isolation(frozenset({"console.example.com"}), LINKED)
SQL = Isolation(frozenset())


def fetch(
    path: str, headers: dict[str, str] | list[tuple[str, str]], method: str = "GET", query: str = ""
) -> Fetch:
    """Build a request; the Host is our own where the headers have none."""
    sent = [*headers.items()] if isinstance(headers, dict) else headers
    if "host" not in dict(sent):
        sent = [("host", OWN), *sent]
    scope: dict[str, Any] = {
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent],
    }
    return Fetch(scope)


def status(isolation: Isolation, asked: Fetch) -> int:
    """Give the status of a refusal, 0 for what is taken."""
    refusal = isolation.refusal(asked)
    return refusal.status if refusal else 0


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/metrics", {}),
        ("/micro/reset", {}),
        ("/micro/reset", {"sec-fetch-mode": "cors", "user-agent": "node"}),
        ("/micro/reset", {"sec-fetch-site": "none"} | NAVIGATION),
        ("/live/events", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}),
        ("/micro/good", {"origin": f"http://{OWN}"}),
        ("/micro/good", {"referer": f"http://{OWN}/coverage"}),
        ("/micro/good", {"host": "console.example.com", "origin": "https://Console.example.com"}),
        (
            "/micro/good",
            {"host": "console.example.com:443", "origin": "https://console.example.com"},
        ),
        ("/micro/good", {"host": "console.example.com", "origin": "http://console.example.com:80"}),
        ("/micro/good", {"host": "[::1]:8081", "origin": "http://[::1]:8081"}),
        ("/micro/good", {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_tools_and_our_own_pages_are_taken(path: str, headers: dict[str, str], method: str) -> None:
    """What is no browser, the browser's own user, and pages of ours may ask for everything."""
    assert status(CONSOLE, fetch(path, headers, method)) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": ""},
        {"sec-fetch-site": "something new"},
        LINK,
        LINK | {"sec-fetch-site": "same-site"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1"},
        {"origin": "http://127.0.0.1:8080"},
        {"origin": "http://localhost:8081"},
        {"origin": f"https://{OWN}@evil.example"},
        {"origin": f"http://{OWN}.evil.example"},
        {"origin": "http://127.0.0.1:99999"},
        {"origin": "file://"},
        {"origin": "chrome-extension://abcdef"},
        {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
        {"origin": f"http://{OWN}", "sec-fetch-site": "cross-site"},
        {"referer": "http://evil.example/"},
        {"referer": "http://127.0.0.1:3000/page"},
        {"host": "console.example.com:8443", "origin": "https://console.example.com"},
        [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        [("origin", f"http://{OWN}"), ("origin", "http://evil.example")],
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "PUT"])
@pytest.mark.parametrize("path", ["/micro/reset", "/sql.csv", "/live/events", "/static/console.js"])
def test_other_sites_are_refused(path: str, headers: Any, method: str) -> None:
    """By any one of the headers of a browser, whatever the others say, on every port."""
    for isolation in (CONSOLE, SQL):
        assert status(isolation, fetch(path, headers, method)) == 403


@pytest.mark.parametrize("path", sorted(LINKED))
@pytest.mark.parametrize(
    "headers", [LINK, LINK | {"sec-fetch-user": "?1"}, {"referer": "http://wiki.example/"}]
)
def test_a_link_leads_to_a_page(path: str, headers: dict[str, str]) -> None:
    """A person who follows a link from elsewhere sees the page; the SQL endpoint has none."""
    asked = fetch(path, headers, query="funnel=b2c&since=7d")
    assert status(CONSOLE, asked) == 0
    assert is_from_elsewhere(asked)
    assert status(SQL, asked) == 403


@pytest.mark.parametrize(
    ("changed", "method", "query"),
    [
        ({"sec-fetch-mode": "no-cors"}, "GET", ""),
        ({"sec-fetch-mode": "cors"}, "GET", ""),
        ({"sec-fetch-mode": "websocket"}, "GET", ""),
        ({"sec-fetch-dest": "iframe"}, "GET", ""),
        ({"sec-fetch-dest": "embed"}, "GET", ""),
        ({"sec-fetch-dest": "object"}, "GET", ""),
        ({"sec-fetch-dest": "empty"}, "GET", ""),
        ({"sec-purpose": "prefetch"}, "GET", ""),
        ({"sec-purpose": "prefetch;prerender"}, "GET", ""),
        ({"purpose": "prefetch"}, "GET", ""),
        ({"origin": "http://evil.example"}, "GET", ""),
        ({"host": "evil.example"}, "GET", ""),
        ({}, "POST", ""),
        ({}, "GET", "key=guess"),
        ({}, "GET", "a=1&%6bey=guess"),
        ({}, "GET", "password=guess"),
    ],
)
def test_what_is_no_link_to_a_page(changed: dict[str, str], method: str, query: str) -> None:
    """Parts of pages, frames, forms, prefetching and addresses with keys are no links."""
    assert status(CONSOLE, fetch("/funnel", LINK, query="a=1")) == 0
    assert status(CONSOLE, fetch("/funnel", LINK | changed, method, query)) == 403


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([], 400),
        ([""], 400),
        ([OWN, OWN], 400),
        ([OWN, "evil.example"], 400),
        (["evil.example", OWN], 400),
        (["evil.example"], 403),
        ([f"{OWN}@evil.example"], 403),
        ([OWN], 0),
        (["LOCALHOST.:8081"], 0),
    ],
)
def test_one_host_that_is_known(hosts: list[str], expected: int) -> None:
    """A request without a Host, with several, or with one that is not known is refused."""
    headers = [(b"host", host.encode()) for host in hosts]
    headers.append((b"x-forwarded-host", OWN.encode()))
    scope = {"method": "GET", "path": "/funnel", "headers": headers}
    assert status(CONSOLE, Fetch(scope)) == expected
