"""What a well-shaped funnel names of the plan's events: events, conditions and what it reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from funnelhouse.schemas.conditions import DescribedEvent, condition_faults, read_faults
from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault, meant

Events = Mapping[str, DescribedEvent | None]
"""The plan's events by name; one of None is known but faulty."""


def reference_faults(funnel: Document, events: Events) -> Iterator[Fault]:
    """Hold the stages, exclusions, measures and dimensions of a funnel against the events."""
    for room in ("stages", "exclude", "measures"):
        for index, entry in enumerate(funnel.value.get(room, ())):
            yield from _entry_faults(funnel, (room, index), entry, events)
    yield from _dimension_faults(funnel, events)


def _entry_faults(
    funnel: Document, place: Place, entry: Mapping[str, Any], events: Events
) -> Iterator[Fault]:
    for branch_place, name_place, name, branch in _branches(place, entry):
        if name not in events:
            message = f'the plan has no event "{name}"'
            yield funnel.fault(name_place, message, meant(name, events))
        elif (event := events[name]) is not None:
            yield from _product_faults(funnel, name_place, event)
            yield from _where_faults(funnel, branch_place, branch, event)
            if branch is not entry:
                yield from _where_faults(funnel, place, entry, event)
            yield from read_faults(funnel, place, entry, event)


def _branches(
    place: Place, entry: Mapping[str, Any]
) -> Iterator[tuple[Place, Place, str, Mapping[str, Any]]]:
    """Give each branch: its place, the place and the text of its event's name, what is written."""
    if "event" in entry:
        yield place, (*place, "event"), entry["event"], entry
    for index, branch in enumerate(entry.get("any_of", ())):
        here = (*place, "any_of", index)
        if isinstance(branch, str):
            yield here, here, branch, {}
        else:
            yield here, (*here, "event"), branch["event"], branch


def _product_faults(funnel: Document, place: Place, event: DescribedEvent) -> Iterator[Fault]:
    if "product" not in event.properties:
        message = f'"{event.name}" has no property "product", by which events come to a funnel'
        yield funnel.fault(place, message, "describe product in the event's schema")


def _where_faults(
    funnel: Document, place: Place, entry: Mapping[str, Any], event: DescribedEvent
) -> Iterator[Fault]:
    for index, condition in enumerate(entry.get("where", ())):
        yield from condition_faults(funnel, (*place, "where", index), condition, event)


def _dimension_faults(funnel: Document, events: Events) -> Iterator[Fault]:
    """Find dimensions that no event of a stage has, or that are kept as a hash only."""
    named = {
        name
        for index, stage in enumerate(funnel.value["stages"])
        for _, _, name, _ in _branches(("stages", index), stage)
    }
    reached = [events.get(name) for name in sorted(named)]
    described = [event for event in reached if event is not None]
    if len(described) < len(reached):  # an unknown or faulty event may have it
        return
    known = {name for event in described for name in event.properties}
    personal = {name for event in described for name in event.personal}
    for dimension, name in funnel.value.get("dimensions", {}).items():
        place = ("dimensions", dimension)
        if name not in known:
            message = f'no event of a stage has the property "{name}"'
            yield funnel.fault(place, message, meant(name, known))
        elif name in personal:
            message = f'"{name}" is personal and kept as a hash only'
            yield funnel.fault(place, message, "use another property")
