"""Checks a plan folder: the order of all checks, and which of them a faulty document is spared.

Hands the documents it read to the registry, which loads them only when there is no fault.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from funnelhouse.schemas.actions import ACTION_SHAPE, action_faults
from funnelhouse.schemas.alerts import ALERTS_SHAPE, alert_faults
from funnelhouse.schemas.conditions import described
from funnelhouse.schemas.coverage import COVERAGE_SHAPE, coverage_faults, variants_of
from funnelhouse.schemas.documents import Document
from funnelhouse.schemas.events import EventDocument, event_faults, event_from, name_faults
from funnelhouse.schemas.experiment_faults import experiment_faults
from funnelhouse.schemas.experiment_shape import EXPERIMENT_SHAPE
from funnelhouse.schemas.faults import Fault
from funnelhouse.schemas.folder import FLAT_ROOMS, read_folder
from funnelhouse.schemas.funnel_shape import FUNNEL_SHAPE
from funnelhouse.schemas.funnel_versions import version_order_faults
from funnelhouse.schemas.known_funnels import KnownFunnels, known_funnels
from funnelhouse.schemas.references import Events, reference_faults
from funnelhouse.schemas.shapes import Shape
from funnelhouse.schemas.stages import order_faults
from funnelhouse.schemas.target_faults import target_faults
from funnelhouse.schemas.targets import TARGETS_SHAPE
from funnelhouse.schemas.trackers import tracker_faults
from funnelhouse.schemas.versions import version_faults

_ALONE = ("experiments/", "trackers/", "coverage/", "alerts/")
"""Rooms whose files are refused one by one: nothing else of the plan needs them."""


@dataclass(frozen=True, slots=True)
class PlanContents:
    """What a plan folder holds: events oldest version first, and everything wrong with it.

    `experiments`, `coverage` and `alerts` are those without fault: a faulty one is refused alone,
    and told in `faults`.
    """

    events: tuple[EventDocument, ...]
    funnels: tuple[Document, ...]
    targets: tuple[Document, ...]
    actions: tuple[Document, ...]
    experiments: tuple[Document, ...]
    trackers: tuple[Document, ...]
    coverage: tuple[Document, ...]
    alerts: tuple[Document, ...]
    faults: tuple[Fault, ...]

    @property
    def refused(self) -> tuple[Fault, ...]:
        """The faults of files that are refused alone, since nothing else is made of them."""
        return tuple(fault for fault in self.faults if fault.file.startswith(_ALONE))

    @property
    def hindrances(self) -> tuple[Fault, ...]:
        """The faults for which the plan is refused whole."""
        return tuple(fault for fault in self.faults if fault not in self.refused)


def check_plan(folder: Path) -> list[Fault]:
    """List the faults of a plan folder by file and line; none means that it can be loaded."""
    return list(read_plan(folder).faults)


def read_plan(folder: Path) -> PlanContents:
    """Read and check every file of a plan folder; only events must be there."""
    documents, faults = read_folder(folder)
    schemas, funnels, targets, actions, experiments, trackers, coverage, alerts = (
        [document for document in documents if document.file.startswith(f"{room}/")]
        for room in ("events", *FLAT_ROOMS)
    )
    events = sorted(map(event_from, schemas), key=lambda event: (event.name, event.numbers))
    known = known_funnels(funnels)
    faults += chain(_plan_faults(events, funnels), _goal_faults(known, targets, actions))
    faults += _experiment_faults(experiments, known, _described(events))
    names = {event.name: event for event in events}
    faults += chain(*(tracker_faults(document, names) for document in trackers))
    faults += _coverage_faults(coverage, _sound_of(experiments, faults), _described(events))
    faults += _alert_faults(alerts, _sound_of(coverage, faults), known)
    faults.sort(key=lambda fault: (fault.file, fault.line, fault.message))
    return PlanContents(
        tuple(events),
        tuple(funnels),
        tuple(targets),
        tuple(actions),
        tuple(_sound_of(experiments, faults)),
        tuple(_sound_of(trackers, faults)),
        tuple(_sound_of(coverage, faults)),
        tuple(_sound_of(alerts, faults)),
        tuple(faults),
    )


def _plan_faults(events: Sequence[EventDocument], funnels: Sequence[Document]) -> Iterator[Fault]:
    yield from chain(*map(event_faults, events))
    yield from name_faults(events)
    yield from version_faults(_sound(events))
    shaped, faults = _shaped(funnels, FUNNEL_SHAPE)
    yield from faults
    yield from _funnel_faults(shaped, _described(events))


def _sound(events: Sequence[EventDocument]) -> list[EventDocument]:
    return [event for event in events if not any(True for _ in event_faults(event))]


def _described(events: Sequence[EventDocument]) -> Events:
    """Describe the newest version without fault of each event; None where there is none."""
    newest = {event.name: described(event) for event in _sound(events)}
    return {event.name: newest.get(event.name) for event in events}


def _funnel_faults(shaped: Sequence[Document], plan: Events) -> Iterator[Fault]:
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


def _experiment_faults(
    experiments: Sequence[Document], funnels: KnownFunnels, plan: Events
) -> Iterator[Fault]:
    shaped, faults = _shaped(experiments, EXPERIMENT_SHAPE)
    yield from faults
    for experiment in shaped:
        yield from experiment_faults(experiment, funnels, plan)


def _coverage_faults(
    coverage: Sequence[Document], experiments: Sequence[Document], plan: Events
) -> Iterator[Fault]:
    shaped, faults = _shaped(coverage, COVERAGE_SHAPE)
    yield from faults
    yield from coverage_faults(shaped, plan, variants_of([one.value for one in experiments]))


def _alert_faults(
    alerts: Sequence[Document], coverage: Sequence[Document], funnels: KnownFunnels
) -> Iterator[Fault]:
    shaped, faults = _shaped(alerts, ALERTS_SHAPE)
    yield from faults
    places = [document.value["coverage"] for document in coverage]
    yield from alert_faults(shaped, places, list(funnels.by_name))


def _sound_of(documents: Sequence[Document], faults: Sequence[Fault]) -> list[Document]:
    faulty = {fault.file for fault in faults}
    return [document for document in documents if document.file not in faulty]


def _shaped(documents: Sequence[Document], shape: Shape) -> tuple[list[Document], list[Fault]]:
    """Part documents that have a shape from the faults of those that have not."""
    found = [list(shape.faults(document)) for document in documents]
    shaped = [document for document, faults in zip(documents, found, strict=True) if not faults]
    return shaped, list(chain(*found))
