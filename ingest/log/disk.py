"""The file operations that the spool rests on: the seam at which a test puts a forgetful disk.

Hands on `Disk`, the operations, and `LocalDisk`, the same on the operating system.
"""

import fcntl
import os
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """What a spool asks of a file system; every method raises OSError for a fault."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, durably; nothing happens to one that is there."""

    def list(self, folder: Path) -> dict[str, int]:
        """Name and size in bytes of each plain file in a folder; empty where there is none."""

    def free(self, folder: Path) -> int:
        """Bytes that may still be written to the file system of a folder."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist, lock it, and return its handle."""

    def lock(self, path: Path) -> int | None:
        """Open and lock an existing file; None if it is gone or its lock is held elsewhere."""

    def close(self, handle: int) -> None:
        """Close a handle, which frees its lock."""

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of `data` at a byte offset, or raise with any part of it written."""

    def truncate(self, handle: int, size: int) -> None:
        """Cut a file to a size in bytes."""

    def sync(self, handle: int) -> None:
        """Return when the file's bytes and size are on stable storage."""

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on stable storage."""

    def read(self, path: Path) -> bytes:
        """Read a whole file."""

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name in one step, replacing what bears it."""

    def unlink(self, path: Path) -> None:
        """Remove a name; nothing happens when it is gone already."""


class LocalDisk:
    """The operating system's own files; locks are flock(2), freed when their process dies."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, syncing the parent of each folder made."""
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        self.sync_folder(folder.parent)

    def list(self, folder: Path) -> dict[str, int]:
        """Name and size in bytes of each plain file; one that vanishes meanwhile is left out."""
        sizes: dict[str, int] = {}
        try:
            entries = list(os.scandir(folder))
        except FileNotFoundError:
            return sizes
        for entry in entries:
            try:
                if entry.is_file():
                    sizes[entry.name] = entry.stat().st_size
            except FileNotFoundError:
                continue
        return sizes

    def free(self, folder: Path) -> int:
        """Ask statvfs(3) for what is left to this user."""
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize

    def create(self, path: Path) -> int:
        """Create and lock; one removed by a recovery before the lock was taken is made anew."""
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _names(path, handle):
                return handle
            os.close(handle)

    def lock(self, path: Path) -> int | None:
        """Open and lock without waiting; None too if the name moved on before the lock came."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        if _names(path, handle):
            return handle
        os.close(handle)
        return None

    def close(self, handle: int) -> None:
        """Close a handle."""
        os.close(handle)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of `data`, going on where the system wrote a part."""
        written = os.pwrite(handle, data, offset)
        rest = memoryview(data)[written:]
        while rest:
            written = os.pwrite(handle, rest, offset + len(data) - len(rest))
            rest = rest[written:]

    def truncate(self, handle: int, size: int) -> None:
        """Cut a file to a size in bytes."""
        os.ftruncate(handle, size)

    def sync(self, handle: int) -> None:
        """Call fdatasync(2), which includes the size."""
        os.fdatasync(handle)

    def sync_folder(self, folder: Path) -> None:
        """Call fsync(2) on the folder itself."""
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def read(self, path: Path) -> bytes:
        """Read a whole file."""
        return path.read_bytes()

    def rename(self, source: Path, target: Path) -> None:
        """Rename within one file system."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a name, present or not."""
        path.unlink(missing_ok=True)


def _names(path: Path, handle: int) -> bool:
    """Whether a path still names the file behind a handle."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


LOCAL_DISK = LocalDisk()
