"""OpenTelemetry logs (OTLP/HTTP 1.x, JSON and protobuf): each log record is a log event.

What has no field of ours stays in `context.otlp`: the resource, the scope and the record's rest.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from funnelhouse.ingest.collector.batch_limits import too_many_events, too_much_added
from funnelhouse.ingest.collector.body_scan import too_many_messages, too_many_values
from funnelhouse.ingest.collector.protocols.otlp_protobuf import from_protobuf
from funnelhouse.ingest.collector.protocols.otlp_request import Group, camel, from_json
from funnelhouse.ingest.collector.protocols.segment import as_text
from funnelhouse.ingest.validation.event import Envelope, Odd, RawEvent
from funnelhouse.ingest.validation.limits import DEFAULT_LIMITS, Limits
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.ingest.validation.rejection import Reason, Rejection

PATH = "/v1/logs"
PROTOBUF = "application/x-protobuf"
_NAME = "log_recorded"
_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
_OF_TEXT = {"warning": "warn", "critical": "fatal", "notice": "info", "information": "info"}
_LEVELS_OF_FOUR = 4
_MAX_ATTRIBUTES = 100  # of the event's schema; those above stay in the context
_OWN = ("timeUnixNano", "severityNumber", "body", "attributes", "traceId", "spanId")
_REJECTED = "The view rejected_events says why."
_SHAPE = Refusal(
    400, "unreadable_body", "The body must be an ExportLogsServiceRequest as protobuf or JSON."
)


def decode(body: bytes, content_type: str, limits: Limits = DEFAULT_LIMITS) -> Envelope | Refusal:
    """Decode an ExportLogsServiceRequest; a retry of it gives its events the same ids.

    A record that cannot be read is rejected alone; where none can, the request is refused (OTLP
    1.x, OTLP/HTTP response, bad data).
    """
    is_protobuf = PROTOBUF in content_type
    refusal = (too_many_messages if is_protobuf else too_many_values)(body, limits)
    if refusal is not None:
        return refusal
    try:
        groups = from_protobuf(body) if is_protobuf else from_json(body)
    except (ValueError, TypeError):
        return _SHAPE
    added = sum(map(_added_bytes, groups))
    records = sum(len(group.records) for group in groups)
    refusal = too_many_events(records, len(body), limits) or too_much_added(added, limits)
    if refusal is not None:
        return refusal
    events = list(_events(groups))
    if events and all(isinstance(event.item, Odd) for event in events):
        return _SHAPE
    return Envelope("", None, events, added)


def response(rejected: int, *, as_protobuf: bool) -> bytes:
    """Write an ExportLogsServiceResponse; without rejected records it is an empty message."""
    if not rejected:
        return b"" if as_protobuf else b"{}"
    if not as_protobuf:
        partial = {"rejectedLogRecords": str(rejected), "errorMessage": _REJECTED}
        return orjson.dumps({"partialSuccess": partial})
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (  # noqa: PLC0415 - as below
        ExportLogsPartialSuccess,
        ExportLogsServiceResponse,
    )

    told = ExportLogsPartialSuccess(rejected_log_records=rejected, error_message=_REJECTED)
    written: bytes = ExportLogsServiceResponse(partial_success=told).SerializeToString()
    return written


def _added_bytes(group: Group) -> int:
    """Count what a resource and a scope add to their records, each of which repeats them."""
    shared = len(as_text(group.resource)) + len(as_text(group.scope))
    return shared * len(group.records)


def _events(groups: Iterable[Group]) -> Iterator[RawEvent]:
    index = 0
    for group in groups:
        for record in group.records:
            yield _event_or_odd(index, group, record)
            index += 1


def _event_or_odd(index: int, group: Group, record: RawEvent) -> RawEvent:
    """Make a record an event, or the rejected one that it is."""
    rejection = _rejection(record.item) or _rejection(group.resource) or _rejection(group.scope)
    text = record.text or as_text(record.item)
    if rejection is None:
        try:
            return _event(index, camel(group.resource), camel(group.scope), camel(record.item))
        except (ValueError, TypeError, AttributeError):
            rejection = _NO_RECORD
    return RawEvent(Odd({"type": "track", "event": _NAME}, rejection), text)


_NO_RECORD = Rejection(
    Reason.UNREADABLE_EVENT,
    "$",
    "The log record, its resource or scope is none of OTLP's; mend the exporter.",
)


def _rejection(read: Any) -> Rejection | None:
    return read.rejection if isinstance(read, Odd) else None


def _event(
    index: int, resource: dict[str, Any], scope: dict[str, Any], record: dict[str, Any]
) -> RawEvent:
    about = _attributes(resource.get("attributes"))
    attributes = _attributes(record.get("attributes"))
    shown = dict(list(attributes.items())[:_MAX_ATTRIBUTES])
    properties = {
        "service": str(about.get("service.name", "unknown_service")),
        "level": _level(record),
        "message": _message(record.get("body")),
        "logger": scope.get("name"),
        "environment": about.get(
            "deployment.environment.name", about.get("deployment.environment")
        ),
        "release": about.get("service.version"),
        "trace_id": record.get("traceId"),
        "span_id": record.get("spanId"),
        "attributes": shown,
    }
    rest = {name: value for name, value in record.items() if name not in _OWN}
    more = {name: value for name, value in attributes.items() if name not in shown}
    context = {
        "library": {
            "name": about.get("telemetry.sdk.name", "opentelemetry"),
            "version": str(about.get("telemetry.sdk.version", "")),
        },
        "app": {"version": properties["release"]} if properties["release"] else None,
        "otlp": {
            "resource": about,
            "scope": scope,
            **rest,
            **({"attributes": more} if more else {}),
        },
    }
    item = {
        "type": "track",
        "event": _NAME,
        "messageId": _id(index, resource, scope, record),
        "timestamp": _time(record),
        "properties": {name: value for name, value in properties.items() if value},
        "context": {name: value for name, value in context.items() if value},
    }
    return RawEvent(item, as_text(item))


def _id(index: int, *parts: Any) -> str:
    """Make an id of what was sent: OTLP has none, and an exporter that retries sends the same."""
    text = b"\0".join([b"%d" % index, *map(as_text, parts)])
    return "otlp-" + hashlib.sha256(text).hexdigest()[:40]


def _time(record: dict[str, Any]) -> str | None:
    """Give the time of a record in seconds with microseconds, by its occurrence or observation."""
    nanoseconds = _whole(record.get("timeUnixNano") or record.get("observedTimeUnixNano") or 0)
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    return f"{seconds}.{fraction // 1000:06d}" if seconds else None


def _level(record: dict[str, Any]) -> str:
    """Read the severity: numbers go in fours from trace (1) to fatal (24), else its text."""
    sent = record.get("severityNumber", 0)
    number = _SEVERITIES[sent] if sent in _SEVERITIES else _whole(sent)
    if 1 <= number <= _LEVELS_OF_FOUR * len(_LEVELS):
        return _LEVELS[(number - 1) // _LEVELS_OF_FOUR]
    text = str(record.get("severityText", "")).lower()
    text = _OF_TEXT.get(text, text)
    return text if text in _LEVELS else "info"


_SEVERITIES = {
    f"SEVERITY_NUMBER_{level.upper()}{step or ''}": 4 * place + max(step, 1)
    for place, level in enumerate(_LEVELS)
    for step in (0, 2, 3, 4)
} | {"SEVERITY_NUMBER_UNSPECIFIED": 0}
"""OTLP's JSON wants the number; ProtoJSON, from which many exporters come, writes the name."""


def _whole(value: Any) -> int:
    """Read a whole number, which JSON may have as text."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    return int(value)


def _message(body: Any) -> str:
    value = _value(body)
    return value if type(value) is str else as_text(value).decode() if value is not None else ""


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.get("key") or "": _value(pair.get("value")) for pair in pairs or ()}


def _value(value: Any) -> Any:
    """Read an AnyValue, null where it has none; 64-bit numbers come as text in JSON."""
    for kind, held in camel(value or {}).items():
        match kind:
            case "intValue":
                return _whole(held)
            case "doubleValue":
                return held if type(held) in (int, float) else str(held)
            case "arrayValue":
                return [_value(one) for one in held.get("values") or ()]
            case "kvlistValue":
                return _attributes(held.get("values"))
            case _:
                return held
    return None
