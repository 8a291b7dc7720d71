"""The servers of the warehouse process: every port has the same protection, whatever it answers."""

from collections.abc import Callable, Collection
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from funnelhouse.console.access.cross_site import Isolation
from funnelhouse.console.access.protection import Protection, protected_headers
from funnelhouse.settings import Settings


class _Connection(HttpToolsProtocol):
    """Answers what is no HTTP with the headers of every other answer."""

    def send_400_response(self, msg: str) -> None:
        body = msg.encode()
        length, kind = b"%d" % len(body), b"text/plain; charset=utf-8"
        own = [(b"content-type", kind), (b"content-length", length), (b"connection", b"close")]
        lines = [b"%b: %b\r\n" % header for header in protected_headers(own)]
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + b"".join(lines) + b"\r\n" + body)
        self.transport.close()


class Server(uvicorn.Server):
    """Calls `on_turn` some ten times a second, as often as its event loop turns."""

    on_turn: Callable[[], None] = staticmethod(lambda: None)

    async def on_tick(self, counter: int) -> bool:
        """Go on as uvicorn does."""
        self.on_turn()
        return await super().on_tick(counter)


def protected(settings: Settings, app: FastAPI, pages: Collection[str] = ()) -> Protection:
    """Put an application behind the isolation policy; other sites may link its `pages`."""
    return Protection(app, Isolation(settings.known_names, pages))


def protected_server(
    settings: Settings, app: FastAPI, pages: Collection[str] = (), **more: Any
) -> Server:
    """Make a server of an application; `more` goes to uvicorn, such as the address."""
    return Server(
        uvicorn.Config(
            protected(settings, app, pages),
            http=_Connection,
            ws="none",
            access_log=False,
            log_config=None,
            forwarded_allow_ips=settings.trusted_proxies,
            **more,
        )
    )
