"""A funnel's document before its events are looked at: its shape, and one file a version."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationErrorKind

from schemas.documents import Document
from schemas.faults import Fault, meant
from schemas.funnels import FUNNEL_SHAPE
from schemas.refusals import refusal_fault

_FUNNEL = Draft202012Validator(FUNNEL_SHAPE, validate_formats=True)


def shape_faults(document: Document) -> Iterator[Fault]:
    """Find where a document has not FUNNEL_SHAPE; without such a fault its keys can be trusted."""
    for error in _FUNNEL.iter_errors(document.value):
        place = tuple(error.instance_path)
        match error.kind:
            case ValidationErrorKind.AdditionalProperties(unexpected=names):
                known = _shape_at(error.schema_path)["properties"]
                for name in names:
                    message = f'the key "{name}" is unknown'
                    yield document.fault((*place, name), message, meant(name, known))
            case ValidationErrorKind.OneOfNotValid() | ValidationErrorKind.OneOfMultipleValid():
                message = "a stage needs either event or any_of"
                yield document.fault(place, message, "write one of the two")
            case ValidationErrorKind.MinProperties() | ValidationErrorKind.MaxProperties():
                message = "a condition needs its property and one operator"
                yield document.fault(place, message, "write one condition an operator")
            case _:
                yield refusal_fault(document, error)


def _shape_at(schema_path: Sequence[str | int]) -> Any:
    shape: Any = FUNNEL_SHAPE
    for step in schema_path[:-1]:
        shape = shape[step]
    return shape


def copy_faults(funnels: Iterable[Document]) -> Iterator[Fault]:
    """Find well-shaped funnels whose version stands in an earlier file already."""
    seen: set[tuple[str, int]] = set()
    for document in funnels:
        funnel, version = document.value["funnel"], document.value["version"]
        if (funnel, version) in seen:
            message = f"version {version} of {funnel} stands in another file too"
            yield document.fault(("version",), message, "raise the version")
        seen.add((funnel, version))
