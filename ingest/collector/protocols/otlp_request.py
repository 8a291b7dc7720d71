"""An ExportLogsServiceRequest as JSON or protobuf, read into its groups of log records.

A record that no reader takes is told from its neighbours, and handed on as `Odd`.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from funnelhouse.ingest.collector.batch_splitter import Budget, Parts, Shape, split
from funnelhouse.ingest.collector.event_reader import read_event
from funnelhouse.ingest.validation.duplicate_keys import has_unique_keys
from funnelhouse.ingest.validation.event import RawEvent


class Group(NamedTuple):
    """The records of one scope of one resource, and those two; each is in the form of JSON."""

    resource: Any
    scope: Any
    records: list[RawEvent]


def camel(message: Any) -> dict[str, Any]:
    """Name a message's fields in lowerCamelCase, where it has their original names.

    ProtoJSON takes both, and null for what is not set.

    Raises:
        TypeError: it is no message.
    """
    if not isinstance(message, dict):
        raise TypeError
    fields: dict[str, Any] = message
    return {_NAMES.get(name, name): value for name, value in fields.items() if value is not None}


_FIELDS = (
    *("resource_logs", "scope_logs", "log_records", "schema_url", "dropped_attributes_count"),
    *("time_unix_nano", "observed_time_unix_nano", "severity_number", "severity_text"),
    *("trace_id", "span_id", "event_name", "string_value", "bool_value", "int_value"),
    *("double_value", "array_value", "kvlist_value", "bytes_value", "entity_refs"),
)


def _in_camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


_NAMES = {name: _in_camel_case(name) for name in _FIELDS}


def from_json(body: bytes) -> list[Group]:
    """Read a request in JSON.

    Raises:
        TypeError, ValueError: it is none, and its records cannot be told apart.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        return list(_of_parts(body))
    if not has_unique_keys(body, request):
        return list(_of_parts(body))
    return [
        Group(logs.get("resource", {}), of_scope.get("scope", {}), _records(of_scope))
        for logs in map(camel, camel(request).get("resourceLogs", ()))
        for of_scope in map(camel, logs.get("scopeLogs", ()))
    ]


def _records(of_scope: dict[str, Any]) -> list[RawEvent]:
    return [RawEvent(record, b"") for record in of_scope.get("logRecords", ())]


def _shape(*names: str, holds: set[str]) -> Shape:
    return Shape(names, lambda item: not holds.isdisjoint(item))


_RESOURCES = _shape("resourceLogs", "resource_logs", holds={"scopeLogs", "scope_logs"})
_SCOPES = _shape("scopeLogs", "scope_logs", holds={"logRecords", "log_records"})
_RECORDS = _shape(
    "logRecords",
    "log_records",
    holds={"body", "timeUnixNano", "time_unix_nano", "severityNumber", "severity_number"},
)


def _of_parts(body: bytes) -> Iterator[Group]:
    """Read a request's records one by one, where it is no JSON or gives a key twice."""
    budget = Budget()
    for logs in _split(body, _RESOURCES, budget).items:
        of_resource = _split(logs, _SCOPES, budget)
        resource = _field(of_resource, "resource")
        for of_scope in of_resource.items:
            parts = _split(of_scope, _RECORDS, budget)
            yield Group(resource, _field(parts, "scope"), list(map(read_event, parts.items)))


def _split(body: bytes, shape: Shape, budget: Budget) -> Parts:
    parts = split(body, shape, budget)
    if parts is None:
        raise ValueError
    return parts


def _field(parts: Parts, name: str) -> Any:
    """Read a field beside a list; one that stands twice is no message, so nobody reads on."""
    texts = [text for field, text in parts.fields if field == name]
    if len(texts) > 1:
        return None
    return read_event(texts[0]).item if texts and texts[0] != b"null" else {}
