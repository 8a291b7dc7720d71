"""OpenTelemetry logs (OTLP/HTTP 1.x, JSON and protobuf): each log record is a log event.

What has no field of ours stays in `context.otlp`: the resource, the scope and the record's rest.
"""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from ingest.batch import too_much_added
from ingest.event import Envelope, RawEvent
from ingest.limits import DEFAULT_LIMITS, Limits
from ingest.protocols.segment import as_text
from ingest.refusal import Refusal
from ingest.scan import too_many_messages, too_many_values

PATH = "/v1/logs"
PROTOBUF = "application/x-protobuf"
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
    """Decode an ExportLogsServiceRequest; a retry of it gives its events the same ids."""
    scan = too_many_messages if PROTOBUF in content_type else too_many_values
    refusal = scan(body, limits)
    if refusal is not None:
        return refusal
    try:
        request = _from_protobuf(body) if PROTOBUF in content_type else orjson.loads(body)
        added = _added_bytes(request)
        refusal = too_much_added(added, limits)
        if refusal is not None:
            return refusal
        events = [_event(index, *record) for index, record in enumerate(_records(request))]
    except (ValueError, TypeError, AttributeError, KeyError):
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


def _from_protobuf(body: bytes) -> Any:
    """Bring a protobuf body into the form of OTLP's JSON."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - 10 MB that few need
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - as above
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (  # noqa: PLC0415 - as above
        ExportLogsServiceRequest,
    )

    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise ValueError from error
    document = MessageToDict(request, use_integers_for_enums=True)
    for _, _, record in _records(document):
        for name in ("traceId", "spanId"):  # Base64 in protobuf's own JSON, hexadecimal in OTLP's
            if name in record:
                record[name] = base64.b64decode(record[name]).hex()
    return document


def _added_bytes(request: Any) -> int:
    """Count what resources and scopes add to their records, each of which repeats them."""
    total = 0
    for resource_logs in request.get("resourceLogs", ()):
        resource = len(as_text(resource_logs.get("resource", {})))
        for scope_logs in resource_logs.get("scopeLogs", ()):
            shared = resource + len(as_text(scope_logs.get("scope", {})))
            total += shared * len(scope_logs.get("logRecords", ()))
    return total


def _records(request: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Walk the records, each with its resource and scope."""
    for resource_logs in request.get("resourceLogs", ()):
        for scope_logs in resource_logs.get("scopeLogs", ()):
            for record in scope_logs.get("logRecords", ()):
                yield resource_logs.get("resource", {}), scope_logs.get("scope", {}), record


def _event(index: int, resource: Any, scope: Any, record: dict[str, Any]) -> RawEvent:
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
        "event": "log_recorded",
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
    nanoseconds = int(record.get("timeUnixNano") or record.get("observedTimeUnixNano") or 0)
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    return f"{seconds}.{fraction // 1000:06d}" if seconds else None


def _level(record: dict[str, Any]) -> str:
    """Read the severity: numbers go in fours from trace (1) to fatal (24), else its text."""
    number = int(record.get("severityNumber") or 0)
    if 1 <= number <= _LEVELS_OF_FOUR * len(_LEVELS):
        return _LEVELS[(number - 1) // _LEVELS_OF_FOUR]
    text = str(record.get("severityText", "")).lower()
    text = _OF_TEXT.get(text, text)
    return text if text in _LEVELS else "info"


def _message(body: Any) -> str:
    value = _value(body or {})
    return value if type(value) is str else as_text(value).decode() if value is not None else ""


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair["key"]: _value(pair.get("value", {})) for pair in pairs or ()}


def _value(value: Any) -> Any:
    """Read an AnyValue; 64-bit numbers come as text in JSON."""
    for kind, held in value.items():
        match kind:
            case "intValue":
                return int(held)
            case "doubleValue":
                return held if type(held) in (int, float) else str(held)
            case "arrayValue":
                return [_value(one) for one in held.get("values", ())]
            case "kvlistValue":
                return _attributes(held.get("values"))
            case _:
                return held
    return None
