"""A fault of the plan: where it stands, what is wrong and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_MAX_LISTED = 12


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a line of a file of the plan, and what to do about it."""

    file: str
    line: int
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}; {self.mend}."


def meant(written: str, known: Iterable[str]) -> str:
    """Word the mend of an unknown name: the known one most like it, or all while they are few."""
    options = sorted(known)
    close = get_close_matches(written, options, n=1)
    if close:
        return f'write "{close[0]}"'
    if len(options) <= _MAX_LISTED:
        return f"write one of {', '.join(options)}"
    return "remove or rename it"
