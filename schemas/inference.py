"""Drafts the schema of an event from events seen: what all have, what each may be, an example."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.dialect import DIALECT
from schemas.names import fold

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
    keys = list(dict.fromkeys(key for one in seen for key in one))
    described = {key: _property(key, [one[key] for one in seen if key in one]) for key in keys}
    example = max(seen, key=len, default={})
    shown = {
        key: value for key, value in example.items() if "x-personal" not in described.get(key, {})
    }
    required = [
        key for key in keys if all(one.get(key) is not None for one in seen) and key in shown
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


def _property(key: str, values: Sequence[Any]) -> dict[str, Any]:
    kinds = sorted({_kind(value) for value in values})
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    found: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds}
    if kinds == ["string"]:
        found |= _text([str(value) for value in values])
    if kinds in (["integer"], ["number"]) and min(values) >= 0:
        found["minimum"] = 0
    if kinds == ["object"]:
        inner = dict.fromkeys(name for value in values for name in value)
        found["properties"] = {
            name: _property(name, [value[name] for value in values if name in value])
            for name in inner
        }
    if kinds == ["array"] and (items := [item for value in values for item in value]):
        found["items"] = _property("", items)
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


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")
