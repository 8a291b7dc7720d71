"""Events that retention has dropped from the warehouse, read from archives for a rebuild."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa

from funnelhouse.archive.manifest import ArchiveError, Header, Manifest, read_manifest, verify_files
from funnelhouse.archive.pieces import pieces
from funnelhouse.sql.lost_events import LostEvents
from funnelhouse.sql.upgrade import shipped

_UNDER_WAY = timedelta(minutes=10)
"""Longer than any request is under way."""


def earlier_events(folders: Sequence[Path], lost: LostEvents) -> Callable[[], Iterator[pa.Table]]:
    """Find the events that are lost in archives; the result reads them, some at a time.

    Raises:
        ArchiveError: they do not hold them all, or one is damaged.
    """
    archives = [(folder, read_manifest(folder, shipped()[-1].name)) for folder in folders]
    if not _reach([manifest.header for _, manifest in archives], lost):
        raise ArchiveError(
            f"Some events dropped here, the last of {lost.last:%Y-%m-%d %H:%M} UTC, stand in no"
            " archive that FUNNELHOUSE_ARCHIVE names; add one that was taken after they came and"
            " before they were dropped, or leave funnels and experiments as they were."
        )
    needed = [(folder, _only_lost(manifest, lost)) for folder, manifest in archives]
    for folder, manifest in needed:
        verify_files(folder, manifest, lambda *_: None)
    return partial(_read, needed)


def _reach(headers: Sequence[Header], lost: LostEvents) -> bool:
    """Say whether archives follow each other without a gap, from the first event to the last lost.

    An archive has all events received from after `lost_until` to before `complete_until`, but for
    some that were received before that moment and not answered yet.
    """
    reached = None
    for header in sorted(headers, key=lambda header: header.complete_until):
        if header.lost_until is None or (reached is not None and header.lost_until < reached):
            reached = header.complete_until - _UNDER_WAY
    return reached is not None and reached > lost.last


def _only_lost(manifest: Manifest, lost: LostEvents) -> Manifest:
    files = [
        file
        for file in manifest.files
        if file.table == "events_raw" and (file.first_received_at or lost.last) <= lost.last
    ]
    return msgspec.structs.replace(manifest, files=files)


def _read(archives: Sequence[tuple[Path, Manifest]]) -> Iterator[pa.Table]:
    for folder, manifest in archives:
        for file in manifest.files:
            for piece in pieces(folder / file.path):
                yield pa.Table.from_batches([piece])
