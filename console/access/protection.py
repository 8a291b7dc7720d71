"""Stands before every application of the warehouse process, in place of rules in each route.

It hands on what the isolation policy takes, and puts headers on every answer that keep it from
other sites' pages, whatever the answer is.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from funnelhouse.console.access.cross_site import Fetch, Isolation, Refusal, is_from_elsewhere

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

_ELSEWHERE = "from_elsewhere"
_PAGE = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    b" connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NO_PAGE = b"default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),
)
"""What every answer bears beside its Content-Security-Policy."""


class Protection:
    """An ASGI application before another one."""

    def __init__(self, app: Application, isolation: Isolation) -> None:
        self._app = app
        self._isolation = isolation

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        fetch = Fetch(scope)
        elsewhere = is_from_elsewhere(fetch)
        scope.setdefault("state", {})[_ELSEWHERE] = elsewhere

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = protected_headers(
                    message.get("headers", ()), elsewhere=elsewhere
                )
            await send(message)

        refusal = self._isolation.refusal(fetch)
        if refusal is None:
            await self._app(scope, receive, protected)
        else:
            await _refuse(protected, refusal, fetch.method)


def came_from_elsewhere(scope: Any) -> bool:
    """Say whether another site's page led to the request of a scope that was handed on."""
    return bool(scope.get("state", {}).get(_ELSEWHERE))


def protected_headers(headers: Any, *, elsewhere: bool = False) -> list[tuple[bytes, bytes]]:
    """Add to an answer's headers what it lacks; another site's link changes no cookie."""
    kept = [
        (name, value)
        for name, value in headers
        if not (elsewhere and name.lower() == b"set-cookie")
    ]
    there = {name.lower(): value for name, value in kept}
    is_page = there.get(b"content-type", b"").startswith(b"text/html")
    policy = (b"content-security-policy", _PAGE if is_page else _NO_PAGE)
    added = (*HEADERS, policy, (b"cache-control", b"no-store"))
    return kept + [header for header in added if header[0] not in there]


async def _refuse(send: Send, refusal: Refusal, method: str) -> None:
    body = refusal.told.encode()
    length = b"%d" % len(body)
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", length)]
    status = HTTPStatus(refusal.status)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
