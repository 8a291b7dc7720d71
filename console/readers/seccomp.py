"""Seccomp: system calls that a process may make no more, whatever runs in it.

It covers what Landlock leaves open: sockets of every kind, programs, other processes' memory.
"""

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from funnelhouse.console.readers.landlock import forbid_new_privileges

_LOAD, _EQUAL, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_THREAD = 0x10000
"""The flag of clone that makes a thread of this process instead of another process."""
_OTHER_ABI = 0x40000000
"""Numbers from here on are x86's calls with pointers of 32 bits."""
_SET_SECCOMP, _FILTER = 22, 2


class _Machine(NamedTuple):
    """A processor: its name in the kernel's audit, and its place among the numbers of calls."""

    audit: int
    place: int


_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}
_CLONE, _CLONE3 = (56, 220), 435
_SIGNALS = {"kill": (62, 129), "tgkill": (234, 131)}
_FORBIDDEN: Mapping[str, tuple[int | None, int | None]] = {
    # Sockets.
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "bind": (49, 200),
    "listen": (50, 201),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    # Other programs and processes.
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    # Ways around the rules of files, and calls that no filter sees.
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # The machine.
    "mount": (165, 40),
    "umount2": (166, 39),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "adjtimex": (159, 171),
    "clock_settime": (227, 112),
    # The kernel.
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
"""Calls with their numbers on x86_64 and aarch64, from the kernel's unistd.h."""


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("true", ctypes.c_uint8),
        ("false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


def are_known() -> bool:
    """Say whether the numbers of this machine's system calls are known here."""
    return platform.machine() in _MACHINES and sys.platform == "linux"


def forbid() -> None:
    """Have this thread, and threads that it starts, open no socket and start no program.

    Raises:
        OSError: the kernel has no seccomp.
        KeyError: the machine's calls are not known.
    """
    written = list(_instructions(_MACHINES[platform.machine()]))
    instructions = (_Instruction * len(written))(*(_Instruction(*one) for one in written))
    program = _Program(len(written), instructions)
    forbid_new_privileges()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _instructions(machine: _Machine) -> Iterator[tuple[int, int, int, int]]:
    """Write the filter: code, steps to skip when it holds, when it does not, and a value."""
    refuse = (_RETURN, 0, 0, _ERROR | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_EQUAL, 1, 0, machine.audit)
    yield refuse
    yield (_LOAD, 0, 0, _NUMBER)
    yield (_AT_LEAST, 0, 1, _OTHER_ABI)
    yield refuse
    # The C library makes threads by the older call, whose flags can be seen, where this is missing.
    yield (_EQUAL, 0, 1, _CLONE3)
    yield (_RETURN, 0, 0, _ERROR | errno.ENOSYS)
    for number in filter(None, (numbers[machine.place] for numbers in _FORBIDDEN.values())):
        yield (_EQUAL, 0, 1, number)
        yield refuse
    yield (_EQUAL, 0, 4, _CLONE[machine.place])
    yield (_LOAD, 0, 0, _FIRST_ARGUMENT)
    yield (_HAS_BITS, 0, 1, _THREAD)
    yield allow
    yield refuse
    for numbers in _SIGNALS.values():
        yield (_EQUAL, 0, 4, numbers[machine.place])
        yield (_LOAD, 0, 0, _FIRST_ARGUMENT)
        yield (_EQUAL, 0, 1, os.getpid())
        yield allow
        yield refuse
    yield allow
