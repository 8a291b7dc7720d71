"""The loaded plan: finds the schema of a sent event name; holds funnels, targets and actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from funnelhouse.schemas.actions import Action, action_from
from funnelhouse.schemas.alerts import Alert, alerts_from
from funnelhouse.schemas.check import PlanContents, read_plan
from funnelhouse.schemas.coverage import Expectation, listed
from funnelhouse.schemas.dialect import compile_schema
from funnelhouse.schemas.events import EventDocument
from funnelhouse.schemas.experiments import Experiment, experiment_from
from funnelhouse.schemas.faults import Fault
from funnelhouse.schemas.folder import FLAT_ROOMS
from funnelhouse.schemas.funnels import Funnel
from funnelhouse.schemas.known_funnels import known_funnels
from funnelhouse.schemas.names import match_key
from funnelhouse.schemas.personal import personal_paths
from funnelhouse.schemas.targets import Target, targets_from
from funnelhouse.schemas.trackers import SnowplowNames, snowplow_names

MAX_NAME_LENGTH = 256
MAX_REMEMBERED_NAMES = 4096


class PlanError(Exception):
    """A plan folder that cannot be used; as text one line a fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class EventSchema:
    """One version of one event, compiled.

    `personal` holds the paths of personal properties, "*" standing for each item of an array.
    """

    name: str
    version: str
    family: str
    validator: Draft202012Validator
    personal: tuple[tuple[str, ...], ...]
    identity_required: bool
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The events by name and version (oldest first); all versions of funnels; targets, actions.

    `experiments`, `coverage` and `alerts` are those without fault; `refused` are the faults of
    the others. `snowplow` names the events of Snowplow's trackers.
    """

    events: Mapping[str, Mapping[str, EventSchema]]
    funnels: tuple[Funnel, ...]
    targets: tuple[Target, ...]
    actions: tuple[Action, ...]
    experiments: tuple[Experiment, ...] = ()
    snowplow: SnowplowNames = field(default_factory=SnowplowNames)
    refused: tuple[Fault, ...] = ()
    coverage: tuple[Expectation, ...] = ()
    alerts: tuple[Alert, ...] = ()
    _by_key: dict[str, Mapping[str, EventSchema]] = field(init=False, repr=False, compare=False)
    _found: dict[str, EventSchema] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {match_key(name): versions for name, versions in self.events.items()}
        newest = {name: _newest(versions) for name, versions in self.events.items()}
        object.__setattr__(self, "_by_key", by_key)
        object.__setattr__(self, "_found", newest)

    def find(self, sent_name: str, version: str | None) -> EventSchema | None:
        """Find the schema of a sent name, of the version asked for or else of the newest.

        None when the plan has no such name or the name no such version; `has` tells them apart.
        """
        newest = self._found.get(sent_name) or self._find_by_key(sent_name)
        if newest is None or version is None or version == newest.version:
            return newest
        return self.events[newest.name].get(version)

    def has(self, sent_name: str) -> bool:
        """Say whether the plan knows the name in any version."""
        return self.find(sent_name, None) is not None

    def _find_by_key(self, sent_name: str) -> EventSchema | None:
        if len(sent_name) > MAX_NAME_LENGTH:
            return None
        versions = self._by_key.get(match_key(sent_name))
        if versions is None:
            return None
        found = _newest(versions)
        # Spellings come from strangers: a full memo makes new ones slower, never bigger.
        if len(self._found) < MAX_REMEMBERED_NAMES:
            self._found[sent_name] = found
        return found


def load_plan(folder: Path) -> Plan:
    """Load and compile the plan in a folder of `events/` and, if wanted, `funnels/` and more.

    Further rooms are `targets/`, `actions/`, `experiments/`, `trackers/`, `coverage/` and
    `alerts/`.

    Raises:
        PlanError: the folder has any fault but those of files that are refused alone.
    """
    reading = read_plan(folder)
    if reading.hindrances:
        raise PlanError(reading.hindrances)
    known = known_funnels(reading.funnels).by_name
    return Plan(
        _events(reading),
        tuple(version for funnel in known.values() for version in funnel.versions),
        tuple(target for file in reading.targets for target in targets_from(file.value, known)),
        tuple(action_from(file.value, known) for file in reading.actions),
        tuple(experiment_from(file.value) for file in reading.experiments),
        _snowplow(reading),
        reading.refused,
        listed(reading.coverage, reading.experiments),
        tuple(alert for file in reading.alerts for alert in alerts_from(file.value)),
    )


def load_events(folder: Path) -> Plan:
    """Load what a collector needs of a plan: events, by which it judges, and what its tag shows.

    Raises:
        PlanError: an event has any fault at all; those of funnels, targets and actions are no
            hindrance, and a faulty experiment, table of names or coverage is left out.
    """
    reading = read_plan(folder)
    faults = [fault for fault in reading.faults if fault.file.split("/")[0] not in FLAT_ROOMS]
    if faults:
        raise PlanError(faults)
    experiments = tuple(experiment_from(file.value) for file in reading.experiments)
    return Plan(
        _events(reading),
        (),
        (),
        (),
        experiments,
        _snowplow(reading),
        coverage=listed(reading.coverage, reading.experiments),
    )


def _events(reading: PlanContents) -> dict[str, dict[str, EventSchema]]:
    events: dict[str, dict[str, EventSchema]] = {}
    for event in reading.events:
        events.setdefault(event.name, {})[event.version] = _compiled(event)
    return events


def _snowplow(reading: PlanContents) -> SnowplowNames:
    return snowplow_names(reading.trackers[0].value) if reading.trackers else SnowplowNames()


def _compiled(event: EventDocument) -> EventSchema:
    schema = event.schema
    return EventSchema(
        name=event.name,
        version=event.version,
        family=event.family,
        validator=compile_schema(schema),
        personal=personal_paths(schema),
        identity_required=schema.get("x-identity") != "none",
        document=schema,
    )


def _newest(versions: Mapping[str, EventSchema]) -> EventSchema:
    return versions[list(versions)[-1]]
