"""Every answer of the warehouse process bears the headers, whatever it is and by which port."""

import asyncio
import socket
from collections.abc import Iterator
from threading import Thread

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import HTMLResponse

from funnelhouse.console.access.protection import HEADERS, came_from_elsewhere
from funnelhouse.processes.server import protected, protected_server
from funnelhouse.settings import Settings

LINK = {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}
SETTINGS = Settings(host_names="console.example.com", console="warehouse.lan:8081", read_keys="")


def application() -> FastAPI:
    """Build an application whose routes answer in every manner."""
    app = FastAPI()

    @app.get("/page")
    def page() -> HTMLResponse:
        answer = HTMLResponse("a page")
        answer.set_cookie("language", "ko")
        return answer

    @app.get("/rows")
    def rows() -> Response:
        return Response(
            "rows",
            media_type="text/plain",
            headers={"cache-control": "public", "x-frame-options": "DENY"},
        )

    @app.get("/refused")
    def refused() -> None:
        raise HTTPException(401)

    @app.get("/fault")
    def fault() -> None:
        raise RuntimeError

    return app


def ask(path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """Ask the application."""
    transport = httpx.ASGITransport(
        protected(SETTINGS, application(), {"/page"}), raise_app_exceptions=False
    )

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=named)

    return asyncio.run(asked())


def assert_protected(answer: httpx.Response) -> None:
    """Hold an answer to its headers, each there once."""
    for name, value in HEADERS:
        assert answer.headers.get_list(name.decode()) == [value.decode()]
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert ("script-src 'self'" in policy) == ("text/html" in answer.headers["content-type"])
    assert "unsafe" not in policy
    assert len(answer.headers.get_list("cache-control")) == 1


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/page", "GET", {}, 200),
        ("/rows", "GET", {}, 200),
        ("/refused", "GET", {}, 401),
        ("/fault", "GET", {}, 500),
        ("/nowhere", "GET", {}, 404),
        ("/page", "DELETE", {}, 405),
        ("/rows", "GET", LINK, 403),
        ("/rows", "HEAD", LINK, 403),
        ("/page", "GET", {"host": "evil.example"}, 403),
        ("/page", "GET", {"host": ""}, 400),
        ("/page", "GET", {"host": "console.example.com"}, 200),
        ("/page", "GET", {"host": "warehouse.lan:8081"}, 200),
    ],
)
def test_every_answer_is_protected(
    path: str, method: str, headers: dict[str, str], status: int
) -> None:
    """Pages, rows, refusals, faults: all bear the headers."""
    answer = ask(path, method, **headers)
    assert answer.status_code == status
    assert_protected(answer)
    assert answer.content == b"" or method != "HEAD"


def test_a_link_from_elsewhere_changes_no_cookie() -> None:
    """The page is shown; what it would keep in the browser it keeps for its own visitors."""
    assert "set-cookie" in ask("/page").headers
    shown = ask("/page", **LINK)
    assert (shown.status_code, shown.text) == (200, "a page")
    assert "set-cookie" not in shown.headers


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve the application on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = protected_server(SETTINGS, application(), lifespan="off")
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


_UPGRADE = (
    b"GET /rows HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (_UPGRADE, b"403"),
        (b"GET /rows HTTP/1.0\r\n\r\n", b"400"),
        (b"GET /rows HTTP/1.0\r\nHost: evil.example\r\n\r\n", b"403"),
        (b"GET /rows HTTP/1.0\r\nHost: localhost\r\n\r\n", b"200"),
        (b"GET /rows HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /rows HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"400"),
        (
            b"GET /rows HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: evil.example\r\n\r\n",
            b"200",
        ),
        (
            b"GET /rows HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n\r\n",
            b"403",
        ),
        (b"GET http://127.0.0.1/rows HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"403"),
        (b"no HTTP at all\r\n\r\n", b"400"),
    ],
)
def test_requests_as_bytes(port: int, request_bytes: bytes, status: bytes) -> None:
    """What no client library sends is answered with the headers too."""
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(request_bytes)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(65_536)
    assert answer.split(b" ")[1] == status
    for name, value in HEADERS:
        assert answer.count(b"\r\n%b: %b\r\n" % (name, value)) == 1
    assert answer.count(b"content-security-policy: ") == 1


def test_whoever_is_not_protected_came_from_nowhere() -> None:
    """Where an application stands without protection, no request counts as another site's."""
    assert not came_from_elsewhere({})
