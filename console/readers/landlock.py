"""Landlock: what of the file system, of the network and of other processes a process may reach.

See https://docs.kernel.org/userspace-api/landlock.html, from which names and numbers are taken.
"""

import ctypes
import os
import signal
import stat
from collections.abc import Collection
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_BENEATH = 1
_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FOLDER, _REMOVE_FILE, _MAKE_FOLDER, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_FILES_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights there are of files and folders; later versions have as many as the fifth."""
_NETWORK = 0b11
_OTHER_PROCESSES = 0b11
_HAS_NETWORK, _HAS_SCOPES = 4, 6
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE
_READS = _READ | _LIST | _EXECUTE
_WRITES = _READS | _WRITE | _TRUNCATE | _REFER
_WRITES |= _REMOVE_FOLDER | _REMOVE_FILE | _MAKE_FOLDER | _MAKE_FILE
_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES = 1, 38

_libc = ctypes.CDLL(None, use_errno=True)


class _Rules(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Give the version of Landlock that the kernel has, 0 for none."""
    found: int = _libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG)
    return max(found, 0)


def die_with_parent() -> None:
    """Have the system kill this process when the thread that started it ends, however it does."""
    _checked(_libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0))


def forbid_new_privileges() -> None:
    """Have this process and its children never gain rights; the kernel asks for it before others.

    Raises:
        OSError: the kernel refuses.
    """
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))


def restrict(readable: Collection[Path], writable: Collection[Path]) -> None:
    """Leave this thread, and threads that it starts, these files and folders and no network.

    Paths that do not exist are left out.

    Raises:
        OSError: the kernel has no Landlock, or refuses.
    """
    has = version()
    files = (1 << _FILES_BY_VERSION.get(has, _FILES_BY_VERSION[5])) - 1
    rules = _Rules(
        files, _NETWORK if has >= _HAS_NETWORK else 0, _OTHER_PROCESSES if has >= _HAS_SCOPES else 0
    )
    size = 24 if has >= _HAS_SCOPES else 16 if has >= _HAS_NETWORK else 8
    ruleset = _checked(_libc.syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    try:
        for paths, rights in ((readable, _READS), (writable, _WRITES)):
            for path in paths:
                _allow(ruleset, path, rights & files)
        forbid_new_privileges()
        _checked(_libc.syscall(_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _OF_FILES
        rule = _Beneath(rights, handle)
        _checked(_libc.syscall(_ADD, ruleset, _BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(handle)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
