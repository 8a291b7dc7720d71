"""Keeps other sites' pages from answers that no CORS header opens to them."""

from typing import Any

from funnelhouse.ingest.collector.answers import NOSNIFF
from funnelhouse.ingest.collector.http import Receive, Scope, Send

_OWN_PAGES_ALONE = (b"cross-origin-resource-policy", b"same-origin")
_OPENED = b"access-control-allow-origin"


class Closed:
    """An ASGI application before another one, whose answers it marks, faults too."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def closed(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), NOSNIFF]
                opened = any(name.lower() == _OPENED for name, _ in headers)
                message["headers"] = headers if opened else [*headers, _OWN_PAGES_ALONE]
            await send(message)

        await self._app(scope, receive, closed)
