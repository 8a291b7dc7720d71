"""Snowplow's tracker protocol: payloads of POST and GET as calls of the tracking API.

Source: Snowplow, "Tracker protocol". What has no field of ours stays in `context.snowplow`, the
entities in `context.entities`.
"""

import base64
import binascii
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any

import orjson

from funnelhouse.ingest.collector.batch_limits import too_many_events
from funnelhouse.ingest.collector.batch_splitter import Budget, Shape, split
from funnelhouse.ingest.collector.body_scan import too_many_values
from funnelhouse.ingest.collector.event_reader import read_event
from funnelhouse.ingest.collector.protocols.segment import as_text
from funnelhouse.ingest.validation.duplicate_keys import has_unique_keys
from funnelhouse.ingest.validation.event import Envelope, Odd, RawEvent
from funnelhouse.ingest.validation.limits import DEFAULT_LIMITS, Limits
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.schemas.trackers import SnowplowNames

POST_PATH = "/com.snowplowanalytics.snowplow/tp2"
GET_PATH = "/i"
_PAYLOAD = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-"
_SESSION = "client_session"
_STRUCTURED = {
    "se_ca": "category",
    "se_ac": "action",
    "se_la": "label",
    "se_pr": "property",
    "se_va": "value",
}
_SHAPE = Refusal(
    400,
    "unreadable_body",
    "The body must be JSON of the schema payload_data 1-0-*, as Snowplow's trackers send it.",
)


def decode(
    body: bytes, names: SnowplowNames, key: str, limits: Limits = DEFAULT_LIMITS
) -> Envelope | Refusal:
    """Decode the body of a POST; every payload in it is one event of the write key."""
    refusal = too_many_values(body, limits)
    if refusal is not None:
        return refusal
    payloads = _payloads(body.removeprefix(BOM_UTF8))
    if payloads is None:
        return _SHAPE._replace(key=key)
    refusal = too_many_events(len(payloads), len(body), limits) or _too_many_inside(
        [payload.item for payload in payloads if isinstance(payload.item, dict)], limits
    )
    if refusal is not None:
        return refusal
    return Envelope(key, None, [_event_or_odd(payload, names) for payload in payloads])


def _too_many_inside(payloads: list[dict[str, Any]], limits: Limits) -> Refusal | None:
    """Count the values in the documents that payloads hold as text, or as Base64 of it."""
    plain = [_text(payload.get(name)) for payload in payloads for name in ("ue_pr", "co")]
    encoded = [_text(payload.get(name)) for payload in payloads for name in ("ue_px", "cx")]
    if sum(map(len, plain)) + sum(map(len, encoded)) <= 2 * limits.max_values:
        return None
    texts = [text.encode("utf-8", "replace") for text in plain]
    return too_many_values(b",".join([*texts, *map(_readable, encoded)]), limits)


def _readable(text: str) -> bytes:
    try:
        return _from_base64(text)
    except (ValueError, binascii.Error):
        return b""


def _payloads(body: bytes) -> list[RawEvent] | None:
    """Read the payloads of a POST, each on its own where the body is odd; None if it is no POST."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _payloads_of_parts(body)
    if not has_unique_keys(body, document):
        return _payloads_of_parts(body)
    payloads = document.get("data") if type(document) is dict else None
    if type(payloads) is not list or not str(document.get("schema")).startswith(_PAYLOAD):
        return None
    return [RawEvent(payload, b"") for payload in payloads]


def _payloads_of_parts(body: bytes) -> list[RawEvent] | None:
    parts = split(body, _PAYLOADS, Budget())
    if parts is None:
        return None
    schemas = [read_event(text).item for name, text in parts.fields if name == "schema"]
    if len(schemas) != 1 or not str(schemas[0]).startswith(_PAYLOAD):
        return None
    return list(map(read_event, parts.items))


_PAYLOADS = Shape(("data",), lambda payload: "e" in payload)


def _event_or_odd(payload: RawEvent, names: SnowplowNames) -> RawEvent:
    event = _event(payload.item, names)
    if isinstance(payload.item, Odd):
        return RawEvent(Odd(event.item, payload.item.rejection), payload.text)
    return payload if payload.text and event.item is None else event


def decode_query(query: Mapping[str, list[str]], names: SnowplowNames, key: str) -> Envelope:
    """Decode the one event of a GET from its query."""
    payload = {name: values[0] for name, values in query.items()}
    return Envelope(key, None, [_event(payload, names)])


def _event(payload: Any, names: SnowplowNames) -> RawEvent:
    if not isinstance(payload, dict):
        return RawEvent(payload, as_text(payload))
    rest = dict(payload)
    call = _call(rest, names)
    entities = _entities(rest)
    item = {
        "type": "track",
        "messageId": rest.pop("eid", None),
        "anonymousId": rest.pop("duid", None) or rest.get("tnuid") or rest.get("nuid"),
        "userId": rest.pop("uid", None),
        **_times(rest),
        **call,
        "context": _context(rest, entities),
    }
    item = {name: value for name, value in item.items() if value is not None}
    return RawEvent(item, as_text(item))


def _times(rest: dict[str, Any]) -> dict[str, Any]:
    """Take a payload's times; a true timestamp needs no correction for the device's clock."""
    true = rest.pop("ttm", None)
    if true is not None:
        return {"timestamp": true}
    return {"timestamp": rest.pop("dtm", None), "sentAt": rest.pop("stm", None)}


def _call(rest: dict[str, Any], names: SnowplowNames) -> dict[str, Any]:
    """Name an event by our names, and take its own fields."""
    kind = rest.pop("e", None)
    if kind == "pv":
        page = {"url": rest.get("url"), "title": rest.get("page"), "referrer": rest.get("refr")}
        return {"type": "page", "properties": {k: v for k, v in page.items() if v is not None}}
    if kind == "pp":
        return {"event": "engaged_time", "properties": {"engaged_ms": names.page_ping_ms}}
    if kind == "se":
        fields = {ours: rest.pop(own) for own, ours in _STRUCTURED.items() if own in rest}
        renaming = names.of_structured(_text(fields.get("category")), _text(fields.get("action")))
        return {"event": renaming.event, "properties": renaming.of(fields)}
    if kind == "ue":
        return _self_describing(rest, names)
    return {"event": kind}


def _self_describing(rest: dict[str, Any], names: SnowplowNames) -> dict[str, Any]:
    described = _inner(_json(rest, "ue_pr", "ue_px"))
    data = described.get("data")
    vendor, name = _schema(described)
    renaming = names.of_schema(vendor, name)
    fields = data if type(data) is dict else {}
    rest["schema"] = described.get("schema")
    return {"event": renaming.event, "properties": renaming.of(fields)}


def _entities(rest: dict[str, Any]) -> list[dict[str, Any]]:
    described = _json(rest, "co", "cx")
    data = described.get("data")
    return [entity for entity in data if type(entity) is dict] if type(data) is list else []


def _context(rest: dict[str, Any], entities: list[dict[str, Any]]) -> dict[str, Any]:
    page = {"url": rest.pop("url", None), "title": rest.pop("page", None)}
    page["referrer"] = rest.pop("refr", None)
    found = {
        "page": {name: value for name, value in page.items() if value is not None},
        "sessionId": rest.pop("sid", None) or _session_of(entities),
        "library": {"name": "snowplow", "version": rest.pop("tv", "")},
        "locale": rest.pop("lang", None),
        "timezone": rest.pop("tz", None),
        "ip": rest.pop("ip", None),
        "userAgent": rest.pop("ua", None),
        "app": {"name": rest.pop("aid")} if "aid" in rest else None,
        "entities": entities,
        "snowplow": rest,
    }
    return {name: value for name, value in found.items() if value}


def _session_of(entities: list[dict[str, Any]]) -> str | None:
    """Find the session in the entity that mobile and server trackers send."""
    for entity in entities:
        data = entity.get("data")
        if _schema(entity)[1] == _SESSION and type(data) is dict:
            return _text(data.get("sessionId")) or None
    return None


def _json(rest: dict[str, Any], plain: str, encoded: str) -> dict[str, Any]:
    """Take a self-describing document, as JSON or as Base64 of it; one that is none stays."""
    for name in (plain, encoded):
        text = rest.get(name)
        if type(text) is not str:
            continue
        try:
            read = orjson.loads(text if name == plain else _from_base64(text))
        except (ValueError, binascii.Error):
            continue
        if type(read) is dict:
            del rest[name]
            return read
    return {}


def _from_base64(text: str) -> bytes:
    padded = text.replace("+", "-").replace("/", "_").rstrip("=")
    return base64.urlsafe_b64decode(padded + "=" * (-len(padded) % 4))


def _inner(described: dict[str, Any]) -> dict[str, Any]:
    data = described.get("data")
    return data if type(data) is dict else {}


def _schema(described: Mapping[str, Any]) -> tuple[str, str]:
    """Read vendor and name of an address such as iglu:com.acme/click/jsonschema/1-0-0."""
    parts = _text(described.get("schema")).removeprefix("iglu:").split("/")
    return (parts[0], parts[1]) if len(parts) > 1 else ("", "")


def _text(value: object) -> str:
    return value if type(value) is str else ""
