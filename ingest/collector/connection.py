"""One HTTP connection: uvicorn's own, with a bound on headers and our one shape of errors.

What is refused here never became a request: nobody knows whose it is, so nothing is kept of it.
A plain POST of events goes the short way to the intake, everything else through ASGI.
"""

import asyncio
from time import perf_counter
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer
from funnelhouse.ingest.collector.endpoints import Collector
from funnelhouse.ingest.collector.exchange import Exchange
from funnelhouse.ingest.collector.http import DROPPED, Head, as_bytes
from funnelhouse.ingest.collector.protocols import segment

MAX_HEAD_BYTES = 65_536
"""The most that a request line and its headers may hold together, about."""

_MOST_PIPELINED = 100
_MOST_PARAMETERS = 1_000
_TOO_MANY = answers.error(
    431, "too_many", "The query has over 1,000 parameters, or 100 requests wait; send fewer."
)
_READERS = {path.encode(): read for path, read in segment.ROUTES.items()}


class _RefusedError(Exception):
    """The request was answered from its head alone."""


class Connection(HttpToolsProtocol):
    """Takes requests off a socket; uvicorn itself bounds neither the URL nor the headers."""

    cycle: Any  # the request under way: uvicorn's cycle, or our exchange in its place

    def __init__(self, config: Config, *args: Any, **more: Any) -> None:
        super().__init__(config, *args, **more)
        collector = cast("Collector", config.app)
        self._exchange = Exchange(collector.intake, self._send)
        self._intake = collector.intake
        self._connections = collector.connections
        self._answered_at = 0.0
        self._head_bytes = 0
        self._begun_at: float | None = None
        self._body_since: float | None = None
        self.address = ""
        self.unfinished_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place among the connections; the first head is waited for from now on."""
        super().connection_made(transport)
        self._begun_at = self.loop.time()
        self.address = self._connections.address_of(self.client[0] if self.client else "")
        self._connections.opened(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came; a head that is not complete yet may not grow for ever."""
        if not self.flow.write_paused and self._exchange.repeat(data):
            return
        fresh = self._is_between_requests()
        self._exchange.forget()
        if self._begun_at is None:
            self._begun_at = self.loop.time()
        super().data_received(data)
        if self._begun_at is not None:
            self._connections.received(self, len(data))
        if fresh and self.cycle is self._exchange and not self._exchange.reading:
            self._exchange.learn(data)
        if self.scope is None or "method" in self.scope:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            detail = f"URL and headers are larger than {MAX_HEAD_BYTES} bytes; send fewer."
            self._refuse(answers.error(431, "headers_too_large", detail))

    def on_message_begin(self) -> None:
        """Begin a request, which may follow another in one piece of data."""
        super().on_message_begin()
        self._body_since = None
        if self._begun_at is None:
            self._begun_at = self.loop.time()

    def on_headers_complete(self) -> None:
        """Choose the way of a request."""
        self._body_since = self.loop.time()
        if len(self.pipeline) >= _MOST_PIPELINED or self.url.count(b"&") >= _MOST_PARAMETERS:
            self._refuse(_TOO_MANY)
            raise _RefusedError  # which ends the parser's work
        path, _, query = self.url.partition(b"?")
        read = _READERS.get(path)
        if read is None or not self._may_go_the_short_way():
            super().on_headers_complete()
            return
        self.scope["method"] = "POST"  # by which uvicorn, too, knows that the head is complete
        self.cycle = self._exchange
        self._exchange.begin(read, Head(self.headers, query, self.client))

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        if self._exchange.reading:
            self._exchange.add(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._begun_at = self._body_since = None
        self._connections.finished(self)
        if self._exchange.reading:
            self._exchange.finish()
        else:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep what came of a body before its sender broke off."""
        super().connection_lost(exc)
        self._connections.closed(self)
        if self._exchange.reading:
            self._exchange.finish()

    @property
    def waits_since(self) -> float | None:
        """When it began to wait for its client; None while a request is being answered."""
        if self._is_busy():
            return None
        return self._answered_at if self._begun_at is None else self._begun_at

    def is_late(self, now: float) -> bool:
        """Whether the head of a request, or so much of its body, should have come by now."""
        if self._begun_at is None or self._is_busy():
            return False
        limits = self._connections.limits
        if self._body_since is None:
            return now - self._begun_at > limits.head_timeout_s
        came_s = self.unfinished_bytes / limits.body_bytes_per_s
        return now - self._body_since > limits.head_timeout_s + came_s

    def _is_busy(self) -> bool:
        """Whether it is we who are awaited: to read on, or to answer a request that is whole."""
        waits = self._body_since is None and self.cycle is not None
        return self.flow.read_paused or (waits and not self.cycle.response_complete)

    def drop(self, answer: Answer) -> None:
        """Close it with an answer, and forget what came of its request."""
        if self._exchange.reading:
            self._exchange.drop()
        elif self.cycle is not None and self.cycle is not self._exchange:
            self.cycle.scope[DROPPED] = True
        self._refuse(answer)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._answered_at = self.loop.time()
        super().on_response_complete()

    def _is_between_requests(self) -> bool:
        """Whether the next byte begins a request, told where the last one went the short way."""
        if self.scope is None:
            return True
        exchange = self._exchange
        return self.cycle is exchange and exchange.response_complete and "method" in self.scope

    def _may_go_the_short_way(self) -> bool:
        """Whether nothing in the head of a POST, or before it, asks for more than its answer.

        A body of more than this would have to be held up while it comes.
        """
        length = dict(self.headers).get(b"content-length", b"")
        return (
            length.isdigit()
            and int(length) <= HIGH_WATER_LIMIT
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
        )

    def _send(self, answer: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(answer)
        if not self._exchange.keep_alive:
            self.transport.close()
        if self.timeout_keep_alive_task is None:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self._answered_at = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle all the time, else look again later.

        A timer for every request would take as long as a tenth of it.
        """
        idle_s = self.loop.time() - self._answered_at
        busy = not self.cycle.response_complete
        if busy or idle_s < self.timeout_keep_alive:
            wait_s = self.timeout_keep_alive - (0.0 if busy else idle_s)
            self.timeout_keep_alive_task = self.loop.call_later(
                wait_s, self.timeout_keep_alive_handler
            )
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Answer what is no HTTP in the shape of all errors."""
        detail = "This is no HTTP request; send HTTP/1.1 with percent-encoded URLs."
        self._refuse(answers.error(400, "not_http", detail))

    def _refuse(self, answer: Answer) -> None:
        if self.transport.is_closing():
            return
        self._intake.answered(answer, perf_counter())
        self.transport.write(as_bytes(answer, close=True))
        self.transport.close()
