"""The tracking pixel: a GET whose query parameters are one call of the tracking API."""

import base64
import binascii
from typing import Any

import orjson

from ingest.event import Envelope, RawEvent
from ingest.refusal import Refusal

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
            item = orjson.loads(_from_base64(parameters.pop("data")))
        for name, value in parameters.items():
            _put(item, name, value)
        item["type"] = call
    except (ValueError, binascii.Error, TypeError, AttributeError):
        detail = "`data` must be Base64 of a JSON object, `properties` and `context` JSON objects."
        return Refusal(400, "unreadable_body", detail)
    try:
        text = orjson.dumps(item)
    except orjson.JSONEncodeError:
        return Refusal(400, "unreadable_body", "The query must be UTF-8, percent-encoded.")
    key = item.pop("writeKey", "")
    return Envelope(key if type(key) is str else "", item.get("sentAt"), [RawEvent(item, text)])


def _from_base64(data: str) -> bytes:
    padded = data.replace(" ", "+") + "=" * (-len(data) % 4)
    return base64.b64decode(padded, altchars=b"-_" if "-" in data or "_" in data else None)


def _put(item: dict[str, Any], name: str, value: str) -> None:
    parent, dot, member = name.partition(".")
    if dot and parent in _OBJECTS:
        item.setdefault(parent, {})[member] = value
    elif name in _OBJECTS:
        item.setdefault(name, {}).update(orjson.loads(value))
    else:
        item[name] = value
