"""Conditions and reads of a funnel held against an event: what it has, hides and can ever be."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from funnelhouse.schemas.dialect import compile_schema
from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.events import EventDocument
from funnelhouse.schemas.faults import Fault, meant
from funnelhouse.schemas.personal import personal_paths
from funnelhouse.schemas.refusals import mend
from funnelhouse.schemas.rules import READS, values_of


@dataclass(frozen=True, slots=True)
class DescribedEvent:
    """What a funnel may ask of an event: its properties at the top and their values."""

    name: str
    properties: Collection[str]
    personal: Collection[str]
    validator: Draft202012Validator


def described(event: EventDocument) -> DescribedEvent:
    """Describe an event without fault; a property counts as personal if any part of it is."""
    return DescribedEvent(
        name=event.name,
        properties=event.schema.get("properties", {}).keys(),
        personal={path[0] for path in personal_paths(event.schema)},
        validator=compile_schema(event.schema),
    )


def condition_faults(
    funnel: Document, place: Place, condition: Mapping[str, Any], event: DescribedEvent
) -> Iterator[Fault]:
    """Find why a condition at a place of a funnel could never hold for the event."""
    name = condition["property"]
    operator = next(key for key in condition if key != "property")
    if name not in event.properties:
        message = f'"{event.name}" has no property "{name}"'
        yield funnel.fault((*place, "property"), message, meant(name, event.properties))
    elif operator != "exists" and name in event.personal:
        message = f'"{name}" of "{event.name}" is personal and kept as a hash only'
        yield funnel.fault(place, message, "ask whether it exists or use another property")
    elif operator != "exists":
        for value, error in _refusals(event.validator, name, condition[operator]):
            if _matters(operator, error):
                message = f'"{name}" of "{event.name}" is never {value}'
                yield funnel.fault((*place, operator), message, mend(error, value))


def read_faults(
    funnel: Document, place: Place, entry: Mapping[str, Any], event: DescribedEvent
) -> Iterator[Fault]:
    """Find why a property kept with an entry could not be had."""
    for key in READS:
        name, here = entry.get(key), (*place, key)
        if name is None:
            continue
        if name not in event.properties:
            message = f'"{event.name}" has no property "{name}"'
            yield funnel.fault(here, message, meant(name, event.properties))
        elif name in event.personal:
            message = f'"{name}" of "{event.name}" is personal and kept as a hash only'
            yield funnel.fault(here, message, "use another property")
        elif key == "amount" and not _is_number(event.validator, name):
            message = f'"{name}" of "{event.name}" is no number'
            yield funnel.fault(here, message, "name a property of type integer or number")


def _is_number(validator: Draft202012Validator, name: str) -> bool:
    """Say whether the schema wants a number for a property: it refuses texts and no number."""
    of_number = (error for _, error in _refusals(validator, name, 0))
    refuses_text = any(True for _ in _refusals(validator, name, "text"))
    return refuses_text and not any(
        isinstance(error.kind, ValidationErrorKind.Type) for error in of_number
    )


def _refusals(
    validator: Draft202012Validator, name: str, written: Any
) -> Iterator[tuple[Any, ValidationError]]:
    for value in values_of(written):
        for error in validator.iter_errors({name: value}):
            if error.instance_path[:1] == [name]:
                yield value, error


def _matters(operator: str, error: ValidationError) -> bool:
    """Say whether a value that fails so can never be met: bounds may lie outside the limits."""
    return operator in ("is", "in", "not") or isinstance(error.kind, ValidationErrorKind.Type)
