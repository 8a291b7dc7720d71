"""A load: some sealed segments whose extent and tokens are fixed on disk before any insert.

Whatever crashes when, the same rows are inserted again under the same tokens.
"""

from pathlib import Path

import msgspec

from funnelhouse.ingest.log.disk import Disk


class Part(msgspec.Struct, frozen=True):
    """Rows from `start` up to `end` of the load's accepted rows, inserted under one token."""

    start: int
    end: int


class Refused(msgspec.Struct, frozen=True):
    """One accepted row that the warehouse refuses, with its error."""

    row: int
    error: str


class LoadManifest(msgspec.Struct):
    """The segments of one load by name, and how its accepted rows are cut.

    `parts` is empty until the warehouse refuses a row; then the parts take the place of the whole.
    """

    name: str
    segments: list[str]
    parts: list[Part] = []
    refused: list[Refused] = []

    def cut(self, rows: int) -> list[Part]:
        """Return the parts in which `rows` accepted rows are inserted."""
        return self.parts or [Part(0, rows)]

    def split(self, part: Part, rows: int, error: str) -> None:
        """Halve a refused part; one row that is refused alone is set aside with its error."""
        parts = [kept for kept in self.cut(rows) if kept != part]
        if part.end - part.start == 1:
            self.refused.append(Refused(part.start, error))
        else:
            middle = (part.start + part.end) // 2
            parts += [Part(part.start, middle), Part(middle, part.end)]
        self.parts = sorted(parts, key=lambda kept: kept.start) or [Part(0, 0)]

    def token(self, table: str, part: Part | None = None) -> str:
        """Return the deduplication token of one insert of this load."""
        extent = f"-{part.start}-{part.end}" if part else ""
        return f"{self.name}-{table}{extent}"


def plan(segments: list[Path], max_bytes: int) -> LoadManifest:
    """Gather the oldest segments into a load of at most `max_bytes`, or a single larger one."""
    size = 0
    names: list[str] = []
    for path in segments:
        size += path.stat().st_size
        if names and size > max_bytes:
            break
        names.append(path.name)
    return LoadManifest(f"{Path(names[0]).stem}+{len(names)}", names)


class ManifestFolder:
    """The folder that keeps loads under way; a load is either wanted (`.json`) or `.done`."""

    def __init__(self, spool: Path, disk: Disk) -> None:
        self._spool = spool
        self._folder = spool / "loads"
        self._disk = disk
        disk.make_folder(self._folder)

    def under_way(self) -> list[LoadManifest]:
        """Return the loads that a crash may have left, oldest first, after tidying done ones."""
        for path in self._named(".done"):
            self._remove(path, self._read(path))
        return [self._read(path) for path in self._named(".json")]

    def fix(self, load: LoadManifest) -> None:
        """Write a load down so that it survives power loss; call before each insert it changes."""
        fresh = self._folder / f"{load.name}.fresh"
        self._disk.unlink(fresh)
        handle = self._disk.create(fresh)
        try:
            self._disk.write(handle, msgspec.json.encode(load), 0)
            self._disk.sync(handle)
        finally:
            self._disk.close(handle)
        self._disk.rename(fresh, self._folder / f"{load.name}.json")
        self._disk.sync_folder(self._folder)

    def finish(self, load: LoadManifest) -> None:
        """Mark a load as inserted, then let its segments go."""
        done = self._folder / f"{load.name}.done"
        self._disk.rename(self._folder / f"{load.name}.json", done)
        self._disk.sync_folder(self._folder)
        self._remove(done, load)

    def _remove(self, done: Path, load: LoadManifest) -> None:
        for name in load.segments:
            self._disk.unlink(self._spool / name)
        self._disk.sync_folder(self._spool)
        self._disk.unlink(done)
        self._disk.sync_folder(self._folder)

    def _named(self, ending: str) -> list[Path]:
        names = sorted(self._disk.list(self._folder))
        return [self._folder / name for name in names if name.endswith(ending)]

    def _read(self, path: Path) -> LoadManifest:
        return msgspec.json.decode(self._disk.read(path), type=LoadManifest)
