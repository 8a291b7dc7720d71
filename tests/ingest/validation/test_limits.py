import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.ingest.validation.limits import Limits, too_deep, too_long

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=30,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, child in value.items() for text in (key, *strings(child))]
    return [text for child in value for text in strings(child)] if isinstance(value, list) else []


def text_of(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_defaults_take_what_segment_takes() -> None:
    """An event of 32 KiB and a batch of 2,500 pass by default, and age is no limit."""
    limits = Limits()
    assert (limits.max_event_bytes, limits.max_batch_events) == (32 * 1024, 2_500)
    assert limits.max_age_ms == 0


@pytest.mark.parametrize(
    ("text", "max_depth", "expected"),
    [
        ("1", 0, False),
        ("{}", 0, True),
        ("{}", 1, False),
        ('{"a":[]}', 1, True),
        ('{"a":[]}', 2, False),
        ('{"a":{"b":{"c":1}}}', 2, True),
        ('{"a":{"b":{"c":1}}}', 3, False),
        ('{"a":[{},{},{},{"b":[]}]}', 3, True),
        ('{"a":[{},{},{},{"b":[]}]}', 4, False),
        ('{"a":"{[{[{["}', 1, False),
        ('"[["', 1, False),
    ],
)
def test_depth_counts_objects_and_arrays_around_each_other(
    text: str,
    max_depth: int,
    expected: bool,  # noqa: FBT001  # a known answer of the table
) -> None:
    """Depth is the number of brackets open at once, and brackets in strings are none."""
    assert too_deep(text.encode(), json.loads(text), max_depth) is expected


@given(value=VALUES, max_depth=st.integers(0, 6))
def test_depth_agrees_with_its_recursive_definition(value: Any, max_depth: int) -> None:
    """The walk by levels finds the depth that the definition gives."""
    assert too_deep(text_of(value), value, max_depth) is (depth(value) > max_depth)


def test_depth_beyond_the_interpreters_stack_is_measured() -> None:
    """A hundred thousand nested arrays neither raise nor pass."""
    text = b"[" * 100_000 + b"]" * 100_000
    assert too_deep(text, nested(100_000), 99_999)
    assert not too_deep(text, nested(100_000), 100_000)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"properties": {"note": "x" * 11}}, "$.properties.note"),
        ({"properties": {"note": "x" * 10}}, None),
        ({"a": ["x", {"b": "x" * 11}]}, "$.a[1].b"),
        ({"a": {"b": 1}, "c": [[], "x" * 11]}, "$.c[1]"),
        ({"a": {"b": "x" * 11}, "c": "x" * 12}, "$.a.b"),
        ({"c": "x" * 12, "a": {"b": "x" * 11}}, "$.c"),
        ({"odd key": {'"': "x" * 11}}, '$["odd key"]["\\""]'),
        ({"0a": "x" * 11}, '$["0a"]'),
        ({"지원": "가" * 11}, "$.지원"),
        ({"지원": "가" * 10}, None),
        ({"1차 지원": "가" * 11}, '$["1차 지원"]'),
        (["x" * 11], "$[0]"),
        ("x" * 11, "$"),
        (12345678901, None),
        ({"a": {"k" * 11: 1}}, "$.a.kkkkkkkkkkk…"),
        ({"k" * 50: "x"}, "$." + "k" * 40 + "…"),
    ],
)
def test_first_long_string_is_named_by_its_path(value: object, path: str | None) -> None:
    """The path is that of the first string or key in the document over ten characters."""
    assert too_long(text_of(value) + b" " * 11, value, 10) == path


@given(value=VALUES, longest=st.integers(0, 9))
def test_long_strings_are_found_wherever_they_stand(value: Any, longest: int) -> None:
    """A path comes out exactly when some string or key is too long."""
    expected = any(len(text) > longest for text in strings(value))
    assert (too_long(text_of(value), value, longest) is not None) is expected


def test_strings_beyond_the_interpreters_stack_are_found() -> None:
    """A string under a hundred thousand arrays is found without recursion."""
    value: Any = "x" * 11
    for _ in range(100_000):
        value = [value]
    assert too_long(b" " * 100_000, value, 10) == "$" + "[0]" * 100_000
