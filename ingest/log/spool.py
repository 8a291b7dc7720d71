"""The spool: rows become durable here before anybody is answered.

Owns a folder of segment files; each worker appends to one and seals it.

A name says how far a segment is: `.new` has no synced opening yet, `.open` is being written,
`.arrow` is sealed. The lock on a file tells whether its writer lives.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from funnelhouse.ingest.log.depth import Depth, measure
from funnelhouse.ingest.log.disk import LOCAL_DISK, Disk
from funnelhouse.ingest.log.durability import SpoolFull, SyncFailed
from funnelhouse.ingest.log.writer import SegmentWriter

Row = tuple[Any, ...]

_log = logging.getLogger(__name__)
_UNFIT = (ValueError, TypeError, ArithmeticError, pa.ArrowException)
_SCAN_INTERVAL_S = 1.0
# A loader this far behind gains nothing from small, young segments; then size alone seals.
_BACKLOG_SEGMENTS = 100


@dataclass(frozen=True, slots=True)
class SpoolConfig:
    """Where the spool lies, how much it may hold, and when it commits and seals.

    `reserve_bytes` of its disk stay free: a loader that could not write down its next load would
    never make room again.
    """

    folder: Path
    max_bytes: int
    reserve_bytes: int = 64 * 1024 * 1024
    segment_bytes: int = 64 * 1024 * 1024
    segment_age_ms: int = 500
    commit_interval_ms: float = 0.0
    commit_events: int = 10_000


Told = Callable[[Exception | None], None]
"""What is called once: with None when rows are durable, or with the fault that kept them out."""


class _Request(msgspec.Struct, frozen=True, gc=False):
    rows: Sequence[Row]
    received: Mapping[str, int]
    told: Told
    sent_bytes: int | None


class Spool:
    """Gathers the rows of many requests into one commit: one batch, one frame, one sync.

    One a worker process; `failed` is set when the process must stop. The loop is blocked while
    a commit is synced: requests gather in the sockets meanwhile and share the next commit.
    """

    def __init__(
        self,
        config: SpoolConfig,
        schema: pa.Schema,
        disk: Disk = LOCAL_DISK,
        *,
        worker: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.failed = asyncio.Event()
        self._config = config
        self._schema = schema
        self._types = list(schema.types)
        self._disk = disk
        self._worker = worker
        self._clock = clock
        self._segments_opened = 0
        self._writer: SegmentWriter | None = None
        self._waiting: list[_Request] = []
        self._waiting_rows = 0
        self._timer: asyncio.Handle | None = None
        disk.make_folder(config.folder)
        self._scan()

    def append(
        self,
        rows: Sequence[Row],
        received: Mapping[str, int],
        told: Told,
        sent_bytes: int | None = None,
    ) -> None:
        """Take rows (tuples in schema order); `told` is called when they are durable.

        Rows that take much more than what was sent for them, `sent_bytes`, are compressed.

        `received` counts the events of this request by "source|minute_epoch". What keeps rows out
        is told too, at once where that is known: SpoolFull, SyncFailed, or what Arrow raised for
        rows that do not fit the schema, which no other request feels.
        """
        if self.failed.is_set():
            told(SyncFailed("The spool failed before; start the process again."))
            return
        if self._bytes >= self._config.max_bytes:
            try:
                self._check_room(0)
            except SpoolFull as full:
                told(full)
                return
        self._waiting.append(_Request(rows, received, told, sent_bytes))
        self._waiting_rows += len(rows)
        if self._waiting_rows >= self._config.commit_events:
            self._commit()
        elif self._timer is None:
            self._timer = self._commit_soon()

    def _commit_soon(self) -> asyncio.Handle:
        loop = asyncio.get_running_loop()
        interval_s = self._config.commit_interval_ms / 1000
        if interval_s:
            return loop.call_later(interval_s, self._commit)
        return loop.call_soon(loop.call_soon, self._commit)

    async def close(self) -> None:
        """Commit what waits and seal the open segment, or leave it to a recovery if it cannot."""
        if self._waiting:
            self._commit()
        if self._writer is not None:
            self._seal(self._writer)
        if self._writer is not None:
            self._writer.leave()
            self._writer = None

    def depth(self) -> Depth:
        """Return what the folder held about a second ago, with this worker's writes since."""
        now = self._clock()
        if not 0 <= now - self._scanned_at < _SCAN_INTERVAL_S:
            # A scan that fails, say for want of file handles, leaves what was known.
            with suppress(OSError):
                self._scan()
        age_s = max(0.0, now - self._oldest_at) if self._segments else 0.0
        return Depth(self._bytes, self._segments, age_s, self._damaged)

    def _scan(self) -> None:
        self._scanned_at = self._clock()
        found = measure(self._config.folder, self._scanned_at, self._disk)
        self._bytes, self._segments, age_s, self._damaged = found
        self._oldest_at = self._scanned_at - age_s

    def _check_room(self, more_bytes: int) -> None:
        depth = self.depth()
        if depth.bytes + more_bytes >= self._config.max_bytes:
            raise SpoolFull(
                f"The spool holds {depth.bytes} of {self._config.max_bytes} bytes; "
                "resend later, or let the loader catch up."
            )

    def _check_disk(self, more_bytes: int) -> None:
        if self._disk.free(self._config.folder) - more_bytes < self._config.reserve_bytes:
            raise SpoolFull(
                "The spool's disk is full but for what loading needs; resend later, or make room."
            )

    def full(self) -> bool:
        """Say whether it takes nothing more for now."""
        try:
            self._check_room(0)
            self._check_disk(0)
        except SpoolFull:
            return True
        return False

    def _commit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        requests, self._waiting, self._waiting_rows = self._waiting, [], 0
        try:
            requests, batch = self._gather(requests)
            self._write(requests, batch)
        except Exception as error:  # noqa: BLE001 - whatever happened, nobody waits for ever
            if isinstance(error, SyncFailed):
                self.failed.set()
            _tell(requests, error)
        else:
            _tell(requests, None)
        if self._writer is not None and self._writer.size >= self._config.segment_bytes:
            self._seal(self._writer)

    def _write(self, requests: list[_Request], batch: pa.RecordBatch) -> None:
        if not requests:
            return
        received: dict[str, int] = {}
        for request in requests:
            for key, count in request.received.items():
                received[key] = received.get(key, 0) + count
        self._check_room(batch.get_total_buffer_size())
        self._check_disk(batch.get_total_buffer_size())
        writer = self._writer or self._open()
        before = writer.size_on_disk
        compressed = _is_much(batch, requests)
        writer.write(batch, orjson.dumps({"received": received}), compressed=compressed)
        self._bytes += writer.size_on_disk - before

    def _gather(self, requests: list[_Request]) -> tuple[list[_Request], pa.RecordBatch]:
        """Build one batch; requests whose rows do not fit the schema are told and left out."""
        try:
            return requests, self._batch(requests)
        except _UNFIT:
            faults = [self._fault(request) for request in requests]
        judged = list(zip(requests, faults, strict=True))
        fit = [request for request, fault in judged if fault is None]
        batch = self._batch(fit)
        for request, fault in judged:
            if fault is not None:
                _tell([request], fault)
        return fit, batch

    def _fault(self, request: _Request) -> Exception | None:
        try:
            self._batch([request])
        except _UNFIT as error:
            return error
        return None

    def _batch(self, requests: list[_Request]) -> pa.RecordBatch:
        rows = chain.from_iterable(request.rows for request in requests)
        columns = list(zip(*rows, strict=True)) or [()] * len(self._types)
        arrays = [_array(column, type_) for column, type_ in zip(columns, self._types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _open(self) -> SegmentWriter:
        self._segments_opened += 1
        name = f"{int(self._clock() * 1_000_000):016d}-{self._worker}-{self._segments_opened}"
        self._writer = SegmentWriter(self._config.folder, self._schema, self._disk, name)
        self._bytes += self._writer.size_on_disk
        self._segments += 1
        self._seal_later(self._writer)
        return self._writer

    def _seal_later(self, writer: SegmentWriter) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self._config.segment_age_ms / 1000, self._seal_aged, writer)

    def _seal_aged(self, writer: SegmentWriter) -> None:
        if writer is not self._writer or self.failed.is_set():
            return
        if self.depth().segments <= _BACKLOG_SEGMENTS:
            self._seal(writer)
        if self._writer is writer:
            self._seal_later(writer)

    def _seal(self, writer: SegmentWriter) -> None:
        try:
            writer.seal()
        except SpoolFull:
            return
        except SyncFailed:
            self.failed.set()
            return
        self._writer = None


def _is_much(batch: pa.RecordBatch, requests: Iterable[_Request]) -> bool:
    """Whether rows take far more than what was sent: they repeat it, and compress well."""
    size = batch.get_total_buffer_size()
    if size <= _SMALL_BATCH_BYTES:
        return False
    sent = sum(size if request.sent_bytes is None else request.sent_bytes for request in requests)
    return size > _MUCH * sent


_SMALL_BATCH_BYTES = 16_384
_MUCH = 2.5


def _array(column: Sequence[Any], type_: pa.DataType) -> "pa.Array[Any]":
    """Build a column; most say one thing over all of a commit, and are read in one go then."""
    if column and column.count(column[0]) == len(column):
        value: Any = pa.scalar(column[0], type_)
        same: pa.Array[Any] = pa.repeat(value, len(column))
        return same
    return pa.array(column, type_)


def _tell(requests: list[_Request], error: Exception | None) -> None:
    """Tell all requests of a commit, whatever becomes of one of them."""
    for request in requests:
        try:
            request.told(error)
        except Exception:  # noqa: BLE001 - the others of the commit are told all the same
            _log.exception("An answer could not be given.")
