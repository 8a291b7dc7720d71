"""OpenTelemetry log records as log events: known answers for levels, values, times and ids."""

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from funnelhouse.ingest.collector.protocols.otlp import PROTOBUF, decode
from funnelhouse.ingest.validation.event import Envelope, Odd
from funnelhouse.ingest.validation.refusal import Refusal
from tests.conftest import RunningCollector

SERVICE = {"attributes": [{"key": "service.name", "value": {"stringValue": "api"}}]}


def request(*records: Any) -> bytes:
    """Write an export of records as OTLP's JSON."""
    logs = {"scope": {"name": "checkout"}, "logRecords": list(records)}
    return json.dumps({"resourceLogs": [{"resource": SERVICE, "scopeLogs": [logs]}]}).encode()


def events(body: bytes, kind: str = "application/json") -> list[Any]:
    """Decode an export that can be read."""
    read = decode(body, kind)
    assert isinstance(read, Envelope)
    return [event.item for event in read.events]


@pytest.mark.parametrize(
    ("record", "level"),
    [
        ({"severityNumber": 1}, "trace"),
        ({"severityNumber": 8}, "debug"),
        ({"severityNumber": 9}, "info"),
        ({"severityNumber": 16}, "warn"),
        ({"severityNumber": 17}, "error"),
        ({"severityNumber": 24}, "fatal"),
        ({"severityText": "CRITICAL"}, "fatal"),
        ({"severityText": "Warning"}, "warn"),
        ({"severityText": "odd", "severityNumber": 99}, "info"),
        ({}, "info"),
    ],
)
def test_levels(record: Any, level: str) -> None:
    """Severity numbers go in fours (OpenTelemetry, logs data model); else the text counts."""
    (event,) = events(request(record))
    assert event["properties"]["level"] == level


def test_values() -> None:
    """Every kind of value comes back as JSON has it; a structured body is a message as JSON."""
    value = {
        "kvlistValue": {
            "values": [
                {"key": "i", "value": {"intValue": "9007199254740993"}},
                {"key": "d", "value": {"doubleValue": 0.5}},
                {"key": "b", "value": {"boolValue": False}},
                {"key": "l", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {}]}}},
                {"key": "e", "value": {}},
            ]
        }
    }
    record = {"body": value, "attributes": [{"key": "all", "value": value}]}
    (event,) = events(request(record))
    plain = {"i": 9007199254740993, "d": 0.5, "b": False, "l": ["x", None], "e": None}
    assert event["properties"]["attributes"] == {"all": plain}
    assert json.loads(event["properties"]["message"]) == plain


def test_times_and_what_is_left() -> None:
    """A record's time is kept to the microsecond; what has no field of ours stays."""
    record = {"timeUnixNano": "1722211200123456789", "observedTimeUnixNano": "1", "flags": 1}
    (event,) = events(request(record))
    assert event["timestamp"] == "1722211200.123456"
    left = {"resource": {"service.name": "api"}, "scope": {"name": "checkout"}}
    assert event["context"]["otlp"] == left | {"observedTimeUnixNano": "1", "flags": 1}


def test_more_attributes_than_an_event_takes() -> None:
    """Attributes beyond the hundredth stay in the context."""
    pairs = [{"key": f"k{n}", "value": {"intValue": n}} for n in range(103)]
    (event,) = events(request({"attributes": pairs}))
    assert len(event["properties"]["attributes"]) == 100
    assert event["context"]["otlp"]["attributes"] == {"k100": 100, "k101": 101, "k102": 102}


def test_a_retry_has_the_same_ids() -> None:
    """The same export has the same ids, two records alike in it have two."""
    body = request({"body": {"stringValue": "x"}}, {"body": {"stringValue": "x"}})
    first, second = ([event["messageId"] for event in events(body)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2


def test_protobuf_is_read_like_json() -> None:
    """The same records as protobuf are the same events, trace ids in hexadecimal."""
    export = ExportLogsServiceRequest()
    logs = export.resource_logs.add()
    logs.resource.attributes.add(key="service.name").value.string_value = "api"
    record = logs.scope_logs.add().log_records.add(severity_number=17)
    record.trace_id, record.span_id = bytes(range(16)), bytes(range(8))
    record.body.string_value = "x"
    record.attributes.add(key="n").value.int_value = 7
    (event,) = events(export.SerializeToString(), PROTOBUF)
    assert event["properties"] == {
        "service": "api",
        "level": "error",
        "message": "x",
        "trace_id": "000102030405060708090a0b0c0d0e0f",
        "span_id": "0001020304050607",
        "attributes": {"n": 7},
    }


def test_the_number_of_rejected_records_is_told(collector: RunningCollector) -> None:
    """An exporter is answered in its encoding: empty when all is taken, else how many are not."""
    good = {"body": {"stringValue": "x"}}
    for records, rejected in (([good], 0), ([good, {"body": {"stringValue": "x" * 9_000}}], 1)):
        answer = collector.client.post("/v1/logs?writeKey=app", content=request(*records))
        told = answer.json().get("partialSuccess", {})
        assert (answer.status_code, int(told.get("rejectedLogRecords", 0))) == (200, rejected)
        export = ParseDict(json.loads(request(*records)), ExportLogsServiceRequest())
        answer = collector.client.post(
            "/v1/logs?writeKey=app",
            content=export.SerializeToString(),
            headers={"content-type": PROTOBUF},
        )
        assert answer.headers["content-type"] == PROTOBUF
        read = ExportLogsServiceResponse.FromString(answer.content)
        assert read.partial_success.rejected_log_records == rejected
    unknown = collector.client.post("/v1/logs?writeKey=none", content=request(good))
    assert unknown.status_code == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"resourceLogs": 5}', "application/json"),
        (b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [7]}]}]}', "application/json"),
        (b"\xff\xff", PROTOBUF),
    ],
)
def test_other_bodies(body: bytes, kind: str) -> None:
    """A body that is no export is refused."""
    read = decode(body, kind)
    assert isinstance(read, Refusal)
    assert read.status == 400


ODD = [
    '{"body":{"doubleValue":NaN}}',
    '{"body":{"doubleValue":1e400}}',
    '{"body":{"stringValue":"a\x01b"}}',
    '{"body":{"stringValue":"a\nb"}}',
    r'{"body":{"stringValue":"\ud83d"}}',
    '{"body":{"stringValue":"open}}',
    '{"body":{"stringValue":"x"},}',
    '{"body":{"stringValue":"x","stringValue":"y"}}',
    "7",
    "null",
    '{"severityNumber":"SEVERITY_NUMBER_LOUD"}',
    '{"severityNumber":{}}',
    '{"severityNumber":9.5}',
    '{"timeUnixNano":"yesterday"}',
    '{"attributes":[7]}',
    '{"attributes":{"a":1}}',
    '{"body":"text"}',
    '{"body":{"intValue":"1.5"}}',
    '{"body":{"arrayValue":[]}}',
]
GOOD = '{"body":{"stringValue":"good"}}'


@pytest.mark.parametrize("odd", ODD)
def test_one_odd_record_is_rejected_alone(collector: RunningCollector, odd: str) -> None:
    """The others of its request are taken, and the exporter is told of one rejected record."""
    body = request(0, 0, 0).decode().replace("0, 0, 0", f"{GOOD}, {odd}, {GOOD}").encode()
    answer, rows = collector.take("/v1/logs?writeKey=app", body)
    told = answer.json()["partialSuccess"]
    assert (answer.status_code, told["rejectedLogRecords"]) == (200, "1")
    assert told["errorMessage"]
    assert [row["reason"] != "" for row in rows] == [False, True, False]
    assert [row["event_name"] for row in rows] == ["log_recorded"] * 3
    assert odd[:20] in rows[1]["payload"].decode()
    assert json.loads(rows[0]["payload"])["properties"]["service"] == "api"


def test_bytes_that_are_no_utf_8(collector: RunningCollector) -> None:
    """A record of broken text is rejected alone, in JSON and in protobuf."""
    export = ParseDict(
        json.loads(request(*[{"body": {"stringValue": "MARK"}}] * 2)), ExportLogsServiceRequest()
    )
    for content, kind in (
        (request(*[{"body": {"stringValue": "MARK"}}] * 2), "application/json"),
        (export.SerializeToString(), PROTOBUF),
    ):
        odd = content.replace(b"MARK", b"\xff\xfe\xfd\xfc", 1)
        headers = {"content-type": kind}
        answer, rows = collector.take("/v1/logs?writeKey=app", odd, headers=headers)
        assert answer.status_code == 200
        assert [row["reason"] for row in rows] == ["unreadable_event", ""]
        assert b"\xff" not in rows[0]["payload"]
        assert json.loads(rows[1]["payload"])["properties"]["service"] == "api"


@pytest.mark.parametrize(
    ("number", "level"),
    [
        ("SEVERITY_NUMBER_INFO", "info"),
        ("SEVERITY_NUMBER_TRACE", "trace"),
        ("SEVERITY_NUMBER_FATAL4", "fatal"),
        ("SEVERITY_NUMBER_UNSPECIFIED", "info"),
        ("17", "error"),
        (None, "info"),
    ],
)
def test_severity_by_its_name(number: Any, level: str) -> None:
    """ProtoJSON writes the name of an enum's value; both are read."""
    (event,) = events(request({"severityNumber": number}))
    assert event["properties"]["level"] == level


def test_original_names_of_fields() -> None:
    """ProtoJSON takes a field by its original name, too, and null for what is not set."""
    record = {
        "time_unix_nano": "1722211200123456789",
        "severity_number": 17,
        "severity_text": None,
        "trace_id": "00ff",
        "attributes": [
            {"key": "한글", "value": {"string_value": "값 😀"}},
            {"key": "none", "value": None},
            {"key": "list", "value": {"array_value": {"values": None}}},
        ],
    }
    logs = {"scope": None, "log_records": [record], "schema_url": "x"}
    body = {"resource_logs": [{"resource": SERVICE, "scope_logs": [logs]}]}
    (event,) = events(json.dumps(body, ensure_ascii=False).encode())
    assert event["timestamp"] == "1722211200.123456"
    assert event["properties"] == {
        "service": "api",
        "level": "error",
        "trace_id": "00ff",
        "attributes": {"한글": "값 😀", "none": None, "list": []},
    }


def test_an_odd_resource_rejects_its_records() -> None:
    """Records of a resource that cannot be read are rejected, those of others are not."""
    good = request({"body": {"stringValue": "x"}}).decode()[len('{"resourceLogs": [') : -2]
    odd = good.replace('"api"', "NaN")
    read = decode(f'{{"resourceLogs": [{odd}, {good}]}}'.encode(), "application/json")
    assert isinstance(read, Envelope)
    assert [isinstance(event.item, Odd) for event in read.events] == [True, False]
