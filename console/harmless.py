"""The engine's functions that a stranger's statement may call: those that only compute.

The two lists stand in text files beside this; a function on neither is not called.
"""

from functools import cache
from pathlib import Path

_COMBINATORS = (
    *("SimpleState", "OrDefault", "Distinct", "Resample", "ForEach", "ArgMax", "ArgMin"),
    *("OrNull", "Tuple", "Merge", "State", "Array", "Null", "Map", "If"),
)


def is_harmless(name: str) -> bool:
    """Whether a function is listed as harmless, an aggregate one with its combinators."""
    lists = _lists()
    lower = name.lower()
    if lower in lists["harmful"]:
        return False
    if lower in lists["harmless"] or lower == "lambda":
        return True
    return any(
        name.endswith(ending) and is_harmless(name.removesuffix(ending))
        for ending in _COMBINATORS
        if len(name) > len(ending)
    )


@cache
def _lists() -> dict[str, frozenset[str]]:
    found = {}
    for kind in ("harmless", "harmful"):
        path = Path(__file__).parent / f"{kind}_functions.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        found[kind] = frozenset(line.lower() for line in lines if not line.startswith("#"))
    return found
