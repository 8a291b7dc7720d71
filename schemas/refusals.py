"""A validator's refusal of a value, in the words of the plan."""

from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind

from funnelhouse.schemas.documents import Document
from funnelhouse.schemas.faults import Fault, meant


def refusal_fault(document: Document, error: ValidationError) -> Fault:
    """Tell the refusal of a document's value as a fault at that value."""
    return document.fault(tuple(error.instance_path), told(error), mend(error, error.instance))


def told(error: ValidationError) -> str:
    """Say what was refused, without the full stop and whatever follows the first line."""
    return error.message.splitlines()[0].rstrip(".")


def mend(error: ValidationError, written: Any) -> str:
    """Say what was probably meant, by the keyword that refused the written value."""
    match error.kind:
        case ValidationErrorKind.Enum(options=options):
            return meant(str(written), map(str, options))
        case ValidationErrorKind.Type(types=types):
            return f"write a value of type {' or '.join(types)}"
        case ValidationErrorKind.Required(property=name):
            return f'add "{name}"'
        case ValidationErrorKind.Constant(expected_value=value):
            return f'write "{value}"'
        case ValidationErrorKind.Format(format="date"):
            return "write a day that there is, such as 2024-01-31"
        case _:
            return "write a value that fits"
