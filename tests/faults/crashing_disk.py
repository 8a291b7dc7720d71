"""A disk in memory that forgets or reorders, at a crash, whatever was not synced.

Hands on `CrashingDisk`. The model is that of Pillai et al., "All File Systems Are Not Created
Equal" (OSDI 2014): between two syncs of a file any subset of what was written may survive, in
pieces, with any of the sizes it had; between two syncs of a folder any subset of its names.
"""

import errno
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random


class Crashed(BaseException):
    """The machine is off: raised by the fatal operation and by every one after it."""


@dataclass(eq=False)
class _File:
    durable: bytes = b""
    live: bytearray = field(default_factory=bytearray)
    # Since the last sync: (offset, data) of a write, (size, None) of a truncation.
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)


@dataclass(frozen=True)
class _NameChange:
    """A file that lost one name, gained another, or both in one step."""

    file: _File
    source: Path | None
    target: Path | None

    def apply(self, names: dict[Path, _File]) -> None:
        if self.source is not None and names.get(self.source) is self.file:
            del names[self.source]
        if self.target is not None:
            names[self.target] = self.file


class CrashingDisk:
    """Counts the operations that change something, and dies after a given one.

    `refuse_write` names the write, counted from 1, that finds the disk full half way through.
    """

    def __init__(self, crash_after: int = 0, refuse_write: int = 0) -> None:
        self.crash_after = crash_after
        self.refuse_write = refuse_write
        self.operations = 0
        self.writes = 0
        self.dead = False
        self._names: dict[Path, _File] = {}
        self._durable_names: dict[Path, _File] = {}
        self._name_changes: list[_NameChange] = []
        self._handles: list[_File | None] = []

    def power_lost(self, random: Random) -> "CrashingDisk":
        """Return the disk as one of the many states in which a loss of power may leave it."""
        names = dict(self._durable_names)
        chance = random.choice((0.0, 0.5, 1.0))
        for change in self._name_changes:
            if random.random() < chance:
                change.apply(names)
        after = CrashingDisk()
        for path, file in names.items():
            content = _survivor(file, random)
            after._names[path] = _File(content, bytearray(content))
        after._durable_names = dict(after._names)
        return after

    def killed(self) -> "CrashingDisk":
        """Return the disk as another process sees it: all that was written, no lock held."""
        after = CrashingDisk()
        after._names = self._names
        after._durable_names = self._durable_names
        after._name_changes = self._name_changes
        return after

    def make_folder(self, folder: Path) -> None:
        """Folders are there as soon as they are asked for: the contract says durably."""

    def list(self, folder: Path) -> dict[str, int]:
        """Name and size of each file of a folder."""
        self._check_power()
        return {p.name: len(f.live) for p, f in self._names.items() if p.parent == folder}

    def free(self, folder: Path) -> int:  # noqa: ARG002 - the protocol's name
        """Have room without end; `refuse_write` says when there is none."""
        return 1 << 60

    def create(self, path: Path) -> int:
        """Create and lock a file whose name is not durable yet."""
        self._check_power()
        if path in self._names:
            raise FileExistsError(errno.EEXIST, "File exists", str(path))
        file = _File()
        self._change_name(_NameChange(file, None, path))
        return self._handle(file)

    def lock(self, path: Path) -> int | None:
        """Lock a file that no open handle holds."""
        self._check_power()
        file = self._names.get(path)
        return None if file is None or file in self._handles else self._handle(file)

    def close(self, handle: int) -> None:
        """Free the lock; nothing is synced."""
        self._handles[handle] = None

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write, or write half and find the disk full."""
        self.writes += 1
        refused = self.writes == self.refuse_write
        part = data[: len(data) // 2] if refused else data
        file = self._file(handle)
        _write(file.live, offset, part)
        file.pending.append((offset, part))
        self._step()
        if refused:
            raise OSError(errno.ENOSPC, "No space left on device")

    def truncate(self, handle: int, size: int) -> None:
        """Cut the file, which a crash may undo."""
        file = self._file(handle)
        del file.live[size:]
        file.pending.append((size, None))
        self._step()

    def sync(self, handle: int) -> None:
        """Make the bytes and the size durable, but no name."""
        file = self._file(handle)
        file.durable = bytes(file.live)
        file.pending.clear()
        self._step()

    def sync_folder(self, folder: Path) -> None:
        """Make the names of a folder durable, but no bytes."""
        self._check_power()
        later = []
        for change in self._name_changes:
            if folder in {path.parent for path in (change.source, change.target) if path}:
                change.apply(self._durable_names)
            else:
                later.append(change)
        self._name_changes = later
        self._step()

    def read(self, path: Path) -> bytes:
        """Read what was written, durable or not."""
        self._check_power()
        return bytes(self._names[path].live)

    def rename(self, source: Path, target: Path) -> None:
        """Rename, which a crash may undo."""
        self._check_power()
        self._change_name(_NameChange(self._names[source], source, target))

    def unlink(self, path: Path) -> None:
        """Remove a name, which a crash may undo."""
        self._check_power()
        if path in self._names:
            self._change_name(_NameChange(self._names[path], path, None))

    def corrupt(self, path: Path, offset: int) -> None:
        """Turn one byte of a file over, on the medium itself."""
        file = self._names[path]
        file.live[offset] ^= 0xFF
        file.durable = bytes(file.live)

    def _change_name(self, change: _NameChange) -> None:
        change.apply(self._names)
        self._name_changes.append(change)
        self._step()

    def _handle(self, file: _File) -> int:
        self._handles.append(file)
        return len(self._handles) - 1

    def _file(self, handle: int) -> _File:
        self._check_power()
        file = self._handles[handle]
        if file is None:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return file

    def _check_power(self) -> None:
        if self.dead:
            raise Crashed

    def _step(self) -> None:
        self.operations += 1
        if self.operations == self.crash_after:
            self.dead = True
            raise Crashed


def _survivor(file: _File, random: Random) -> bytes:
    """Return durable bytes, with a subset of the pending changes, cut or filled to some size."""
    content = bytearray(file.durable)
    chance = random.choice((0.0, 0.5, 0.9, 1.0))
    # Disks keep 512-byte sectors whole; smaller pieces are harder on the format.
    piece = random.choice((512, 512, 64, 8))
    sizes = {len(content)}
    size = len(content)
    for offset, data in file.pending:
        if data is None:
            size = offset
            if random.random() < chance:
                del content[offset:]
        else:
            size = max(size, offset + len(data))
            for start, part in _pieces(offset, data, piece):
                if random.random() < chance:
                    _write(content, start, part)
        sizes.add(size)
    wanted = random.choice([*sorted(sizes), len(content), random.randint(min(sizes), max(sizes))])
    return bytes(content[:wanted].ljust(wanted, b"\0"))


def _pieces(offset: int, data: bytes, piece: int) -> list[tuple[int, bytes]]:
    """Cut a write at the boundaries of pieces of the disk."""
    end = offset + len(data)
    cuts = [offset, *range(offset - offset % piece + piece, end, piece), end]
    return [(start, data[start - offset : stop - offset]) for start, stop in pairwise(cuts)]


def _write(content: bytearray, offset: int, data: bytes) -> None:
    content.extend(b"\0" * (offset - len(content)))
    content[offset : offset + len(data)] = data
