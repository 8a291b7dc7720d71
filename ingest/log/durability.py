"""What can be said of writes: there was no room and nothing happened, or nothing is certain."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Want of room that may end: on the disk, in the process's file size, of file handles.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE}


class SpoolFull(Exception):  # noqa: N818 - a state of the spool, not an error of the program
    """Nothing was taken for want of room; the same rows may be sent again later."""


class SyncFailed(Exception):  # noqa: N818 - reads as what happened
    """What is on the disk is unknown; the process must stop, and a new one must recover.

    After a failed fsync the kernel may take the lost pages for written, so that a second fsync
    proves nothing (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC
    2020).
    """


@contextmanager
def room(path: Path) -> Iterator[None]:
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
def certain(path: Path) -> Iterator[None]:
    """Raise SyncFailed for every fault, a disk that is full only when it syncs included."""
    try:
        yield
    except OSError as error:
        raise SyncFailed(
            f"Writing {path.name} failed: {error.strerror}; check the disk, then start again."
        ) from error
