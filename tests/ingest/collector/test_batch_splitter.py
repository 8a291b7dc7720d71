"""A batch that is no JSON falls into its parts: known splits, and bodies that cannot be split."""

import time

import pytest

from funnelhouse.ingest.collector.batch_splitter import Budget, Parts, Shape
from funnelhouse.ingest.collector.batch_splitter import split as split_by

SHAPE = Shape(("batch",), lambda item: item.get("type") == "track")


def split(body: bytes) -> Parts | None:
    """Split a body with the work that one body is worth."""
    return split_by(body, SHAPE, Budget())


A = b'{"type":"track","event":"a"}'
B = b'{"type":"track","event":"b","properties":{"l":[{"x":1},{"y":"},{"}]}}'


def items(*texts: bytes, before: bytes = b"", after: bytes = b"") -> list[bytes] | None:
    """Split a batch of these texts, with other fields around it."""
    parts = split(
        b'{"writeKey":"dev",' + before + b'"batch":[' + b",".join(texts) + b"]" + after + b"}"
    )
    return None if parts is None else parts.items


@pytest.mark.parametrize(
    "odd",
    [
        b'{"v":NaN}',
        b'{"v":-Infinity}',
        b'{"v":"\x01"}',
        b'{"v":"a\n\tb"}',
        b'{"v":"\xff\xfe"}',
        rb'{"v":"\ud800"}',
        b'{"v":1,}',
        b"{'v':1}",
        b'{"v":undefined}',
        b'{"v":01}',
        b'{"v":1}x',
        b'{"v":1}{"w":2}',
        b'"text, [and] {more}"',
        b"NaN",
        b'{"v":[1,2}',
        b"{",
        b"}",
        b'{"v":[}',
        b'{"v":{}',
        b'{"v":{}}}',
        b'{"v":[1]]}',
        b'{"v":"open}',
        b'{"v":"a"b"}',
        rb'{"v":"\"}',
        b'{"v":' + b"[" * 5_000,
        b'{"v":' + b'[{"":' * 5_000,
    ],
)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_an_odd_event_is_told_from_its_neighbours(odd: bytes, place: str) -> None:
    """An event with odd values, brackets or quotes ends where the next one begins."""
    texts = [A, B]
    texts.insert(("first", "middle", "last").index(place), odd)
    assert items(*texts, after=b',"sentAt":"x"') == texts


@pytest.mark.parametrize("second", [A, b'{"v":"open too}'])
def test_two_broken_events(second: bytes) -> None:
    """A quote that is lost in one event and found again in a later one swallows none between."""
    assert items(b'{"v":"open}', A, second, B) == [b'{"v":"open}', A, second, B]


def test_blanks_and_fields_in_any_order() -> None:
    """Blanks, line ends and the order of fields are as the sender likes; strings hide brackets."""
    body = (
        b' {\r\n "context" : {"a":"]}"} ,\t"batch" : [ '
        + A
        + b" ,\n"
        + B
        + b' ] , "sentAt":NaN } \n'
    )
    parts = split(body)
    assert parts is not None
    assert parts.items == [A, B]
    assert parts.fields == [("context", b'{"a":"]}"}'), ("sentAt", b"NaN")]


def test_commas_without_an_event() -> None:
    """A comma behind the last event stands for none; two between events for an empty one."""
    assert items(A, b"") == [A]
    assert items(A, b"", B) == [A, b"", B]
    assert items() == []


BODY = b'{"writeKey":"dev","batch":[' + A + b',{"v":NaN},' + B + b'],"sentAt":"x"}'


@pytest.mark.parametrize("length", range(len(BODY)))
def test_a_body_that_is_cut_short_is_not_split(length: int) -> None:
    """Its sender has not sent all of it, so none of its events is taken."""
    assert split(BODY[:length]) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"batch":[]',
        b'{"batch":{}}',
        b'{"batch":[]}x',
        b'{"batch":[]}{"batch":[]}',
        b'{"batch":[]],"a":1}',
        b'{"batch":[] "a":1}',
        b"{batch:[]}",
    ],
)
def test_what_is_no_batch_is_not_split(body: bytes) -> None:
    """A body of another shape, or with something behind it, has no parts."""
    assert split(body) is None


MIB = 1_048_576
DEAREST = [
    b"[" * 4 * MIB,
    b"[]" * 2 * MIB,
    b"1," * 2 * MIB,
    b'"",' * MIB,
    b'",{"type":' * (MIB // 4),
    b',{"type":"track"' * (MIB // 4),
    b",{" * 2 * MIB,
    b"\\" * 4 * MIB,
    b'"' + b"\\" * 4 * MIB,
    b'{"v":"},{"' * (MIB // 3),
    b"]" * 4 * MIB,
    b',{"type":"track","v":"' + b"x" * 60_000 + b"}",
]


@pytest.mark.parametrize("filling", DEAREST, ids=lambda filling: filling[:12].decode())
def test_work_is_bounded(filling: bytes) -> None:
    """No body of 4 MiB takes longer than its share of a generous second of the processor."""
    body = b'{"writeKey":"dev","batch":[{"v":NaN},' + filling * (4 * MIB // len(filling)) + b"]}"
    started = time.process_time()
    split(body)
    assert time.process_time() - started < 1
