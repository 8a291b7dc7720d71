"""The loader's side of the spool: finishes what dead workers left, lists what is sealed.

Damaged bytes are set aside here, never discarded.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from funnelhouse.ingest.log.disk import LOCAL_DISK, Disk
from funnelhouse.ingest.log.durability import SpoolFull, certain, room
from funnelhouse.ingest.log.segment import Span, encode_footer, read_segment


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
            with suppress(SpoolFull), certain(path):
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
        with room(path):
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
    folder = damaged_folder(path.parent)
    data = disk.read(path)
    with certain(path):
        with room(folder):
            disk.make_folder(folder)
        for span in spans:
            base = f"{path.stem}-{span.offset}"
            reason = {"segment": path.name, "offset": span.offset, "length": span.length}
            _keep(folder / f"{base}.bin", data[span.offset :][: span.length], disk)
            _keep(folder / f"{base}.json", orjson.dumps(reason | {"why": span.why}), disk)
        disk.sync_folder(folder)


def damaged_folder(folder: Path) -> Path:
    """Return the folder beside the segments in which damaged bytes are kept."""
    return folder / "damaged"


def _keep(path: Path, data: bytes, disk: Disk) -> None:
    """Write a file whole or not at all, replacing what an earlier attempt left."""
    attempt = path.with_name(f"{path.name}.new")
    disk.unlink(attempt)
    with room(path):
        handle = disk.create(attempt)
    try:
        with room(path):
            disk.write(handle, data, 0)
        disk.sync(handle)
    finally:
        disk.close(handle)
    disk.rename(attempt, path)
