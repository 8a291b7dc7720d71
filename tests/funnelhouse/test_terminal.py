import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.command_line.escaping import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("슬랙가입 12 %", "슬랙가입 12 %"),
        ("red \x1b[31m", r"red \x1b[31m"),
        ("title \x9b0m", r"title \x9b0m"),
        ("two\nlines\r", r"two\nlines\r"),
        ("bidi \u202e", r"bidi \u202e"),
        ("half \ud800", r"half \ud800"),
    ],
)
def test_known(text: str, shown: str) -> None:
    """What a terminal would obey is written as its escape, all else as it is."""
    assert printable(text) == shown


@given(st.text())
def test_any(text: str) -> None:
    """Whatever comes in, what goes out is printable."""
    assert printable(text).isprintable()
