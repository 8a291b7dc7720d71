"""The stages of a well-shaped funnel: told apart, one lead, entered by events of the plan."""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.conditions import DescribedEvent, condition_faults
from schemas.documents import Document, Place
from schemas.faults import Fault, meant
from schemas.funnels import stage_events


def order_faults(funnel: Document) -> Iterator[Fault]:
    """Find stages named as an earlier one, and every lead after the first."""
    names: set[str] = set()
    leads = 0
    for index, stage in enumerate(funnel.value["stages"]):
        if stage["stage"] in names:
            message = f'the stage "{stage["stage"]}" stands twice'
            yield funnel.fault(("stages", index, "stage"), message, "rename or remove one")
        names.add(stage["stage"])
        leads += stage.get("lead", False)
        if stage.get("lead") and leads > 1:
            message = "a second stage is marked as the lead"
            yield funnel.fault(("stages", index, "lead"), message, "mark one stage only")


def reference_faults(
    funnel: Document, plan: Mapping[str, DescribedEvent | None]
) -> Iterator[Fault]:
    """Hold stages against the plan's events by name; an event of None is known but faulty."""
    for index, stage in enumerate(funnel.value["stages"]):
        place = ("stages", index)
        for name in stage_events(stage):
            if name not in plan:
                message = f'the plan has no event "{name}"'
                yield funnel.fault(_event_place(place, stage, name), message, meant(name, plan))
            elif (event := plan[name]) is not None:
                yield from _stage_faults(funnel, place, stage, event)


def _event_place(place: Place, stage: Mapping[str, Any], name: str) -> Place:
    if "any_of" in stage:
        return (*place, "any_of", stage["any_of"].index(name))
    return (*place, "event")


def _stage_faults(
    funnel: Document, place: Place, stage: Mapping[str, Any], event: DescribedEvent
) -> Iterator[Fault]:
    if "product" not in event.properties:
        message = f'"{event.name}" has no property "product", by which events come to a funnel'
        yield funnel.fault(place, message, "describe product in the event's schema")
    for index, condition in enumerate(stage.get("where", ())):
        yield from condition_faults(funnel, (*place, "where", index), condition, event)
