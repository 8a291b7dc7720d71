"""Writes one segment file: appends a frame and syncs it, seals the file under its last name."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from funnelhouse.ingest.log.disk import Disk
from funnelhouse.ingest.log.durability import SpoolFull, SyncFailed, certain, room
from funnelhouse.ingest.log.segment import encode_batch, encode_footer, encode_opening, opened

_SMALL_FRAME_BYTES = 32 * 1024
_MOST_ZEROS_BYTES = 256 * 1024


class SegmentWriter:
    """Writes one segment; each method returns when its work is durable.

    Small frames are written over zeros that an earlier sync laid down: a sync that changes neither
    size nor blocks of a file needs no entry in the file system's journal, and so no other thread.
    Zeros behind the frames of an unsealed segment are a torn tail to whoever finds them.

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
        self._laid_to = 0
        segment_id = secrets.randbits(64)
        opening = encode_opening(schema, segment_id)
        self._extent = opened(segment_id, b"")
        with self._unbroken():
            with room(new):
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
        """Bytes of frames, written and synced."""
        return self._extent.bytes

    @property
    def size_on_disk(self) -> int:
        """Bytes of the file: frames, and zeros behind them."""
        return max(self.size, self._laid_to)

    def write(self, batch: pa.RecordBatch, metadata: bytes, *, compressed: bool = False) -> None:
        """Append a batch with its metadata (JSON) as one frame and sync it."""
        frame = encode_batch(batch, metadata, self._extent, compressed=compressed)
        with self._unbroken():
            self._append(frame, self._zeros_behind(len(frame)))
        self._extent = self._extent.after(len(frame), batch.num_rows)

    def seal(self) -> None:
        """Append the footer, give the file its sealed name, and let go of it."""
        with self._unbroken():
            self._disk.truncate(self._handle, self.size)
            self._append(encode_footer(self._extent))
            self._disk.rename(self._path, self._sealed_path)
            self._disk.sync_folder(self._folder)
            self._disk.close(self._handle)

    def leave(self) -> None:
        """Let go of the file as it is; a recovery seals it."""
        self._disk.close(self._handle)

    def _zeros_behind(self, length: int) -> bytes:
        """Return what to lay down behind a frame: as much as there is, so half is written twice."""
        end = self.size + length
        if length > _SMALL_FRAME_BYTES or end <= self._laid_to:
            return b""
        return bytes(min(self.size, _MOST_ZEROS_BYTES))

    def _append(self, data: bytes, zeros: bytes = b"") -> None:
        try:
            with room(self._path):
                self._disk.write(self._handle, data + zeros, self.size)
        except SpoolFull:
            self._disk.truncate(self._handle, self.size)
            self._laid_to = self.size
            raise
        self._disk.sync(self._handle)
        if zeros:
            self._laid_to = self.size + len(data) + len(zeros)

    @contextmanager
    def _unbroken(self) -> Iterator[None]:
        """Refuse everything after the first SyncFailed."""
        if self._broken:
            raise SyncFailed(f"{self._path.name} failed before; start the process again.")
        try:
            with certain(self._path):
                yield
        except SyncFailed:
            self._broken = True
            raise
