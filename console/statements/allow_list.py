"""The engine's functions that a stranger's statement may call: those that only compute.

The two lists stand in text files beside this; a function on neither is not called.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

_COMBINATORS = (
    *("SimpleState", "OrDefault", "Distinct", "Resample", "ForEach", "ArgMax", "ArgMin"),
    *("OrNull", "Tuple", "Merge", "State", "Array", "Null", "Map", "If"),
)


def is_allowed(name: str) -> bool:
    """Whether a function is listed as harmless, an aggregate one with its combinators."""
    if is_denied(name):
        return False
    return is_listed(name) or any(map(is_allowed, without_combinators(name)))


def is_listed(name: str) -> bool:
    """Whether a function is listed as harmless under this very name."""
    return name.lower() in _lists()["allowed"] or name.lower() == "lambda"


def is_denied(name: str) -> bool:
    """Whether a function is listed as harmful."""
    return name.lower() in _lists()["denied"]


def without_combinators(name: str) -> Iterator[str]:
    """Give the names that an aggregate function may have had before combinators were added."""
    for ending in _COMBINATORS:
        if name.endswith(ending) and len(name) > len(ending):
            yield name.removesuffix(ending)
            yield from without_combinators(name.removesuffix(ending))


@cache
def _lists() -> dict[str, frozenset[str]]:
    found = {}
    for kind in ("allowed", "denied"):
        path = Path(__file__).parent / f"{kind}_functions.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        found[kind] = frozenset(line.lower() for line in lines if not line.startswith("#"))
    return found
