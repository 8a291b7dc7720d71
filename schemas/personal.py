"""Personal properties of an event: where its schema marks them, and marks that reach none."""

from collections.abc import Iterator
from typing import Any

from funnelhouse.schemas.dialect import subschemas
from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault


def personal_paths(schema: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """List the paths of properties marked x-personal, "*" standing for each item of an array."""
    marked = (place for place, inner in subschemas(schema) if inner.get("x-personal") is True)
    return tuple(path for place in marked if (path := _property_path(place)))


def personal_faults(document: Document) -> Iterator[Fault]:
    """Find marks that are no mark, and marks on values that personal_paths leaves out."""
    for place, schema in subschemas(document.value):
        mark = schema.get("x-personal", False)
        here = (*place, "x-personal")
        if not isinstance(mark, bool):
            yield document.fault(here, "x-personal is neither true nor false", "write true")
        elif mark and not _property_path(place):
            message = "x-personal is not followed to here, so the value would be kept in clear"
            yield document.fault(here, message, "mark a property or the items of an array")


def _property_path(place: Place) -> tuple[str, ...]:
    """Follow a schema's place to the property it describes; () where that cannot be followed."""
    path: list[str] = []
    steps = iter(place)
    for step in steps:
        if step not in ("properties", "items"):
            return ()
        path.append(str(next(steps)) if step == "properties" else "*")
    return tuple(path)
