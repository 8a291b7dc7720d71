"""The Segment HTTP tracking API: bodies of single calls and of batches, decoded to an `Envelope`.

Every item keeps the exact text that was sent, so that numbers, key order and nulls come back.
"""

import json
import sys
from codecs import BOM_UTF8
from functools import partial
from typing import Any

import msgspec
import orjson

from funnelhouse.ingest.collector.batch_limits import too_many_events, too_much_added
from funnelhouse.ingest.collector.batch_splitter import Budget, Shape, split
from funnelhouse.ingest.collector.body_scan import too_many_values
from funnelhouse.ingest.collector.event_reader import is_json, read_event, with_one_reading
from funnelhouse.ingest.validation.duplicate_keys import has_unique_keys
from funnelhouse.ingest.validation.event import CALLS, Envelope, Odd, RawEvent
from funnelhouse.ingest.validation.limits import DEFAULT_LIMITS, Limits, too_deep
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.ingest.validation.rejection import Reason

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
        return _decode_odd(body, call, limits, str(error))
    if type(document) is not dict:
        return _NOT_AN_OBJECT
    if call != "batch":
        key = _key(document.get("writeKey"))
        item = document
        if not has_unique_keys(body, document):
            item = with_one_reading(document, body)
        item["type"] = call
        return Envelope(key, None, [RawEvent(item, body)])
    return _decode_batch(document, body, limits)


def _decode_batch(document: dict[str, Any], body: bytes, limits: Limits) -> Envelope | Refusal:
    items = document.get("batch")
    if type(items) is not list:
        return Refusal(*_NOT_A_BATCH, _key(document.get("writeKey")))
    refusal = too_many_events(len(items), len(body), limits)
    if refusal is not None:
        return refusal
    texts = _exact_texts(document, items, body)
    if texts is None:
        return _decode_parts(body, limits) or Refusal(*_TOO_TANGLED, _key(document.get("writeKey")))
    return _envelope(document, list(map(RawEvent, items, texts)), limits)


def _envelope(fields: dict[str, Any], events: list[RawEvent], limits: Limits) -> Envelope | Refusal:
    """Put events under the fields of their batch, whose context goes into each."""
    shared = fields.get("context")
    added = 0
    if isinstance(shared, dict) and shared:
        text = as_text(shared)
        added = len(text) * len(events)
        refusal = too_much_added(added, limits)
        if too_deep(text, shared, limits.max_depth):
            refusal = _TOO_DEEP
        if refusal is not None:
            return refusal
        events = [_with_context(event, shared) for event in events]
    return Envelope(_key(fields.get("writeKey")), fields.get("sentAt"), events, added)


# Each event would be rejected for it, after the context was written slowly again and again.
_TOO_DEEP = Refusal(413, "context_too_deep", "The batch's context nests too deeply; flatten it.")
_NOT_AN_OBJECT = Refusal(400, "not_an_object", "The body must be a JSON object; send one call.")
_NOT_A_BATCH = (400, "not_a_batch", "The body must have a list `batch` of calls.")
_TOO_TANGLED = (400, "unreadable_body", "The batch has too many objects and lists; split it.")

_CALLS = {f"/v1/{path}": call for call in (*CALLS, "batch") for path in (call, call[0])}
_CALLS["/beacon/v1/batch"] = "batch"
ROUTES = {path: partial(decode, call) for path, call in _CALLS.items()}
"""What reads the bodies of each path; analytics.js has one-letter paths, RudderStack a beacon."""


def _key(value: object) -> str:
    return value if type(value) is str else ""


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
    if not isinstance(item, dict) or not isinstance(item.get("context", {}), dict):
        return event
    merged = _merge(shared, item.get("context", {}))
    whole = {**item, "context": merged}
    if isinstance(item, Odd):
        return RawEvent(Odd(whole, item.rejection), event.text)
    if isinstance(shared, Odd):
        path = "$.context" + shared.rejection.path[1:]
        whole = Odd(whole, shared.rejection._replace(path=path))
    return RawEvent(whole, replace(event.text, context=merged))


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


def _decode_odd(body: bytes, call: str, limits: Limits, why: str) -> Envelope | Refusal:
    """Read a body that is no JSON: of a batch, only the events that are none are rejected."""
    if body.startswith(BOM_UTF8):
        return decode(call, body.removeprefix(BOM_UTF8), limits)
    refusal = Refusal(400, "unreadable_body", f"The body is not JSON ({why}); send UTF-8 JSON.")
    if call == "batch":
        return _decode_parts(body, limits) or refusal
    event = read_event(body)
    if not isinstance(event.item, Odd):
        return refusal
    event.item["type"] = call
    key = _key(event.item.get("writeKey"))
    return Envelope(key, None, [event]) if is_json(body) else refusal._replace(key=key, event=event)


def _decode_parts(body: bytes, limits: Limits) -> Envelope | Refusal | None:
    """Read the parts of a batch one by one; None where they cannot be told apart."""
    parts = split(body, _SHAPE, Budget())
    if parts is None:
        return None
    names = ["batch", *(name for name, _ in parts.fields)]
    fields = {name: read_event(text).item for name, text in parts.fields if name in _ENVELOPE}
    for name in _ENVELOPE:
        if names.count(name) > 1:
            detail = f"The body has the key `{name}` twice, which readers take differently."
            key = _key(fields.get("writeKey"))
            return Refusal(400, Reason.DUPLICATE_KEY, f"{detail} Send it once.", key)
    return _envelope(fields, list(map(read_event, parts.items)), limits)


_SHAPE = Shape(("batch",), lambda item: item.get("type") in CALLS)
_ENVELOPE = ("writeKey", "batch", "context", "sentAt")


def _exact_texts(document: Any, items: list[Any], body: bytes) -> list[bytes] | None:
    """Return the text of each event as it was sent; None where a key may stand twice in the body.

    Most clients write JSON as orjson does: the events, written again, are then found in the body,
    which answers both at once.
    """
    start = body.find(_BATCH) + len(_BATCH)
    try:
        texts = list(map(orjson.dumps, items)) if _is_written_alike(items, body, start) else []
    except orjson.JSONEncodeError:
        texts = []
    written = b",".join(texts)
    if texts and body.startswith(written, start):
        envelope = body[:start] + body[start + len(written) :]
        if _is_plain_envelope(envelope):
            return texts
    if not has_unique_keys(body, document):
        return None
    return [bytes(raw) for raw in _batch_texts.decode(body).batch]


_BATCH = b'"batch":['


def _is_written_alike(items: list[Any], body: bytes, start: int) -> bool:
    return bool(items) and body.startswith(orjson.dumps(items[0]), start)


def _is_plain_envelope(envelope: bytes) -> bool:
    """Whether a body without its events is JSON with an empty `batch`, and no key stands twice."""
    try:
        document = orjson.loads(envelope)
    except orjson.JSONDecodeError:
        return False
    return document.get("batch") == [] and has_unique_keys(envelope, document)
