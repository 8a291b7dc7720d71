"""What breaks when one schema follows another: values refused that were taken, or less described.

Knows two schemas and places in the newer one; versions and faults are made of it elsewhere.
"""

from collections.abc import Iterator
from typing import Any

from jsonschema_rs import (
    CanonicalSchema,
    Draft202012,
    ReferencingError,
    RegexOptions,
    canonicalize,
    dereference,
)
from jsonschema_rs.canonical import CanonicalizationError

from funnelhouse.schemas.documents import Place


def breaks(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """Find where the newer schema refuses what the older one took, or describes less of it.

    What cannot be proved to take as much counts as taking less.
    """
    return _breaks(_inlined(old), _inlined(new), ())


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Write references out, so that a change behind one is seen."""
    described = {key: schema[key] for key in schema if key != "examples"}
    try:
        return dereference(described, offline=True)
    except ReferencingError:  # no reference to follow, but a value that looks like one
        return described


def _breaks(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[tuple[Place, str]]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before.keys() - after.keys():
        yield (*place, "properties"), f'"{name}" is removed, so less is described'
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield (*place, "required"), f'"{name}" is required, so less is taken'
    for name in before.keys() & after.keys():
        inner = (*place, "properties", name)
        if isinstance(before[name], dict) and isinstance(after[name], dict):
            yield from _breaks(before[name], after[name], inner)
        elif before[name] != after[name]:
            yield inner, "less may be taken"
    if not _covers(_own(new), _own(old)):
        yield place, "less is taken here"


def _own(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in schema if key not in ("properties", "required")}


def _covers(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Say whether the newer schema takes all that the older one took, as far as can be proved."""
    if new == old:
        return True
    try:
        return str(_canonical(new).covers(_canonical(old))) == "yes"
    except CanonicalizationError:  # a schema that refers to itself
        return False


def _canonical(schema: dict[str, Any]) -> CanonicalSchema:
    return canonicalize(
        schema,
        draft=Draft202012,
        validate_formats=True,
        pattern_options=RegexOptions(),
        offline=True,
    )
