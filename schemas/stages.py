"""The stages, measures and intakes of a well-shaped funnel, held against one another."""

from collections.abc import Iterator, Sequence
from typing import Any

from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault
from funnelhouse.schemas.funnels import EXCLUDED, MEASURES
from funnelhouse.schemas.rules import branches_of

MAX_STEPS = 12
_RESERVED = (*MEASURES, EXCLUDED)


def order_faults(funnel: Document) -> Iterator[Fault]:
    """Find what stands twice in one funnel, too many steps, and names that mean something else."""
    yield from _repeated(funnel, "stages", ("stage",), 'the stage "{}" stands twice')
    yield from _repeated(funnel, "stages", ("role",), 'a second stage has the role "{}"')
    yield from _repeated(funnel, "measures", ("measure",), 'the measure "{}" stands twice')
    yield from _repeated(funnel, "intakes", ("track", "cohort"), 'the intake "{}" stands twice')
    yield from _branch_faults(funnel)
    yield from _lead_faults(funnel)
    yield from _stage_faults(funnel)
    yield from _intake_faults(funnel)


def _repeated(funnel: Document, room: str, keys: Sequence[str], message: str) -> Iterator[Fault]:
    """Find entries of a room that have the same values under the keys as an earlier one."""
    seen: set[tuple[str, ...]] = set()
    for index, entry in enumerate(funnel.value.get(room, ())):
        values = tuple(entry.get(key, "") for key in keys)
        if values in seen:
            place = (room, index, keys[-1])
            yield funnel.fault(place, message.format(values[-1]), "rename or remove one")
        if any(values):
            seen.add(values)


def _branch_faults(funnel: Document) -> Iterator[Fault]:
    """Find events that stand twice under the same conditions in one entry, or are left out twice.

    Conditions are compared as JSON, where true is not 1.
    """
    for room in ("stages", "exclude", "measures"):
        seen: set[tuple[Any, ...]] = set()
        for index, entry in enumerate(funnel.value.get(room, ())):
            for number, branch in enumerate(branches_of(entry)):
                conditions = str(sorted(condition.row() for condition in branch.where))
                key = (room == "exclude" or index, branch.event, conditions)
                if key in seen:
                    message = f'"{branch.event}" stands twice under the same conditions'
                    place = (room, index, "any_of", number)
                    yield funnel.fault(place, message, "remove one of them")
                seen.add(key)


def _lead_faults(funnel: Document) -> Iterator[Fault]:
    leads = [index for index, stage in enumerate(funnel.value["stages"]) if stage.get("lead")]
    for index in leads[1:]:
        message = "a second stage is marked as the lead"
        yield funnel.fault(("stages", index, "lead"), message, "mark one stage only")


def _stage_faults(funnel: Document) -> Iterator[Fault]:
    steps = 0
    for index, stage in enumerate(funnel.value["stages"]):
        place: Place = ("stages", index)
        if stage["stage"] in _RESERVED:
            message = f'"{stage["stage"]}" is the name of a measure or of those left out'
            yield funnel.fault((*place, "stage"), message, "rename the stage")
        if "terminal" in stage and "role" in stage:
            message = "a terminal stage has a role, but who left is not on the way any more"
            yield funnel.fault((*place, "role"), message, "remove the role")
        steps += "terminal" not in stage
        if steps > MAX_STEPS and "terminal" not in stage:
            message = f"this is step {steps} of at most {MAX_STEPS}"
            yield funnel.fault(place, message, "make it two funnels")


def _intake_faults(funnel: Document) -> Iterator[Fault]:
    for index, intake in enumerate(funnel.value.get("intakes", ())):
        if intake["closes"] < intake["opens"]:
            message = f"the intake closes on {intake['closes']}, before it opens"
            mend = f"write {intake['opens']} or a later day"
            yield funnel.fault(("intakes", index, "closes"), message, mend)
