"""Reads the JSON text of one event on its own: a call, or one that is rejected for its text."""

import json
from typing import Any, NoReturn

import orjson

from funnelhouse.ingest.validation.duplicate_keys import Readings, has_unique_keys, read_all
from funnelhouse.ingest.validation.event import Odd, RawEvent
from funnelhouse.ingest.validation.limits import json_path
from funnelhouse.ingest.validation.rejection import Reason, Rejection


def read_event(text: bytes) -> RawEvent:
    """Read an event from its text; what no strict reader takes is `Odd`, or None if unreadable."""
    try:
        item = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return RawEvent(_odd(text, unreadable(str(error))), text)
    return RawEvent(with_one_reading(item, text), text)


def is_json(text: bytes) -> bool:
    """Whether text is JSON by its grammar (RFC 8259), though strict readers refuse a value in it.

    Those are lone surrogates and numbers that no floating-point number holds.
    """
    try:
        json.loads(text.decode(), parse_constant=_no_constant, parse_int=float)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def with_one_reading(item: Any, text: bytes) -> Any:
    """Return an item as orjson read it from `text`; as `Odd` if readers would differ on it."""
    if has_unique_keys(text, item):
        return item
    readings = _readings(text)
    if readings is None or readings.duplicate is None:
        return item
    return _as_odd(readings.value, duplicate_key(readings.duplicate))


def duplicate_key(way: list[str | int]) -> Rejection:
    """Reject a key that stands twice, by the way down to it."""
    detail = "The object has this key twice, which readers take differently; send it once."
    return Rejection(Reason.DUPLICATE_KEY, json_path(way), detail)


def unreadable(why: str) -> Rejection:
    """Reject an event whose text is no JSON."""
    detail = f"The event is not JSON of Unicode text and finite numbers ({why}); mend the sender."
    return Rejection(Reason.UNREADABLE_EVENT, "$", detail)


def _odd(text: bytes, rejection: Rejection) -> Any:
    """Read what can be read of odd text: it still says what and whose the event is."""
    readings = _readings(text)
    return None if readings is None else _as_odd(readings.value, rejection)


def _as_odd(value: Any, rejection: Rejection) -> Odd | None:
    if not isinstance(value, dict):
        return None
    # A lone surrogate, which no column takes, becomes a question mark.
    try:
        written = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        item = json.loads(written, parse_constant=lambda _name: None)
    except RecursionError:
        return None
    for field in _SAID_ONCE:
        value = item.get(field)
        if isinstance(value, list) and value:
            item[field] = value[-1]
    return Odd(item, rejection)


_SAID_ONCE = ("type", "event", "messageId")
"""Fields by which a rejected event is known: of two values the last one names it."""


def _readings(text: bytes) -> Readings | None:
    try:
        return read_all(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
