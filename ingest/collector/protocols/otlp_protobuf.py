"""An ExportLogsServiceRequest in protobuf, read into its groups of log records as JSON has them.

A record that is no message (bytes in a string that are no UTF-8) is told from its neighbours.
"""

import base64
from collections.abc import Iterator
from typing import Any

from funnelhouse.ingest.collector.event_reader import unreadable
from funnelhouse.ingest.collector.protocols.otlp_request import Group
from funnelhouse.ingest.validation.event import Odd, RawEvent


def from_protobuf(body: bytes) -> list[Group]:
    """Read a request in protobuf.

    Raises:
        ValueError: it is none, and its records cannot be told apart.
    """
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - 10 MB that few need
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (  # noqa: PLC0415 - as above
        ExportLogsServiceRequest,
    )

    try:
        return list(_groups(_as_json(ExportLogsServiceRequest.FromString(body))))
    except DecodeError:
        pass
    try:
        return list(_of_parts(body))
    except DecodeError as error:
        raise ValueError from error


def _groups(request: dict[str, Any]) -> Iterator[Group]:
    for logs in request.get("resourceLogs", ()):
        for of_scope in logs.get("scopeLogs", ()):
            records = [RawEvent(_with_hex_ids(one), b"") for one in of_scope.get("logRecords", ())]
            yield Group(logs.get("resource", {}), of_scope.get("scope", {}), records)


def _of_parts(body: bytes) -> Iterator[Group]:
    """Read the records one by one; the numbers are those of the fields in logs.proto."""
    from opentelemetry.proto.common.v1.common_pb2 import (  # noqa: PLC0415 - as above
        InstrumentationScope,
    )
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource  # noqa: PLC0415 - as above

    for logs in _fields(body, 1):
        resource = _message(Resource, _fields(logs, 1))
        for of_scope in _fields(logs, 2):
            scope = _message(InstrumentationScope, _fields(of_scope, 1))
            yield Group(resource, scope, list(map(_record, _fields(of_scope, 2))))


def _record(text: bytes) -> RawEvent:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord  # noqa: PLC0415 - as above

    record = _message(LogRecord, [text])
    if record is None:
        return RawEvent(Odd({}, unreadable("it is no LogRecord in protobuf")), text)
    return RawEvent(_with_hex_ids(record), b"")


def _fields(message: bytes, number: int) -> list[bytes]:
    """Return the bytes of a field of a message, as often as it stands there."""
    from google.protobuf.empty_pb2 import Empty  # noqa: PLC0415 - as above
    from google.protobuf.unknown_fields import UnknownFieldSet  # noqa: PLC0415 - as above

    held = UnknownFieldSet(Empty.FromString(message))
    return [one.data for one in held if one.field_number == number and isinstance(one.data, bytes)]


def _message(kind: Any, texts: list[bytes]) -> dict[str, Any] | None:
    """Read a message, or None where it is none; pieces of one are one (protobuf, encoding)."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - as above

    try:
        return _as_json(kind.FromString(b"".join(texts)))
    except DecodeError:
        return None


def _as_json(message: Any) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - as above

    document: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
    return document


def _with_hex_ids(record: dict[str, Any]) -> dict[str, Any]:
    """Write ids in hexadecimal, as OTLP's JSON does; protobuf's own JSON has them in Base64."""
    for name in ("traceId", "spanId"):
        if name in record:
            record[name] = base64.b64decode(record[name]).hex()
    return record
