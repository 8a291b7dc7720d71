"""The collector: raw ASGI endpoints for events; an answer of 200 is sent when they are durable.

Everything else (health, metrics, settings) is handed to the application behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter
from typing import NamedTuple

from ingest import answers
from ingest.answers import Answer
from ingest.arrival import minute
from ingest.durability import SpoolFull, SyncFailed
from ingest.encoding import inflate
from ingest.event import Envelope, Origin
from ingest.http import Body, Head, Receive, Scope, Send, read_body, send_answer
from ingest.keys import RateLimiter, WriteKey, origin_allowed
from ingest.limits import Limits
from ingest.metrics import WorkerMetrics
from ingest.pipeline import Pipeline
from ingest.protocols import pixel, segment
from ingest.refusal import Refusal
from ingest.row import Row
from ingest.spool import Spool
from transforms.privacy import mask_ip

_RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class Door:
    """Who may send how much: write keys by key, the limits, and each key's rate."""

    keys: Mapping[str, WriteKey]
    limits: Limits
    rates: RateLimiter


@dataclass(frozen=True, slots=True)
class Line:
    """Where events go: judged by the pipeline, kept by the spool, counted by the metrics."""

    pipeline: Pipeline
    spool: Spool
    metrics: WorkerMetrics


class Collector:
    """An ASGI application over one `Line`; `rest` answers every other path."""

    def __init__(self, door: Door, line: Line, rest: object) -> None:
        self._door = door
        self._line = line
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if path in segment.ROUTES:
            await self._track(scope, receive, send)
        elif path in pixel.ROUTES:
            await self._pixel(scope, send)
        else:
            await self._rest(scope, receive, send)  # type: ignore[operator]

    async def _track(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        head = Head(scope)
        method = scope["method"]
        if method == "POST":
            call = segment.ROUTES[scope["path"]]
            body = await read_body(receive, self._door.limits.max_body_bytes)
            # No name holds the decoded events while the sync is awaited: their memory serves the
            # next request, still warm in the processor's cache.
            answer = await self._keep(self._take_body(call, head, body))
        elif method == "OPTIONS":
            answer = answers.preflight(scope["headers"])
            head.origin = b""
        else:
            answer = answers.wrong_method("POST, OPTIONS")
        await self._send(send, answer, head, started)

    async def _pixel(self, scope: Scope, send: Send) -> None:
        started = perf_counter()
        head = Head(scope)
        if scope["method"] != "GET":
            answer = answers.wrong_method("GET")
        else:
            envelope = pixel.decode(head.query, pixel.ROUTES[scope["path"]])
            answer = await self._keep(self._take(envelope, head, scope["query_string"]))
            answer = answers.GIF if answer.status == 200 else answer  # noqa: PLR2004 - HTTP's own number
        await self._send(send, answer, head, started)

    async def _send(self, send: Send, answer: Answer, head: Head, started: float) -> None:
        self._line.metrics.answered(answer.status)
        self._line.metrics.observe(perf_counter() - started)
        await send_answer(send, answer, head.origin)

    def _take_body(self, call: str, head: Head, body: Body) -> "Taken":
        limits = self._door.limits
        if body.cut:
            detail = f"The body is larger than {limits.max_body_bytes} bytes; send smaller batches."
            return self._take(Refusal(413, "too_large", detail), head, body.start)
        plain = inflate(body.start, head.encoding, limits.max_inflated_bytes)
        if isinstance(plain, Refusal):
            return self._take(plain, head, body.start)
        return self._take(segment.decode(plain, call), head, plain)

    def _take(self, read: Envelope | Refusal, head: Head, body: bytes) -> "Taken":
        """Admit what was read, or keep what could not be read, for the key it came under."""
        key = self._key(read, head)
        if isinstance(key, Answer):
            return Taken(key)
        read = self._within_batch(read)
        events = 1 if isinstance(read, Refusal) else len(read.events)
        wait_s = self._door.rates.wait_s(key.key, events)
        if wait_s > 0:
            detail = "The key sends faster than its rate allows; send again after Retry-After."
            return Taken(answers.error(429, "rate", detail, ceil(wait_s)))
        self._line.metrics.count(key.source, "received", events)
        pipeline, origin = self._line.pipeline, self._origin(key, head)
        if isinstance(read, Refusal):
            admission = pipeline.refuse(read, body, origin)
            answer = answers.error(*read)
        else:
            admission = pipeline.admit(read, origin)
            results = admission.results
            answer = answers.success_with(results) if results else answers.SUCCESS
        return Taken(answer, admission.rows, key.source, events, admission.rejected)

    def _key(self, read: Envelope | Refusal, head: Head) -> WriteKey | Answer:
        sent_key = head.key if isinstance(read, Refusal) else read.write_key or head.key
        key = self._door.keys.get(sent_key)
        if key is None:
            if isinstance(read, Refusal) and not sent_key:
                return answers.error(*read)
            detail = "No such write key; send the one of your source, as writeKey or Basic user."
            return answers.error(401, "unknown_key", detail)
        if head.origin and not origin_allowed(key, head.origin.decode("latin-1")):
            detail = "This page's origin may not use the write key; add it to the key's origins."
            return answers.error(403, "origin", detail)
        return key

    def _within_batch(self, read: Envelope | Refusal) -> Envelope | Refusal:
        most = self._door.limits.max_batch_events
        if isinstance(read, Refusal) or len(read.events) <= most:
            return read
        detail = f"The batch has {len(read.events)} events, at most {most} are taken; split it."
        return Refusal(413, "too_many_events", detail)

    def _origin(self, key: WriteKey, head: Head) -> Origin:
        ip = mask_ip(head.ip) if self._line.pipeline.rules.mask_ip else head.ip
        return Origin(key.source, key.server, head.user_agent, ip, head.page)

    async def _keep(self, taken: "Taken") -> Answer:
        """Make what was taken durable, then hand out its answer."""
        if not taken.rows:
            return taken.answer
        counts = {f"{taken.source}|{minute(taken.rows[0].arrival)}": taken.received}
        try:
            await self._line.spool.append(taken.rows, counts)
        except (SpoolFull, SyncFailed) as error:
            return answers.error(503, "spool", str(error), _RETRY_AFTER_S)
        self._count(taken)
        return taken.answer

    def _count(self, taken: "Taken") -> None:
        metrics = self._line.metrics
        metrics.count(taken.source, "accepted", taken.received - taken.rejected)
        if taken.rejected:
            metrics.count(taken.source, "rejected", taken.rejected)


class Taken(NamedTuple):
    """What becomes of a request: `answer` holds once `rows` are durable.

    `received` counts its events on their own, apart from the rows that they became.
    """

    answer: Answer
    rows: Sequence[Row] = ()
    source: str = ""
    received: int = 0
    rejected: int = 0
