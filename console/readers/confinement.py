"""Shuts a process in before it meets strangers: its files, its threads, a line to its owner."""

import resource
import site
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from funnelhouse.console.readers import landlock
from funnelhouse.console.readers import seccomp as calls

_OF_THE_MACHINE = ("/sys/fs/cgroup", "/sys/devices/system", "/sys/kernel/mm")
# The C library learns from its maps where the stack of the first thread ends.
_OF_THE_PROCESS = ("/proc/self/maps", "/dev/urandom", "/dev/null")
_MOST_FILES = 4096
_MORE_MEMORY_BYTES = 1024**3
"""What the system may give above what the engine counts: threads' stacks, and memory held back."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a process may reach: `readable` folders, and a `folder` of its own to write into."""

    readable: tuple[Path, ...]
    folder: Path


def why_not() -> str:
    """Say why this machine cannot shut a process in, "" where it can."""
    if not calls.are_known():
        return "this is no Linux on x86_64 or aarch64"
    if not landlock.version():
        return "its kernel has no Landlock (Linux 5.13 or later, with landlock in CONFIG_LSM)"
    return ""


def confine(cell: Cell) -> None:
    """Shut this process in for good; it must have a single thread yet, and all its modules.

    Raises:
        OSError: the kernel refuses.
        RuntimeError: there are threads already, which would stay outside.
    """
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError("A process is shut in before it starts threads.")
    readable = (*cell.readable, *_libraries(), *map(Path, _OF_THE_MACHINE + _OF_THE_PROCESS))
    landlock.restrict(readable, (cell.folder,))
    calls.forbid()


def limit_resources(memory_bytes: int) -> None:
    """Bound what this process takes of the machine, and how long it lives, shut in or not."""
    most = memory_bytes + _MORE_MEMORY_BYTES
    if sys.platform == "linux":
        landlock.die_with_parent()
    for what, bound in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
        (resource.RLIMIT_DATA, most),
        (resource.RLIMIT_FSIZE, most),
    ):
        _, hard = resource.getrlimit(what)
        least = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(what, (least, least))


def _libraries() -> Iterator[Path]:
    """Give where Python, the engine, the C library and this room keep what they load late."""
    with Path("/proc/self/maps").open(encoding="utf-8") as maps:
        loaded = {Path(line.split(maxsplit=5)[-1].strip()) for line in maps if "/libc" in line}
    yield from {path.parent for path in loaded}
    yield Path(__file__).parent.parent
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield Path(sysconfig.get_path(name))
    yield from map(Path, site.getsitepackages())
    yield from (Path(entry) for entry in sys.path if entry.endswith(("-packages", ".zip")))
