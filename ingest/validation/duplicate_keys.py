"""Duplicate keys: whether JSON text gives one key of an object twice, and where.

Readers differ on such text (RFC 8259, section 4): Python takes the last value, ClickHouse the
first, so an event that holds one is rejected. Ordinary text passes at C speed.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson


def has_unique_keys(text: bytes, value: object) -> bool:
    """Whether `text`, which orjson read as `value`, surely gives no key twice.

    The value is written again: text that comes out the same has lost nothing. Otherwise the colons
    are counted, for a key that was given twice is written once, and its colon is missing. Colons
    inside strings count alike on both sides as long as the text escapes none.
    """
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return False
    if written == text:
        return True
    if b"\\" in text and _ESCAPED_COLON.search(text):
        return False
    return text.count(b":") == written.count(b":")


_ESCAPED_COLON = re.compile(rb"\\u003[aA]")


class Readings(NamedTuple):
    """Every reading of one text: `value` holds the values of duplicate keys side by side.

    `duplicate` is the way to the first key that stands twice, None where there is none.
    """

    value: Any
    duplicate: list[str | int] | None


def read_all(text: str) -> Readings:
    """Read JSON text with all values of its duplicate keys, objects merged, others in a list.

    Control characters, NaN and Infinity (read as null) and numbers of any length are tolerated.

    Raises:
        ValueError: it is no JSON even so.
        RecursionError: it nests too deeply.
    """
    value = json.loads(
        text,
        strict=False,
        parse_constant=lambda _name: None,
        parse_int=_whole,
        object_pairs_hook=_object,
    )
    return Readings(value, _way_to_duplicate(value))


class _Ambiguous(dict[str, Any]):
    """An object with a duplicate key; `key` is the first one."""

    key = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    merged = _Ambiguous()
    for key, value in pairs:
        if key in merged:
            merged.key = merged.key or key
            value = _both(merged[key], value)  # noqa: PLW2901 - the value under this key
        merged[key] = value
    return merged


def _both(one: Any, other: Any) -> Any:
    """Hold two values of one key, so that whatever looks for either finds it."""
    if isinstance(one, dict) and isinstance(other, dict):
        merged = type(one)(one)
        for key, value in other.items():
            merged[key] = _both(merged[key], value) if key in merged else value
        return merged
    return [*_listed(one), *_listed(other)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _way_to_duplicate(value: Any) -> list[str | int] | None:
    """Find the first object that has a duplicate key, outer ones first, and the way to that key."""
    level: list[tuple[_Way, Any]] = [((), value)]
    while level:
        for way, node in level:
            if isinstance(node, _Ambiguous):
                return [*_steps(way), node.key]
        level = [
            ((way, step), child)
            for way, node in level
            for step, child in _children(node)
            if isinstance(child, dict | list)
        ]
    return None


_Way = tuple[()] | tuple[Any, str | int]
"""A way and its last step: as lists, the ways to all of a deep level would take a gigabyte."""


def _steps(way: _Way) -> list[str | int]:
    steps: list[str | int] = []
    while way:
        way, step = way
        steps.append(step)
    return steps[::-1]


def _children(node: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(node, dict):
        return node.items()
    return enumerate(node if isinstance(node, list) else ())


_MAX_DIGITS = 4_300  # what Python reads of a whole number


def _whole(digits: str) -> float:
    """Read a whole number; one of more digits than Python reads is as infinite as any other."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)
