"""The collector: raw ASGI endpoints for events; an answer of 200 is sent when they are durable.

Everything else (health, metrics, settings) is handed to the application behind it.
"""

from asyncio import Future, get_running_loop
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from time import perf_counter
from types import MappingProxyType

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer
from funnelhouse.ingest.collector.connections import ConnectionLimits, Connections
from funnelhouse.ingest.collector.http import (
    DroppedError,
    Head,
    Receive,
    Scope,
    Send,
    read_body,
    send_answer,
)
from funnelhouse.ingest.collector.intake import Receiver, Reply
from funnelhouse.ingest.collector.protocols import pixel, segment
from funnelhouse.ingest.collector.trackers import Route
from funnelhouse.ingest.validation.refusal import Refusal


class Collector:
    """An ASGI application over one `Receiver`; `rest` answers every other path."""

    def __init__(
        self,
        intake: Receiver,
        rest: object,
        trackers: Mapping[str, Route] = MappingProxyType({}),
        connections: Connections | None = None,
    ) -> None:
        self.intake = intake
        self.connections = connections or Connections(ConnectionLimits(), lambda _ip: False)
        self._rest = rest
        self._trackers = trackers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        with suppress(DroppedError):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path in segment.ROUTES:
            await self._track(scope, receive, send)
        elif path in pixel.ROUTES:
            await self._pixel(scope, receive, send)
        elif path in self._trackers:
            await self._tracker(self._trackers[path], scope, receive, send)
        else:
            if scope.get("method") in _WITH_BODY:
                await self._keep(_NOT_FOUND, Head.of(scope), scope, receive)
            await self._rest(scope, receive, send)  # type: ignore[operator]

    async def _track(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        head = Head.of(scope)
        method = scope["method"]
        if method == "POST":
            read = segment.ROUTES[scope["path"]]
            body = await read_body(scope, receive, self.intake.max_body_bytes)
            answer = await _replied(partial(self.intake.take_body, read, head, body))
        elif method == "OPTIONS":
            answer = answers.preflight(scope["headers"])
            head.origin = b""
        else:
            answer = await self._wrong_method("POST, OPTIONS", head, scope, receive)
        self.intake.answered(answer, started)
        await send_answer(send, answer, head.origin)

    async def _pixel(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        head = Head.of(scope)
        if scope["method"] != "GET":
            answer = await self._wrong_method("GET", head, scope, receive)
        else:
            envelope = pixel.decode(head.query, pixel.ROUTES[scope["path"]])
            take = partial(self.intake.take, envelope, head, scope["query_string"])
            answer = await _replied(take)
            answer = answers.GIF if answer.status == 200 else answer  # noqa: PLR2004 - HTTP's own number
        self.intake.answered(answer, started)
        await send_answer(send, answer, head.origin)

    async def _tracker(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        head = Head.of(scope)
        kind = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
        if scope["method"] == "OPTIONS":
            answer = answers.preflight(scope["headers"])
            head.origin = b""
        elif scope["method"] != route.method:
            answer = await self._wrong_method(f"{route.method}, OPTIONS", head, scope, receive)
        else:
            body = await read_body(scope, receive, self.intake.max_body_bytes)
            read = partial(route.read, head, kind)
            answer = await _replied(partial(self.intake.take_body, read, head, body))
            answer = route.answer(kind, answer)
        self.intake.answered(answer, started)
        await send_answer(send, answer, head.origin)

    async def _wrong_method(
        self, allowed: str, head: Head, scope: Scope, receive: Receive
    ) -> Answer:
        await self._keep(_WRONG_METHOD, head, scope, receive)
        return answers.wrong_method(allowed)

    async def _keep(self, refusal: Refusal, head: Head, scope: Scope, receive: Receive) -> None:
        """Keep the body of a request that is refused whatever it holds, if its key is one of ours.

        Its sender is answered what the refusal says even when there is no room to keep it.
        """
        body = await read_body(scope, receive, self.intake.max_body_bytes)
        if body:
            await _replied(partial(self.intake.take_body, lambda *_: refusal, head, body))


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_NOT_FOUND = Refusal(404, "not_found", "Nothing takes events at this address; see the README.")
_WRONG_METHOD = Refusal(405, "method", "The address does not take this method; see Allow.")


async def _replied(take: Callable[[Reply], None]) -> Answer:
    """Wait for the reply to what is taken."""
    answer: Future[Answer] = get_running_loop().create_future()
    take(lambda given: None if answer.done() else answer.set_result(given))
    return await answer
