"""What a body holds is counted before it is built: exactly at the limit, never too little."""

import json
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from funnelhouse.ingest.collector.body_scan import (
    json_values,
    protobuf_values,
    too_many_messages,
    too_many_values,
)
from funnelhouse.ingest.validation.limits import Limits
from tests.ingest.validation.test_limits import VALUES, text_of

ALL = 1 << 40


def values(value: Any) -> int:
    """Count what takes a comma or an opening: all but the first of each array and object."""
    if isinstance(value, (dict, list)):
        children = list(value.values()) if isinstance(value, dict) else value
        return 1 + max(len(children) - 1, 0) + sum(map(values, children))
    return 0


@given(value=VALUES)
def test_values_of_any_json(value: Any) -> None:
    """Values are counted as their definition has it, whatever stands in texts."""
    assert json_values(text_of(value), ALL) == values(value)


def test_a_text_across_pieces_is_one() -> None:
    """A text of many kilobytes full of commas and quotes counts as one value."""
    inside = ',[{\\"\\\\' * 40_000
    assert json_values(f'{{"a":"{inside}","b":[1,2]}}'.encode(), ALL) == 4


@pytest.mark.parametrize(("items", "refused"), [(999, False), (1_000, True)])
def test_the_limit_of_values(items: int, refused: bool) -> None:  # noqa: FBT001 - of the table
    """As many values as the limit pass, one more is refused, commas in texts aside."""
    body = json.dumps([1] * items + [",[{" * 5_000]).encode()
    found = too_many_values(body, replace(Limits(), max_values=1_000))
    assert (found is not None) is refused
    assert found is None or found.status == 413


def export(records: int, attributes: int) -> bytes:
    """Write a protobuf of records with some attributes each."""
    pairs = [{"key": f"k{n}", "value": {"stringValue": "v"}} for n in range(attributes)]
    logs = {"logRecords": [{"body": {"stringValue": "*" * 99}, "attributes": pairs}] * records}
    document = {"resourceLogs": [{"scopeLogs": [logs]}]}
    return ParseDict(document, ExportLogsServiceRequest()).SerializeToString()


@pytest.mark.parametrize(("records", "attributes"), [(0, 0), (1, 0), (3, 2), (20, 30)])
def test_values_of_a_protobuf(records: int, attributes: int) -> None:
    """Of a record its own message, its body with a text, and four for each attribute."""
    assert protobuf_values(export(records, attributes), ALL) == 2 + records * (3 + 4 * attributes)


@pytest.mark.parametrize(("records", "refused"), [(90, False), (91, True)])
def test_the_limit_of_a_protobuf(records: int, refused: bool) -> None:  # noqa: FBT001 - of the table
    """As many messages and texts as the limit pass, one more is refused."""
    limits = replace(Limits(), max_values=2 + 90 * 11)
    assert (too_many_messages(export(records, 2), limits) is not None) is refused


@given(st.binary(max_size=200))
def test_any_bytes_are_counted(body: bytes) -> None:
    """No bytes raise or count as more than half of them."""
    assert 0 <= protobuf_values(body, ALL) <= len(body) / 2 + 1
