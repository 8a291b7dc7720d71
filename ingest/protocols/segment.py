"""The Segment HTTP tracking API: bodies of single calls and of batches, decoded to an `Envelope`.

Every item keeps the exact text that was sent, so that numbers, key order and nulls come back.
"""

import json
import sys
from functools import partial
from typing import Any, NoReturn

import msgspec
import orjson

from ingest.batch import too_much_added
from ingest.event import CALLS, Envelope, Mended, RawEvent
from ingest.limits import DEFAULT_LIMITS, Limits
from ingest.refusal import Refusal
from ingest.scan import too_many_values

# orjson reads 1,024 levels on any stack; msgspec and json count theirs against this limit.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 4_096))


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw]


_batch_texts = msgspec.json.Decoder(_Batch)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode(call: str, body: bytes, limits: Limits = DEFAULT_LIMITS) -> Envelope | Refusal:
    """Decode the body of one request to `call`; a body that cannot be read is a `Refusal`."""
    refusal = too_many_values(body, limits)
    if refusal is not None:
        return refusal
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _decode_leniently(body, call, limits, str(error))
    return _envelope(document, body, call, limits)


_CALLS = {f"/v1/{path}": call for call in (*CALLS, "batch") for path in (call, call[0])}
_CALLS["/beacon/v1/batch"] = "batch"
ROUTES = {path: partial(decode, call) for path, call in _CALLS.items()}
"""What reads the bodies of each path; analytics.js has one-letter paths, RudderStack a beacon."""


def _envelope(document: Any, body: bytes, call: str, limits: Limits) -> Envelope | Refusal:
    if type(document) is not dict:
        return Refusal(400, "not_an_object", "The body must be a JSON object; send one call.")
    key = document.get("writeKey")
    key = key if type(key) is str else ""
    if call != "batch":
        document["type"] = call
        return Envelope(key, None, [RawEvent(document, body)])
    items = document.get("batch")
    if type(items) is not list:
        return Refusal(400, "not_a_batch", "The body must have a list `batch` of calls.")
    sent = document.get("context")
    shared = sent if type(sent) is dict else {}
    added = len(as_text(shared)) * len(items) if shared else 0
    refusal = too_much_added(added, limits)
    if refusal is not None:
        return refusal
    events = list(map(RawEvent, items, _texts(items, body)))
    if shared:
        events = [_with_context(event, shared) for event in events]
    return Envelope(key, document.get("sentAt"), events, added)


def _texts(items: list[Any], body: bytes) -> list[bytes]:
    try:
        texts = [bytes(raw) for raw in _batch_texts.decode(body).batch]
    except (msgspec.DecodeError, RecursionError):
        texts = []
    if len(texts) == len(items):
        return texts
    return [as_text(item) for item in items]


def as_text(item: Any) -> bytes:
    """Write a decoded value as JSON, whatever it holds."""
    try:
        return orjson.dumps(item)
    except (orjson.JSONEncodeError, RecursionError):
        pass
    try:
        return json.dumps(item).encode()
    except RecursionError:
        return b'"(nested too deeply to be written)"'


def _with_context(event: RawEvent, shared: dict[str, Any]) -> RawEvent:
    item = event.item
    if type(item) is not dict or type(item.get("context", {})) is not dict:
        return event
    merged = _merge(shared, item.get("context", {}))
    try:
        return RawEvent({**item, "context": merged}, replace(event.text, context=merged))
    except msgspec.DecodeError:  # it has a value that is refused, so the event is too
        return event


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = {**under, **over}
    for key in under.keys() & over.keys():
        if type(under[key]) is dict and type(over[key]) is dict:
            merged[key] = _merge(under[key], over[key])
    return merged


def replace(text: bytes, **fields: Any) -> bytes:
    """Return a JSON object's text with some fields set, all others exactly as they were."""
    kept: dict[str, Any] = dict(_fields.decode(text))
    for name, value in fields.items():
        kept[name] = msgspec.Raw(as_text(value))
    return msgspec.json.encode(kept)


def _decode_leniently(body: bytes, call: str, limits: Limits, why: str) -> Envelope | Refusal:
    """Read what the strict parser refuses in one value (a lone surrogate, a number over 1e308).

    Only the event that holds the value is rejected then, not its whole batch.
    """
    try:
        document = json.loads(body, parse_constant=_no_constant, parse_int=_whole)
    except (ValueError, RecursionError):
        return Refusal(400, "unreadable_body", f"The body is not JSON ({why}); send UTF-8 JSON.")
    envelope = _envelope(document, body, call, limits)
    if isinstance(envelope, Refusal):
        return envelope
    events = [RawEvent(_strict(event), event.text) for event in envelope.events]
    return Envelope(envelope.write_key, envelope.sent_at, events, envelope.added_bytes)


def _strict(event: RawEvent) -> Any:
    try:
        orjson.loads(as_text(event.item))
        orjson.loads(event.text)
    except orjson.JSONDecodeError:
        return _mended(event.item) if type(event.item) is dict else None
    return event.item


def _mended(item: dict[str, Any]) -> Mended | None:
    try:
        text = json.dumps(item, ensure_ascii=False).encode("utf-8", "replace")
        return Mended(json.loads(text, parse_constant=lambda _: None))
    except RecursionError:
        return None


def _whole(digits: str) -> float:
    """Read a whole number; one of more digits than Python writes is as infinite as any other."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


_MAX_DIGITS = 4_300


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
