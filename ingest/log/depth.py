"""How full the spool is and how old: what the metrics, the limits and the status speak of."""

import re
from pathlib import Path
from typing import NamedTuple

from funnelhouse.ingest.log.disk import LOCAL_DISK, Disk
from funnelhouse.ingest.log.recovery import damaged_folder

_SEGMENT_NAME = re.compile(r"(\d+)-.+\.(?:open|arrow)")


class Depth(NamedTuple):
    """What the folder holds, of all workers: bytes of all files, segments, age of the oldest.

    `damaged` counts the pieces of segments that were set aside.
    """

    bytes: int
    segments: int
    oldest_age_s: float
    damaged: int = 0


def measure(folder: Path, now: float, disk: Disk = LOCAL_DISK) -> Depth:
    """Look at a spool folder at `now`, seconds since the epoch; damaged bytes count as held."""
    sizes = disk.list(folder)
    damaged = disk.list(damaged_folder(folder))
    names = [match for name in sizes if (match := _SEGMENT_NAME.fullmatch(name))]
    oldest = min((int(name[1]) / 1_000_000 for name in names), default=now)
    held = sum(sizes.values()) + sum(damaged.values())
    pieces = sum(name.endswith(".json") for name in damaged)
    return Depth(held, len(names), max(0.0, now - oldest), pieces)


def is_drained(folder: Path, before: float, disk: Disk = LOCAL_DISK) -> bool:
    """Say whether nothing lies there that began before a moment, seconds since the epoch.

    A listing may miss a segment that is sealed meanwhile, and so changes its name. That happens
    once: the next listing has it.
    """
    return all(measure(folder, before, disk).oldest_age_s == 0 for _ in range(2))
