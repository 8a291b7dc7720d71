"""Checks a plan folder: the order of all checks, and which of them a faulty document is spared.

Hands the documents it read to the registry, which loads them only when there is no fault.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from schemas.actions import ACTION_SHAPE, action_faults
from schemas.conditions import described
from schemas.documents import Document
from schemas.events import EventDocument, event_faults, event_from, name_faults
from schemas.faults import Fault
from schemas.folder import read_folder
from schemas.funnel_shape import FUNNEL_SHAPE
from schemas.funnel_versions import version_order_faults
from schemas.known_funnels import KnownFunnels, known_funnels
from schemas.references import reference_faults
from schemas.shapes import Shape
from schemas.stages import order_faults
from schemas.target_faults import target_faults
from schemas.targets import TARGETS_SHAPE
from schemas.versions import version_faults


@dataclass(frozen=True, slots=True)
class Reading:
    """What a plan folder holds: events oldest version first, and everything wrong with it."""

    events: tuple[EventDocument, ...]
    funnels: tuple[Document, ...]
    targets: tuple[Document, ...]
    actions: tuple[Document, ...]
    faults: tuple[Fault, ...]


def check_plan(folder: Path) -> list[Fault]:
    """List the faults of a plan folder by file and line; none means that it can be loaded."""
    return list(read_plan(folder).faults)


def read_plan(folder: Path) -> Reading:
    """Read and check every file of a plan folder; only events must be there."""
    documents, faults = read_folder(folder)
    schemas, funnels, targets, actions = (
        [document for document in documents if document.file.startswith(f"{room}/")]
        for room in ("events", "funnels", "targets", "actions")
    )
    events = sorted(map(event_from, schemas), key=lambda event: (event.name, event.numbers))
    faults += chain(
        _plan_faults(events, funnels), _goal_faults(known_funnels(funnels), targets, actions)
    )
    faults.sort(key=lambda fault: (fault.file, fault.line, fault.message))
    return Reading(tuple(events), tuple(funnels), tuple(targets), tuple(actions), tuple(faults))


def _plan_faults(events: Sequence[EventDocument], funnels: Sequence[Document]) -> Iterator[Fault]:
    of_event = [list(event_faults(event)) for event in events]
    yield from chain(*of_event)
    sound = [event for event, found in zip(events, of_event, strict=True) if not found]
    yield from name_faults(events)
    yield from version_faults(sound)
    shaped, faults = _shaped(funnels, FUNNEL_SHAPE)
    yield from faults
    yield from _funnel_faults(shaped, events, sound)


def _funnel_faults(
    shaped: Sequence[Document], events: Sequence[EventDocument], sound: Sequence[EventDocument]
) -> Iterator[Fault]:
    """Hold funnels against the newest version without fault of each event."""
    newest = {event.name: event for event in sound}
    plan = {
        event.name: described(newest[event.name]) if event.name in newest else None
        for event in events
    }
    yield from version_order_faults(shaped)
    for funnel in shaped:
        yield from order_faults(funnel)
        yield from reference_faults(funnel, plan)


def _goal_faults(
    funnels: KnownFunnels, targets: Sequence[Document], actions: Sequence[Document]
) -> Iterator[Fault]:
    shaped_targets, of_targets = _shaped(targets, TARGETS_SHAPE)
    shaped_actions, of_actions = _shaped(actions, ACTION_SHAPE)
    yield from (*of_targets, *of_actions)
    yield from target_faults(shaped_targets, funnels)
    for action in shaped_actions:
        yield from action_faults(action, funnels)


def _shaped(documents: Sequence[Document], shape: Shape) -> tuple[list[Document], list[Fault]]:
    """Part documents that have a shape from the faults of those that have not."""
    found = [list(shape.faults(document)) for document in documents]
    shaped = [document for document, faults in zip(documents, found, strict=True) if not faults]
    return shaped, list(chain(*found))
