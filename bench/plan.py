"""How long and how often a run measures, and where it keeps what the servers write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PER_SERVER = 8


@dataclass(frozen=True, slots=True)
class RunPlan:
    """`seconds` a measure, `repeat` measures; `say` is told.

    `events` is for memory and loading, `scales` are how many there are for views.
    """

    folder: Path
    seconds: float
    repeat: int
    connections: int
    events: int
    scales: Sequence[int]
    say: Callable[[str], None]

    def clients(self, events: int) -> int:
        """How many clients send at once: those that gather batches are servers, and fewer."""
        return self.connections if events == 1 else max(self.connections // _PER_SERVER, 1)

    def fresh(self, name: str) -> Path:
        """Make a folder for one server."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        return folder
