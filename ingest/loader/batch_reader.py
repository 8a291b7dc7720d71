"""The preparation: the segments of a load become the tables that are inserted of it.

Damaged bytes are set aside here, before their segment may go.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from funnelhouse.ingest.loader.inserter import DataError, Inserter
from funnelhouse.ingest.loader.manifest import LoadManifest
from funnelhouse.ingest.loader.tables import Rows, event_table, received_table, rows_of
from funnelhouse.ingest.log.disk import Disk
from funnelhouse.ingest.log.recovery import quarantine
from funnelhouse.ingest.log.segment import Frame, Segment, read_segment
from funnelhouse.sql.runs import Run, registered

log = logging.getLogger(__name__)

_MAX_ERROR = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LoadBatch:
    """A load with its rows read, and the table of all its events, or why there is none."""

    load: LoadManifest
    rows: Rows
    events: pa.Table | DataError


class BatchReader:
    """Reads segments of the folder `spool`; `asking` asks the warehouse for test runs."""

    def __init__(self, spool: Path, disk: Disk, asking: Inserter) -> None:
        self._spool = spool
        self._disk = disk
        self._asking = asking

    def prepare(self, load: LoadManifest) -> LoadBatch:
        """Read the rows of a load, and derive the columns of its events."""
        paths = [self._spool / name for name in load.segments]
        frames = (frame for path in paths for frame in self._frames(path))
        rows = rows_of(frames, self._registered)
        return LoadBatch(load, rows, derived_from(rows.accepted))

    def received(self, paths: Sequence[Path]) -> pa.Table:
        """Say what segments were received with, by source and minute."""
        return received_table((path, self._read(path).frames) for path in paths)

    def _registered(self, names: Collection[str]) -> Mapping[str, tuple[int, int]]:
        found: dict[str, Run] = {}
        self._asking.run(lambda client: found.update(registered(client, names)))
        return {
            name: (_microseconds(run.starts_at), _microseconds(run.ends_at))
            for name, run in found.items()
        }

    def _frames(self, path: Path) -> list[Frame]:
        segment = self._read(path)
        if segment.damaged:
            quarantine(path, segment.damaged, self._disk)
            why = [span.why for span in segment.damaged]
            log.error("segment damaged, bytes set aside", extra={"segment": path.name, "why": why})
        return segment.frames

    def _read(self, path: Path) -> Segment:
        return read_segment(self._disk.read(path))


def derived_from(accepted: pa.Table) -> pa.Table | DataError:
    """Derive the columns of accepted rows; one that nobody foresaw must not stop the others."""
    try:
        return event_table(accepted)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, that row is set aside with it
        return DataError(f"Its columns cannot be derived: {error}"[:_MAX_ERROR])


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)
