"""The spool: rows become durable here before anybody is answered.

Owns a folder of segment files. Each worker appends to one and seals it (`Spool`,
`SegmentWriter`); the loader's side finishes those of dead workers and reads the sealed ones.

A name says how far a segment is: `.new` has no synced opening yet, `.open` is being written,
`.arrow` is sealed. The lock on a file tells whether its writer lives.
"""

import asyncio
import errno
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from ingest.disk import LOCAL_DISK, Disk
from ingest.segment import (
    Span,
    encode_batch,
    encode_footer,
    encode_opening,
    opened,
    read_segment,
)

Row = tuple[Any, ...]

# Want of room that may end: on the disk, in the process's file size, of file handles.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE}
_SEGMENT_NAME = re.compile(r"(\d+)-.+\.(?:open|arrow)")
_SCAN_INTERVAL_S = 1.0
# A loader this far behind gains nothing from small, young segments; then size alone seals.
_BACKLOG_SEGMENTS = 100


class SpoolFull(Exception):  # noqa: N818 - a state of the spool, not an error of the program
    """Nothing was taken for want of room; the same rows may be sent again later."""


class SyncFailed(Exception):  # noqa: N818 - reads as what happened
    """What is on the disk is unknown; the process must stop, and a new one must recover.

    After a failed fsync the kernel may take the lost pages for written, so that a second fsync
    proves nothing (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC
    2020).
    """


@dataclass(frozen=True, slots=True)
class SpoolConfig:
    """Where the spool lies, how much it may hold, and when it commits and seals."""

    folder: Path
    max_bytes: int
    segment_bytes: int = 64 * 1024 * 1024
    segment_age_ms: int = 500
    commit_interval_ms: float = 0.0
    commit_events: int = 10_000


class Depth(NamedTuple):
    """What the folder holds, of all workers: bytes of all files, segments, age of the oldest."""

    bytes: int
    segments: int
    oldest_age_s: float


class SegmentWriter:
    """Writes one segment; each method returns when its work is durable.

    Raises SpoolFull with the segment as it was and usable, or SyncFailed, after which every call
    raises SyncFailed.
    """

    def __init__(self, folder: Path, schema: pa.Schema, disk: Disk, name: str) -> None:
        new = folder / f"{name}.new"
        self._folder = folder
        self._disk = disk
        self._path = folder / f"{name}.open"
        self._sealed_path = folder / f"{name}.arrow"
        self._broken = False
        segment_id = secrets.randbits(64)
        opening = encode_opening(schema, segment_id)
        self._extent = opened(segment_id, b"")
        with self._unbroken():
            with _room(new):
                self._handle = disk.create(new)
            try:
                self._append(opening)
            except SpoolFull:
                disk.close(self._handle)
                disk.unlink(new)
                raise
            disk.rename(new, self._path)
            disk.sync_folder(folder)
        self._extent = opened(segment_id, opening)

    @property
    def size(self) -> int:
        """Bytes written and synced."""
        return self._extent.bytes

    def write(self, batch: pa.RecordBatch, metadata: bytes) -> None:
        """Append a batch with its metadata (JSON) as one frame and sync it."""
        frame = encode_batch(batch, metadata, self._extent)
        with self._unbroken():
            self._append(frame)
        self._extent = self._extent.after(len(frame), batch.num_rows)

    def seal(self) -> None:
        """Append the footer, give the file its sealed name, and let go of it."""
        with self._unbroken():
            self._append(encode_footer(self._extent))
            self._disk.rename(self._path, self._sealed_path)
            self._disk.sync_folder(self._folder)
            self._disk.close(self._handle)

    def leave(self) -> None:
        """Let go of the file as it is; a recovery seals it."""
        self._disk.close(self._handle)

    def _append(self, data: bytes) -> None:
        try:
            with _room(self._path):
                self._disk.write(self._handle, data, self.size)
        except SpoolFull:
            self._disk.truncate(self._handle, self.size)
            raise
        self._disk.sync(self._handle)

    @contextmanager
    def _unbroken(self) -> Iterator[None]:
        """Refuse everything after the first SyncFailed."""
        if self._broken:
            raise SyncFailed(f"{self._path.name} failed before; start the process again.")
        try:
            with _certain(self._path):
                yield
        except SyncFailed:
            self._broken = True
            raise


@contextmanager
def _room(path: Path) -> Iterator[None]:
    """Raise SpoolFull for want of room before anything was synced, any other fault as it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise SpoolFull(
            f"No room to write {path.name}: {error.strerror}; free some, then resend."
        ) from error


@contextmanager
def _certain(path: Path) -> Iterator[None]:
    """Raise SyncFailed for every fault, a disk that is full only when it syncs included."""
    try:
        yield
    except OSError as error:
        raise SyncFailed(
            f"Writing {path.name} failed: {error.strerror}; check the disk, then start again."
        ) from error


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
                else loop.call_soon(self._commit)
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
        return Depth(self._bytes, self._segments, age_s)

    def _scan(self) -> None:
        sizes = self._disk.list(self._config.folder)
        damaged = self._disk.list(_damaged_folder(self._config.folder))
        names = [match for name in sizes if (match := _SEGMENT_NAME.fullmatch(name))]
        self._scanned_at = self._clock()
        self._bytes = sum(sizes.values()) + sum(damaged.values())
        self._segments = len(names)
        self._oldest_at = min((int(name[1]) / 1_000_000 for name in names), default=self._clock())

    def _check_room(self, more_bytes: int) -> None:
        depth = self.depth()
        if depth.bytes + more_bytes >= self._config.max_bytes:
            raise SpoolFull(
                f"The spool holds {depth.bytes} of {self._config.max_bytes} bytes; "
                "resend later, or let the loader catch up."
            )

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
        received: Counter[str] = Counter()
        for request in requests:
            received.update(request.received)
        self._check_room(batch.nbytes)
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
        arrays = [
            pa.array(column, type_) for column, type_ in zip(columns, self._types, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _open(self) -> SegmentWriter:
        self._segments_opened += 1
        name = f"{int(self._clock() * 1_000_000):016d}-{self._worker}-{self._segments_opened}"
        self._writer = SegmentWriter(self._config.folder, self._schema, self._disk, name)
        self._bytes += self._writer.size
        if not self._segments:
            self._oldest_at = self._clock()
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


def _answer(requests: list[_Request], error: Exception | None) -> None:
    """Resolve the requests that still wait."""
    for request in requests:
        if request.answer.done():
            continue
        if error is None:
            request.answer.set_result(None)
        else:
            request.answer.set_exception(error)


def recover(folder: Path, disk: Disk = LOCAL_DISK) -> None:
    """Seal each segment whose writer is dead, and remove those that never got their opening.

    A torn tail is cut off; damage stays for the reader to name. What finds no room for its footer
    is left for a later call. Harmless beside live writers and other recoveries. Raises SyncFailed.
    """
    for name in sorted(disk.list(folder)):
        path = folder / name
        if path.suffix not in {".new", ".open"}:
            continue
        handle = disk.lock(path)
        if handle is None:
            continue
        try:
            with suppress(SpoolFull), _certain(path):
                if path.suffix == ".new":
                    disk.unlink(path)
                else:
                    _seal_orphan(path, handle, disk)
        finally:
            disk.close(handle)


def _seal_orphan(path: Path, handle: int, disk: Disk) -> None:
    segment = read_segment(disk.read(path), still_open=True)
    disk.truncate(handle, segment.extent.bytes)
    # As its writer would: nothing is appended behind a frame that may not be on the disk yet.
    disk.sync(handle)
    if not segment.sealed:
        with _room(path):
            disk.write(handle, encode_footer(segment.extent), segment.extent.bytes)
        disk.sync(handle)
    disk.rename(path, path.with_suffix(".arrow"))
    disk.sync_folder(path.parent)


def sealed(folder: Path, disk: Disk = LOCAL_DISK) -> list[Path]:
    """Return the sealed segments, the oldest first."""
    return [folder / name for name in sorted(disk.list(folder)) if name.endswith(".arrow")]


def quarantine(path: Path, spans: Sequence[Span], disk: Disk = LOCAL_DISK) -> None:
    """Copy damaged spans of a segment to the folder `damaged` beside it, each with its reason.

    They are durable on return, so that the segment may go; again changes nothing. Raises SpoolFull
    or SyncFailed.
    """
    folder = _damaged_folder(path.parent)
    data = disk.read(path)
    with _certain(path):
        with _room(folder):
            disk.make_folder(folder)
        for span in spans:
            base = f"{path.stem}-{span.offset}"
            reason = {"segment": path.name, "offset": span.offset, "length": span.length}
            _keep(folder / f"{base}.bin", data[span.offset :][: span.length], disk)
            _keep(folder / f"{base}.json", orjson.dumps(reason | {"why": span.why}), disk)
        disk.sync_folder(folder)


def _damaged_folder(folder: Path) -> Path:
    return folder / "damaged"


def _keep(path: Path, data: bytes, disk: Disk) -> None:
    """Write a file whole or not at all, replacing what an earlier attempt left."""
    attempt = path.with_name(f"{path.name}.new")
    disk.unlink(attempt)
    with _room(path):
        handle = disk.create(attempt)
    try:
        with _room(path):
            disk.write(handle, data, 0)
        disk.sync(handle)
    finally:
        disk.close(handle)
    disk.rename(attempt, path)
