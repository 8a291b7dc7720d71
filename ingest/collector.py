"""The collector: raw ASGI endpoints for events; an answer of 200 is sent when they are durable.

Everything else (health, metrics, settings) is handed to the application behind it.
"""

from asyncio import Future, get_running_loop
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from types import MappingProxyType

from ingest import answers
from ingest.answers import Answer
from ingest.http import Head, Receive, Scope, Send, read_body, send_answer
from ingest.intake import Intake, Reply
from ingest.protocols import pixel, segment
from ingest.trackers import Route


class Collector:
    """An ASGI application over one `Intake`; `rest` answers every other path."""

    def __init__(
        self, intake: Intake, rest: object, trackers: Mapping[str, Route] = MappingProxyType({})
    ) -> None:
        self.intake = intake
        self._rest = rest
        self._trackers = trackers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if path in segment.ROUTES:
            await self._track(scope, receive, send)
        elif path in pixel.ROUTES:
            await self._pixel(scope, send)
        elif path in self._trackers:
            await self._tracker(self._trackers[path], scope, receive, send)
        else:
            await self._rest(scope, receive, send)  # type: ignore[operator]

    async def _track(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        head = Head.of(scope)
        method = scope["method"]
        if method == "POST":
            read = segment.ROUTES[scope["path"]]
            body = await read_body(receive, self.intake.max_body_bytes)
            answer = await _replied(partial(self.intake.take_body, read, head, body))
        elif method == "OPTIONS":
            answer = answers.preflight(scope["headers"])
            head.origin = b""
        else:
            answer = answers.wrong_method("POST, OPTIONS")
        self.intake.answered(answer, started)
        await send_answer(send, answer, head.origin)

    async def _pixel(self, scope: Scope, send: Send) -> None:
        started = perf_counter()
        head = Head.of(scope)
        if scope["method"] != "GET":
            answer = answers.wrong_method("GET")
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
            answer = answers.wrong_method(f"{route.method}, OPTIONS")
        else:
            body = await read_body(receive, self.intake.max_body_bytes)
            read = partial(route.read, head, kind)
            answer = await _replied(partial(self.intake.take_body, read, head, body))
            answer = route.answer(kind, answer)
        self.intake.answered(answer, started)
        await send_answer(send, answer, head.origin)


async def _replied(take: Callable[[Reply], None]) -> Answer:
    """Wait for the reply to what is taken."""
    answer: Future[Answer] = get_running_loop().create_future()
    take(lambda given: None if answer.done() else answer.set_result(given))
    return await answer
