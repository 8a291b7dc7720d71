"""One event's text, whatever it holds: read, or told why not and what it seems to be."""

from random import Random
from typing import Any

import orjson
import pytest

from funnelhouse.ingest.collector.event_reader import read_event
from funnelhouse.ingest.validation.event import Odd

SEED = b'{"type":"track","event":["x"],"messageId":[],"userId":"u","p":{"a":[1,{"b":"c"}],"n":1.5}}'
PIECES = [
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\xff", b"\x00", b"NaN", b"1e999"),
    *(b"null", rb"\ud800", b"", b"[]", b'"type":[]', b'"a":1,"a":2', b'"type":[],"type":{}'),
]


@pytest.mark.parametrize("value", ["[]", "[[]]", "{}", "null", '[null,"page"]', "5"])
@pytest.mark.parametrize("field", ["type", "event", "messageId"])
def test_odd_names_of_an_odd_event(field: str, value: str) -> None:
    """An event that is rejected for its text may hold anything where its name should be."""
    read = read_event(f'{{"{field}":{value},"n":NaN}}'.encode())
    assert isinstance(read.item, Odd)
    assert read.item.rejection.reason == "unreadable_event"


@pytest.mark.parametrize(
    ("text", "item"),
    [
        (b'{"event":"a","event":"b"}', {"event": "b"}),
        (b'{"t":{"a":1},"t":{"b":2}}', {"t": {"a": 1, "b": 2}}),
        (b'{"t":1,"t":[2],"t":{}}', {"t": [1, 2, {}]}),
        (b'{"t":{"a":1},"t":{"a":{"b":1}},"t":{}}', {"t": {"a": [1, {"b": 1}]}}),
    ],
)
def test_all_values_of_a_duplicate_key(text: bytes, item: dict[str, Any]) -> None:
    """A rejected event holds every value of its duplicate keys, so that each can be hidden."""
    read = read_event(text)
    assert isinstance(read.item, Odd)
    assert dict(read.item) == item


def test_no_text_is_a_fault() -> None:
    """2,000 mutations of an event are each read as orjson does, or rejected without a fault."""
    random = Random(2026)
    for _ in range(2_000):
        text = bytearray(SEED)
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(len(text))
            text[at : at + random.randrange(4)] = random.choice(PIECES)
        read = read_event(bytes(text))
        assert read.text == text
        if read.item is not None and not isinstance(read.item, Odd):
            assert read.item == orjson.loads(text)
