"""Drafts the schema of an event from events seen: what all have, what each may be, an example.

Types and nesting are genson's; formats, choices, lengths and personal marks are added here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from genson import SchemaBuilder

from funnelhouse.schemas.dialect import DIALECT
from funnelhouse.schemas.names import fold

_MOST_CHOICES = 12
_SEEN_A_CHOICE = 5
_PERSONAL = re.compile(r"e_?mail|phone|mobile|(first|last|full)_?name|birth|address", re.IGNORECASE)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def draft(name: str, family: str, seen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Draft version 1-0-0 of an event from the properties of events of that name.

    What all events have is required; a text of few values is an enum; what looks personal is
    marked so, and shown by no example.
    """
    event = fold(name)
    described = _properties(_types(seen), seen)
    example = max(seen, key=len, default={})
    shown = {
        key: value for key, value in example.items() if "x-personal" not in described.get(key, {})
    }
    required = [
        key for key in described if all(one.get(key) is not None for one in seen) and key in shown
    ]
    return {
        "$schema": DIALECT,
        "$id": f"funnelhouse:events/{family}/{event}/1-0-0",
        "title": event.replace("_", " ").capitalize(),
        "description": f"Drafted from {len(seen)} events; say what it means.",
        "type": "object",
        "properties": described,
        "required": required,
        "additionalProperties": True,
        "examples": [shown],
    }


def _types(seen: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    builder = SchemaBuilder()
    for one in seen:
        builder.add_object(dict(one))
    found: Mapping[str, Any] = builder.to_schema()
    return found


def _properties(schema: Mapping[str, Any], seen: Sequence[Any]) -> dict[str, Any]:
    """Describe each property of an object by its type and by the values that were seen."""
    objects = [one for one in seen if isinstance(one, Mapping)]
    return {
        key: _described(key, inner, [one[key] for one in objects if key in one])
        for key, inner in schema.get("properties", {}).items()
    }


def _described(key: str, schema: Mapping[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    found = {name: value for name, value in schema.items() if name != "required"}
    match schema.get("type"):
        case "string":
            found |= _text(values)
        case "integer" | "number" if min(values) >= 0:
            found["minimum"] = 0
        case "object":
            found["properties"] = _properties(schema, values)
        case "array" if "items" in schema:
            items = [item for value in values for item in value]
            found["items"] = _described("", schema["items"], items)
    texts = [value for value in values if isinstance(value, str)]
    if _PERSONAL.search(key) or any(map(_MAIL.fullmatch, texts)):
        found.pop("enum", None)
        found["x-personal"] = True
    return found


def _text(values: Sequence[str]) -> dict[str, Any]:
    if all(map(_TIME.match, values)):
        return {"format": "date-time"} if all("+" in one or "Z" in one for one in values) else {}
    if all(map(_DATE.fullmatch, values)):
        return {"format": "date"}
    choices = sorted(set(values))
    if len(choices) <= _MOST_CHOICES and len(values) >= _SEEN_A_CHOICE * len(choices):
        return {"enum": choices}
    longest = max(map(len, values))
    return {"maxLength": max(64, 1 << longest.bit_length())}
