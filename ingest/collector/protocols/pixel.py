"""The tracking pixel: a GET whose query parameters are one call of the tracking API."""

import base64
import binascii
from codecs import BOM_UTF8
from typing import Any

import orjson

from funnelhouse.ingest.collector.event_reader import read_event
from funnelhouse.ingest.validation.event import Envelope, RawEvent
from funnelhouse.ingest.validation.refusal import Refusal

ROUTES = {"/v1/pixel/track": "track", "/v1/pixel/page": "page"}
"""The call of each path."""

_OBJECTS = ("properties", "context")


def decode(query: dict[str, list[str]], call: str) -> Envelope | Refusal:
    """Decode one call from a parsed query.

    Parameters are the call's own fields; `properties` and `context` are JSON objects, or single
    members of them as `properties.track=kotlin`, always text. `data` may hold the whole call as
    Base64 of its JSON, as Segment's pixel has it.
    """
    parameters = {name: values[0] for name, values in query.items()}
    item: dict[str, Any] = {}
    try:
        if "data" in parameters:
            item = _read(_from_base64(parameters.pop("data")))
        for name, value in parameters.items():
            _put(item, name, value)
        item["type"] = call
    except (ValueError, binascii.Error, TypeError, AttributeError):
        return Refusal(*_NO_CALL, _key(item))
    key = _key(item)
    item.pop("writeKey", None)
    try:
        text = orjson.dumps(item)
    except orjson.JSONEncodeError:
        return Refusal(*_NO_TEXT, key)
    return Envelope(key, item.get("sentAt"), [RawEvent(item, text)])


_NO_CALL = (
    400,
    "unreadable_body",
    "`data` must be Base64 of JSON, `properties` and `context` JSON, objects of unique keys.",
)
_NO_TEXT = (400, "unreadable_body", "The query must be UTF-8, percent-encoded.")


def _key(item: Any) -> str:
    key = item.get("writeKey") if isinstance(item, dict) else None
    return key if type(key) is str else ""


def _read(text: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ValueError: it is none, or gives a key twice.
    """
    read = read_event(text.removeprefix(BOM_UTF8)).item
    if type(read) is not dict:
        raise ValueError
    return read


def _from_base64(data: str) -> bytes:
    padded = data.replace(" ", "+") + "=" * (-len(data) % 4)
    return base64.b64decode(padded, altchars=b"-_" if "-" in data or "_" in data else None)


def _put(item: dict[str, Any], name: str, value: str) -> None:
    parent, dot, member = name.partition(".")
    if dot and parent in _OBJECTS:
        item.setdefault(parent, {})[member] = value
    elif name in _OBJECTS:
        item.setdefault(name, {}).update(_read(value.encode()))
    else:
        item[name] = value
