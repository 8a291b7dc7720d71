"""The spool: rows become durable here before anybody is answered.

Owns a folder of segment files; each worker appends to one and seals it.

A name says how far a segment is: `.new` has no synced opening yet, `.open` is being written,
`.arrow` is sealed. The lock on a file tells whether its writer lives.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from ingest.depth import Depth, measure
from ingest.disk import LOCAL_DISK, Disk
from ingest.durability import SpoolFull, SyncFailed
from ingest.writer import SegmentWriter

Row = tuple[Any, ...]

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


class _Request(NamedTuple):
    rows: Sequence[Row]
    received: Mapping[str, int]
    answer: asyncio.Future[None]


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

    def append(self, rows: Sequence[Row], received: Mapping[str, int]) -> asyncio.Future[None]:
        """Take rows (tuples in schema order); the future is done when they are durable.

        `received` counts the events of this request by "source|minute_epoch". Raises SpoolFull
        or SyncFailed at once, or the future does; it raises what Arrow raised for rows that do
        not fit the schema, which no other request feels.
        """
        if self.failed.is_set():
            raise SyncFailed("The spool failed before; start the process again.")
        if self._bytes >= self._config.max_bytes:
            self._check_room(0)
        loop = asyncio.get_running_loop()
        request = _Request(rows, received, loop.create_future())
        self._waiting.append(request)
        self._waiting_rows += len(rows)
        if self._waiting_rows >= self._config.commit_events:
            self._commit()
        elif self._timer is None:
            interval_s = self._config.commit_interval_ms / 1000
            self._timer = (
                loop.call_later(interval_s, self._commit)
                if interval_s
                else loop.call_soon(loop.call_soon, self._commit)
            )
        return request.answer

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
            self._write(requests)
        except Exception as error:  # noqa: BLE001 - whatever happened, nobody waits for ever
            if isinstance(error, SyncFailed):
                self.failed.set()
            _answer(requests, error)
        else:
            _answer(requests, None)
        if self._writer is not None and self._writer.size >= self._config.segment_bytes:
            self._seal(self._writer)

    def _write(self, requests: list[_Request]) -> None:
        requests, batch = self._gather(requests)
        if not requests:
            return
        received: dict[str, int] = {}
        for request in requests:
            for key, count in request.received.items():
                received[key] = received.get(key, 0) + count
        self._check_room(batch.get_total_buffer_size())
        self._check_disk(batch.get_total_buffer_size())
        writer = self._writer or self._open()
        before = writer.size
        writer.write(batch, orjson.dumps({"received": received}))
        self._bytes += writer.size - before

    def _gather(self, requests: list[_Request]) -> tuple[list[_Request], pa.RecordBatch]:
        """Build one batch; requests whose rows do not fit the schema are answered and left out."""
        try:
            return requests, self._batch(requests)
        except (ValueError, TypeError, ArithmeticError, pa.ArrowException):
            fit = [request for request in requests if self._fits(request)]
            return fit, self._batch(fit)

    def _fits(self, request: _Request) -> bool:
        try:
            self._batch([request])
        except (ValueError, TypeError, ArithmeticError, pa.ArrowException) as error:
            _answer([request], error)
            return False
        return True

    def _batch(self, requests: list[_Request]) -> pa.RecordBatch:
        rows = chain.from_iterable(request.rows for request in requests)
        columns = list(zip(*rows, strict=True)) or [()] * len(self._types)
        arrays = [_array(column, type_) for column, type_ in zip(columns, self._types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _open(self) -> SegmentWriter:
        self._segments_opened += 1
        name = f"{int(self._clock() * 1_000_000):016d}-{self._worker}-{self._segments_opened}"
        self._writer = SegmentWriter(self._config.folder, self._schema, self._disk, name)
        self._bytes += self._writer.size
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


def _array(column: Sequence[Any], type_: pa.DataType) -> "pa.Array[Any]":
    """Build a column; most say one thing over all of a commit, and are read in one go then."""
    if column and column.count(column[0]) == len(column):
        value: Any = pa.scalar(column[0], type_)
        same: pa.Array[Any] = pa.repeat(value, len(column))
        return same
    return pa.array(column, type_)


def _answer(requests: list[_Request], error: Exception | None) -> None:
    """Resolve the requests that still wait."""
    for request in requests:
        if request.answer.done():
            continue
        if error is None:
            request.answer.set_result(None)
        else:
            request.answer.set_exception(error)
