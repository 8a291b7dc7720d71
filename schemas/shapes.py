"""Shapes of the plan's YAML files: what their values may be, and the faults of a file against them.

A shape is JSON Schema with closed objects; without a fault against it a document's keys can be
trusted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from funnelhouse.schemas.documents import Document
from funnelhouse.schemas.faults import Fault, meant
from funnelhouse.schemas.refusals import refusal_fault

NAME: dict[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}
TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
DATE: dict[str, Any] = {"type": "string", "format": "date"}
# Dates that every column of days in the warehouse can hold, from 1970 on, and more than enough.
DATE["pattern"] = "^(19[7-9]|20[0-9])[0-9]-"
DAYS: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 365}


def closed(properties: dict[str, Any], required: Sequence[str], **more: Any) -> dict[str, Any]:
    """Make the shape of an object that has no other keys than these."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        **more,
    }


@dataclass(frozen=True, slots=True)
class Shape:
    """A compiled shape."""

    schema: Mapping[str, Any]
    validator: Draft202012Validator

    def faults(self, document: Document) -> Iterator[Fault]:
        """Find where a document has not this shape."""
        for error in self.validator.iter_errors(document.value):
            yield from self._faults(document, error)

    def fits(self, document: Document) -> bool:
        """Say whether a document has this shape."""
        return self.validator.is_valid(document.value)

    def _faults(self, document: Document, error: ValidationError) -> Iterator[Fault]:
        place = tuple(error.instance_path)
        match error.kind:
            case ValidationErrorKind.AdditionalProperties(unexpected=names):
                known = self._at(error.schema_path)["properties"]
                for name in names:
                    message = f'the key "{name}" is unknown'
                    yield document.fault((*place, name), message, meant(name, known))
            case ValidationErrorKind.OneOfNotValid() | ValidationErrorKind.OneOfMultipleValid():
                message = "it needs either event or any_of"
                yield document.fault(place, message, "write one of the two")
            case ValidationErrorKind.MinProperties() | ValidationErrorKind.MaxProperties():
                message = "a condition needs its property and one operator"
                yield document.fault(place, message, "write one condition an operator")
            case _:
                yield refusal_fault(document, error)

    def _at(self, schema_path: Sequence[str | int]) -> Any:
        found: Any = self.schema
        for step in schema_path[:-1]:
            found = found[step]
        return found


def compiled(schema: dict[str, Any]) -> Shape:
    """Compile a shape, with its formats checked."""
    return Shape(schema, Draft202012Validator(schema, validate_formats=True))
