"""Writes one segment file: appends a frame and syncs it, seals the file under its last name."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from ingest.disk import Disk
from ingest.durability import SpoolFull, SyncFailed, certain, room
from ingest.segment import encode_batch, encode_footer, encode_opening, opened


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
            with room(self._path):
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
            with certain(self._path):
                yield
        except SyncFailed:
            self._broken = True
            raise
