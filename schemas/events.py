"""Events of the plan: each a schema named by its path, checked alone and by its name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from funnelhouse.schemas.dialect import (
    DIALECT,
    FORMATS,
    KEYWORDS,
    TYPES,
    compile_schema,
    subschemas,
)
from funnelhouse.schemas.documents import Document
from funnelhouse.schemas.faults import Fault, meant
from funnelhouse.schemas.names import match_key
from funnelhouse.schemas.personal import personal_faults
from funnelhouse.schemas.refusals import refusal_fault, told

_METASCHEMA = Draft202012Validator({"$ref": DIALECT})


@dataclass(frozen=True, slots=True)
class EventDocument:
    """One version of one event, named by its path, and its schema as a document."""

    family: str
    name: str
    version: str
    document: Document

    @property
    def schema(self) -> Any:
        """Give the JSON Schema, an object once the document has no fault."""
        return self.document.value

    @property
    def numbers(self) -> tuple[int, ...]:
        """Give the version's three numbers, which sort as versions do."""
        return tuple(map(int, self.version.split("-")))


def event_from(document: Document) -> EventDocument:
    """Name an event's document by its path, events/<family>/<event>/<version>.json."""
    path = PurePosixPath(document.file)
    _, family, name = path.parent.parts
    return EventDocument(family, name, path.stem, document)


def name_faults(events: Iterable[EventDocument]) -> Iterator[Fault]:
    """Find events of which a sent name could mean either, by family or by spelling."""
    first: dict[str, EventDocument] = {}
    for event in events:
        other = first.setdefault(match_key(event.name), event)
        if (other.family, other.name) != (event.family, event.name):
            message = f'"{event.name}" and {other.family}/{other.name} would match the same events'
            yield event.document.fault((), message, "rename one of them")


def event_faults(event: EventDocument) -> Iterator[Fault]:
    """Find what is wrong with one schema; one that breaks the standard is not looked into."""
    document = event.document
    if not isinstance(event.schema, dict):
        yield document.fault((), "the schema is not an object", "write a JSON object")
        return
    against_standard = [
        _standard_fault(document, error) for error in _METASCHEMA.iter_errors(event.schema)
    ]
    yield from _heading_faults(event)
    yield from against_standard
    if against_standard:
        return
    yield from _keyword_faults(document)
    yield from personal_faults(document)
    try:
        validator = compile_schema(event.schema)
    except ValidationError as error:
        yield _compile_fault(document, error)
    else:
        yield from _example_faults(document, validator)


def _standard_fault(document: Document, error: ValidationError) -> Fault:
    place = tuple(error.instance_path)
    if isinstance(error.kind, ValidationErrorKind.AnyOf) and place[-1:] == ("type",):
        written = str(error.instance)
        return document.fault(
            place, f'"{written}" is no type of JSON Schema', meant(written, TYPES)
        )
    return refusal_fault(document, error)


def _heading_faults(event: EventDocument) -> Iterator[Fault]:
    expected = {
        "$schema": DIALECT,
        "$id": f"funnelhouse:events/{event.family}/{event.name}/{event.version}",
        "type": "object",
    }
    if "x-identity" in event.schema:
        expected["x-identity"] = "none"
    for key, value in expected.items():
        if event.schema.get(key) != value:
            mend = f'write "{value}"'
            yield event.document.fault((key,), f'"{key}" is not "{value}"', mend)


def _keyword_faults(document: Document) -> Iterator[Fault]:
    for place, schema in subschemas(document.value):
        for keyword in schema.keys() - KEYWORDS:
            message = f'"{keyword}" is no keyword of JSON Schema 2020-12'
            yield document.fault((*place, keyword), message, meant(keyword, KEYWORDS))
        described = schema.get("properties", {})
        for index, name in enumerate(schema.get("required", ()) if described else ()):
            if name not in described:
                message = f'"{name}" is required but not described'
                yield document.fault((*place, "required", index), message, meant(name, described))


def _compile_fault(document: Document, error: ValidationError) -> Fault:
    place = tuple(error.instance_path)
    if place[-1:] == ("format",):
        return document.fault(place, "the format is unknown", meant(str(error.instance), FORMATS))
    if isinstance(error.kind, ValidationErrorKind.Format):
        message = "the pattern is no regular expression of linear time"
        mend = "mend it, without look-around and back-references"
        return document.fault(place, message, mend)
    mend = "mend the reference or write the schema out in full"
    return document.fault(place, told(error), mend)


def _example_faults(document: Document, validator: Draft202012Validator) -> Iterator[Fault]:
    examples = document.value.get("examples")
    if not examples:
        yield document.fault(("examples",), "there is no example", "add one that validates")
    for index, example in enumerate(examples or ()):
        for error in validator.iter_errors(example):
            place = ("examples", index, *error.instance_path)
            message = f"the example fails its own schema: {told(error)}"
            yield document.fault(place, message, "mend the example or the schema")
