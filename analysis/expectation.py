"""What a test expects of an event: whether one matches, and of those that came the closest and why.

Pure: events as they stand in the warehouse in, matches and sentences out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from funnelhouse.schemas.faults import meant
from funnelhouse.schemas.names import match_key

OPERATORS = ("is", "in", "not", "exists", "gt", "gte", "lt", "lte")


@dataclass(frozen=True, slots=True)
class Expected:
    """An event by name, with properties: each a value, or an object of one or more operators."""

    event: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event that came: accepted (`reason` empty) or rejected."""

    event: str
    sent_name: str
    properties: Mapping[str, Any]
    device: str
    event_time: str
    received_at: str
    source: str = ""
    release: str = ""
    page: str = ""
    reason: str = ""
    path: str = ""
    detail: str = ""


Planned = Mapping[str, Sequence[str]]
"""The plan's events by name, each with the properties that it describes."""


def expected_from(asked: Any, planned: Planned) -> Expected:
    """Read what is expected, and hold it against the plan.

    Raises:
        ValueError: it cannot be meant; as text what is wrong and what was probably meant.
    """
    if type(asked) is not dict:
        raise ValueError('What is expected must be an object such as {"event": "cta_clicked"}.')
    unknown = sorted(set(asked) - {"event", "properties", "unplanned"})
    if unknown:
        known = ["event", "properties", "unplanned"]
        raise ValueError(f'There is no "{unknown[0]}" here; {meant(unknown[0], known)}.')
    name, properties = asked.get("event"), asked.get("properties", {})
    if not isinstance(name, str) or not name.strip():
        raise ValueError('The name of the event is missing; write it as "event".')
    if type(properties) is not dict:
        raise ValueError('"properties" must be an object of names and values.')
    for wanted in properties.values():
        _check_operators(wanted)
    if not asked.get("unplanned"):
        name = _planned_name(name, properties, planned)
    return Expected(name, dict(properties))


def _planned_name(name: str, properties: Mapping[str, Any], planned: Planned) -> str:
    by_key = {match_key(one): one for one in planned}
    found = by_key.get(match_key(name))
    otherwise = 'or add "unplanned": true'
    if found is None:
        raise ValueError(f'The plan has no event "{name}"; {meant(name, planned)}, {otherwise}.')
    for one in properties:
        if one not in planned[found]:
            mend = meant(one, planned[found])
            raise ValueError(f'"{found}" has no property "{one}"; {mend}, {otherwise}.')
    return found


def _check_operators(wanted: Any) -> None:
    if not isinstance(wanted, Mapping) or not wanted.keys() & set(OPERATORS):
        return
    for operator, value in wanted.items():
        if operator not in OPERATORS:
            raise ValueError(f'"{operator}" is no operator; {meant(operator, OPERATORS)}.')
        if operator in ("gt", "gte", "lt", "lte") and not _is_number(value):
            raise ValueError(f"{operator} compares numbers; {_shown(value)} is none.")
        if operator == "in" and not isinstance(value, list):
            raise ValueError(f"in wants a list of values; {_shown(value)} is none.")


def differences(expected: Expected, came: ReceivedEvent) -> list[str]:
    """Say in sentences why an event is not the one expected; none where it is."""
    told = []
    if match_key(came.event) != match_key(expected.event):
        told.append(f"its name is {came.sent_name or came.event}, not {expected.event}")
    if came.reason:
        told.append(f"it was rejected: {came.reason} at {came.path}: {came.detail}")
    for name, wanted in expected.properties.items():
        told += _difference(name, wanted, came.properties)
    return told


def _difference(name: str, wanted: Any, properties: Mapping[str, Any]) -> list[str]:
    operators = isinstance(wanted, Mapping) and wanted.keys() & set(OPERATORS)
    conditions = wanted if operators else {"is": wanted}
    there = name in properties
    if not there and conditions.get("exists") is not False:
        return [f"{name} is missing"]
    value = properties.get(name)
    return [
        f"{name} is {_shown(value)}, expected {_phrase(operator, other)}"
        for operator, other in conditions.items()
        if not _holds(operator, other, value, there=there)
    ]


def _holds(operator: str, other: Any, value: Any, *, there: bool) -> bool:
    match operator:
        case "exists":
            return there == bool(other)
        case "is":
            return _same(value, other)
        case "in":
            return any(_same(value, one) for one in other)
        case "not":
            others = other if isinstance(other, list) else [other]
            return not any(_same(value, one) for one in others)
    if not _is_number(value):
        return False
    compared = {"gt": value > other, "gte": value >= other, "lt": value < other}
    return bool(compared.get(operator, value <= other))


def _same(value: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1, though 1 is 1.0."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    return bool(value == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _phrase(operator: str, other: Any) -> str:
    return _shown(other) if operator == "is" else f"{operator} {_shown(other)}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def matching(expected: Expected, came: Sequence[ReceivedEvent]) -> list[ReceivedEvent]:
    """Give the events that are as expected, in the order in which they came."""
    return [one for one in came if not differences(expected, one)]


def closest(
    expected: Expected, came: Sequence[ReceivedEvent]
) -> tuple[ReceivedEvent, list[str]] | None:
    """Give the event most like the one expected, and why it is not that; None if nothing came."""

    def distance(one: ReceivedEvent) -> tuple[float, int]:
        key, wanted = match_key(one.event), match_key(expected.event)
        likeness = SequenceMatcher(None, key, wanted, autojunk=False).ratio()
        return -likeness, len(differences(expected, one)) + bool(one.reason)

    if not came:
        return None
    best = min(reversed(came), key=distance)
    return best, differences(expected, best)


def in_order(
    steps: Sequence[Expected], came: Sequence[ReceivedEvent]
) -> tuple[int, list[ReceivedEvent]]:
    """Follow the steps through each device's events by their time; events between do not matter.

    Returns how many steps the device that got furthest has, and the events by which it has them.
    """
    best: list[ReceivedEvent] = []
    for device in dict.fromkeys(one.device for one in came):
        found: list[ReceivedEvent] = []
        mine = sorted((one for one in came if one.device == device), key=lambda one: one.event_time)
        for one in mine:
            if len(found) < len(steps) and not differences(steps[len(found)], one):
                found.append(one)
        if len(found) > len(best):
            best = found
    return len(best), best
