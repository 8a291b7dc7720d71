"""The intake: a request's body becomes rows of its write key's source, and an answer.

The answer is handed out when the rows are durable, and no sooner.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from time import perf_counter

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer
from funnelhouse.ingest.collector.batch_limits import too_many_events, too_much_written
from funnelhouse.ingest.collector.encoding import inflate
from funnelhouse.ingest.collector.http import Head
from funnelhouse.ingest.collector.keys import WriteKey, key_in, origin_allowed
from funnelhouse.ingest.collector.offload import LIGHT_BYTES, Aside
from funnelhouse.ingest.collector.proxies import Proxies
from funnelhouse.ingest.collector.rates import Rates
from funnelhouse.ingest.log.durability import SpoolFull, SyncFailed
from funnelhouse.ingest.log.receipt import minute
from funnelhouse.ingest.log.spool import Spool
from funnelhouse.ingest.metrics import WorkerMetrics
from funnelhouse.ingest.validation.event import Envelope, Origin
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pipeline import Pipeline, ValidatedBatch
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.transforms.privacy import mask_ip

Reply = Callable[[Answer], None]
"""What is called with the answer of a request, at once or later."""

Reader = Callable[[bytes, Limits], Envelope | Refusal]
"""What reads a plain body within limits."""

_RETRY_AFTER_S = 5
_TOO_LARGE = 413
_FORBIDDEN = Refusal(
    403,
    "origin",
    "This page's origin may not use the write key; add it to the key's origins.",
)
_QUICK_TO_REDACT_BYTES = 4_096
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who may send how much: write keys by key, the limits, each key's rate, trusted proxies."""

    keys: Mapping[str, WriteKey]
    limits: Limits
    rates: Rates
    proxies: Proxies


@dataclass(frozen=True, slots=True)
class EventPath:
    """Where events go: judged by the pipeline, kept by the spool, counted by the metrics."""

    pipeline: Pipeline
    spool: Spool
    metrics: WorkerMetrics


class Receiver:
    """Takes what requests hold, whichever way they came."""

    def __init__(self, door: AccessPolicy, line: EventPath) -> None:
        self._door = door
        self._line = line
        self._aside = Aside(door.limits.max_waiting_bytes)

    @property
    def max_body_bytes(self) -> int:
        """The most of a body that is worth reading."""
        return self._door.limits.max_body_bytes

    def take_body(self, read: Reader, head: Head, body: bytes, reply: Reply) -> None:
        """Take a body by what reads it once it is plain; `reply` when what it holds is durable."""
        plain = self._plain(head.encoding, body)
        if isinstance(plain, Refusal):
            self.take(plain, head, body, reply)
        elif len(plain) <= LIGHT_BYTES:
            self.take(read(plain, self._door.limits), head, plain, reply)
        elif not self._aside.has_room(len(plain)):
            reply(_BUSY)
        else:
            self._aside.run(
                len(plain),
                partial(read, plain, self._door.limits),
                lambda envelope: self._take_read(envelope, head, plain, reply),
            )

    def _take_read(
        self, read: Envelope | Refusal | Exception, head: Head, text: bytes, reply: Reply
    ) -> None:
        """Take what was read aside; `reply` whatever happens."""
        if isinstance(read, Exception):
            reply(answers.FAULT)
            return
        try:
            self.take(read, head, text, reply)
        except Exception:  # noqa: BLE001 - whatever happened, nobody waits for ever
            _log.exception("A request could not be taken.")
            reply(answers.FAULT)

    def take(self, read: Envelope | Refusal, head: Head, text: bytes, reply: Reply) -> None:
        """Take what was read from `text`; `reply` when it is durable."""
        origin = self._origin(read, head, text)
        if isinstance(origin, Answer):
            reply(origin)
            return
        read = self._within_batch(read, text)
        if isinstance(read, Refusal) and read.status == _TOO_LARGE:
            reply(answers.error(*read[:3]))
            return
        if head.sender is not origin:  # only a sender who may send is noted in the head
            read = _FORBIDDEN
        events, size = _load(read, text)
        wait_s = self._door.rates.wait_s(origin.write_key, events, size)
        if wait_s > 0:
            detail = "The key sends faster than its rate allows; send again after Retry-After."
            reply(answers.error(429, "rate", detail, ceil(wait_s)))
            return
        self._line.metrics.count(origin.source, "received", events)
        if size <= LIGHT_BYTES and not self._is_dear(text):
            self._keep(self._admit(read, text, origin), events, len(text), reply)
        else:
            admit = partial(self._admit, read, text, origin)
            self._aside.run(size, admit, lambda made: self._keep(made, events, len(text), reply))

    def _is_dear(self, text: bytes) -> bool:
        """Whether redacting a body may take long: 1 KiB full of addresses takes some 20 ms."""
        redaction = self._line.pipeline.rules.redaction
        return len(text) > _QUICK_TO_REDACT_BYTES and redaction.may_hold((text,))

    def answered(self, answer: Answer, started: float) -> None:
        """Count an answer to a request that came at `started`, by the clock of `perf_counter`."""
        self._line.metrics.answered(answer.status, perf_counter() - started)

    def _plain(self, encoding: str, body: bytes) -> bytes | Refusal:
        """Return a body without its coding."""
        limits = self._door.limits
        if len(body) > limits.max_body_bytes:
            detail = f"The body is larger than {limits.max_body_bytes} bytes; send smaller batches."
            return Refusal(413, "too_large", detail)
        return inflate(body, encoding, limits.max_inflated_bytes)

    def _admit(
        self, read: Envelope | Refusal, text: bytes, origin: Origin
    ) -> tuple[Answer, ValidatedBatch]:
        """Admit what was read, or what could not be read; the answer holds once it is durable."""
        pipeline = self._line.pipeline
        if isinstance(read, Refusal):
            return answers.error(*read[:3]), pipeline.refuse(read, text, origin)
        admission = pipeline.admit(read, origin)
        if len(admission.rows) > 1:
            written = sum([len(row.payload) for row in admission.rows])
            refusal = too_much_written(written, len(text) + read.added_bytes)
            if refusal is not None:
                return answers.error(*refusal[:3]), ValidatedBatch([], {}, 0)
        results = admission.results
        return answers.success_with(results) if results else answers.SUCCESS, admission

    def _origin(self, read: Envelope | Refusal, head: Head, text: bytes) -> Origin | Answer:
        """Say who sends, by the key and the head of a request, or why nobody of ours does."""
        if isinstance(read, Refusal):
            sent_key = read.key or head.key or key_in(text)
        else:
            sent_key = read.write_key or head.key
        if head.sender is not None and head.sender.write_key == sent_key:
            return head.sender
        key = self._door.keys.get(sent_key)
        if key is None:
            if isinstance(read, Refusal) and not sent_key:
                return answers.error(*read[:3])
            detail = "No such write key; send the one of your source, as writeKey or Basic user."
            return answers.error(401, "unknown_key", detail)
        ip = self._door.proxies.visitor(head.ip, head.forwarded_for)
        shown = mask_ip(ip) if self._line.pipeline.rules.mask_ip else ip
        told = (head.user_agent, shown, head.page, key.key, head.run)
        sent = Origin(key.source, key.server, *told)
        origin = self._line.pipeline.rules.redaction.origin(sent)
        if origin != sent:
            self._line.metrics.redacted(key.source, "header", 1)
        if not head.origin or origin_allowed(key, head.origin.decode("latin-1")):
            head.sender = origin
        return origin

    def _within_batch(self, read: Envelope | Refusal, text: bytes) -> Envelope | Refusal:
        if isinstance(read, Refusal):
            return read
        return too_many_events(len(read.events), len(text), self._door.limits) or read

    def _keep(
        self,
        admitted: tuple[Answer, ValidatedBatch] | Exception,
        events: int,
        size: int,
        reply: Reply,
    ) -> None:
        """Reply when the rows are durable; `events` counts on its own what they came of."""
        if isinstance(admitted, Exception):
            reply(answers.FAULT)
            return
        answer, admission = admitted
        metrics = self._line.metrics
        for kind, count in admission.redactions.items():
            metrics.redacted(admission.rows[0].source, kind, count)
        rows, rejected = admission.rows, admission.rejected
        if not rows:
            reply(answer)
            return
        source = rows[0].source

        def told(error: Exception | None) -> None:
            if error is not None:
                reply(_not_kept(error))
                return
            metrics.count(source, "accepted", len(rows) - rejected)
            if rejected:
                metrics.count(source, "rejected", rejected)
            reply(answer)

        self._line.spool.append(rows, {f"{source}|{minute(rows[0].arrival)}": events}, told, size)


_BUSY = answers.error(503, "busy", "Too many large requests wait; send it again later.", 1)


def _load(read: Envelope | Refusal, text: bytes) -> tuple[int, int]:
    """Count what a request weighs against its key's rates: events, and bytes once inflated."""
    if isinstance(read, Refusal):
        return 1, len(text)
    return len(read.events), len(text) + read.added_bytes


def _not_kept(error: BaseException) -> Answer:
    if isinstance(error, (SpoolFull, SyncFailed)):
        return answers.error(503, "spool", str(error), _RETRY_AFTER_S)
    _log.error("Rows could not be kept.", exc_info=error)
    return answers.FAULT
