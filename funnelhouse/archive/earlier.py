"""Events that retention has dropped from the warehouse, read from an archive for a rebuild."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa

from funnelhouse.archive.manifest import ArchiveError, Manifest, read_manifest, verify_files
from funnelhouse.archive.pieces import pieces
from sql.lost import Lost
from sql.upgrade import shipped


def earlier_events(folder: Path, lost: Lost) -> Callable[[], Iterator[pa.Table]]:
    """Find the events that are lost in an archive; the result reads them, some at a time.

    Raises:
        ArchiveError: it does not hold them all, or is damaged.
    """
    manifest = read_manifest(folder, shipped()[-1].name)
    header = manifest.header
    if not header.whole or header.complete_until <= lost.last:
        raise ArchiveError(
            f"The archive in {folder} does not hold every event that is dropped here, the last of"
            f" {lost.last:%Y-%m-%d %H:%M} UTC; name one in FUNNELHOUSE_ARCHIVE that was taken after"
            " that and before any was dropped, or leave funnels and experiments as they were."
        )
    files = [
        file
        for file in manifest.files
        if file.table == "events_raw" and (file.first_received_at or lost.last) <= lost.last
    ]
    needed = msgspec.structs.replace(manifest, files=files)
    verify_files(folder, needed, lambda *_: None)
    return partial(_read, folder, needed)


def _read(folder: Path, manifest: Manifest) -> Iterator[pa.Table]:
    for file in manifest.files:
        for piece in pieces(folder / file.path):
            yield pa.Table.from_batches([piece])
