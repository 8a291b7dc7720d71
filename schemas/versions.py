"""Versions of an event: they follow without a gap, and what breaks raises the first number."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from funnelhouse.schemas.compatibility import breaks
from funnelhouse.schemas.events import EventDocument
from funnelhouse.schemas.faults import Fault


def version_faults(events: Iterable[EventDocument]) -> Iterator[Fault]:
    """Hold each version against the one before it; events come sorted by name and version."""
    for old, new in pairwise(events):
        if new.name == old.name:
            yield from _gap_faults(old, new)
            yield from _break_faults(old, new)


def _gap_faults(old: EventDocument, new: EventDocument) -> Iterator[Fault]:
    first, middle, last = old.numbers
    following = ((first, middle, last + 1), (first, middle + 1, 0), (first + 1, 0, 0))
    if new.numbers not in following:
        message = f"version {new.version} leaves a gap after {old.version}"
        mend = f"name it {first}-{middle}-{last + 1} or {first + 1}-0-0"
        yield new.document.fault((), message, mend)


def _break_faults(old: EventDocument, new: EventDocument) -> Iterator[Fault]:
    first = old.numbers[0]
    if new.numbers[0] == first:
        mend = f"make the version {first + 1}-0-0 or take the change back"
        for place, message in breaks(old.schema, new.schema):
            yield new.document.fault(place, f"{message} than in {old.version}", mend)
