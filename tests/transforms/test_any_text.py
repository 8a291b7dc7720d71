import json
import math
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelhouse.transforms.bot import is_bot
from funnelhouse.transforms.campaign import NO_CAMPAIGN, Campaign, merge_campaign, read_campaign
from funnelhouse.transforms.clock import parse_time
from funnelhouse.transforms.device import read_device
from funnelhouse.transforms.identity import event_id
from funnelhouse.transforms.page import registrable_domain, split_page
from funnelhouse.transforms.privacy import hash_personal, hide, is_hashed, mask_ip
from funnelhouse.transforms.referrer import channel

unhurried = settings(deadline=None)  # a busy machine is no fault

DATA = Path(
    os.environ.get("FUNNELHOUSE_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
MEGABYTE = 1_000_000


def _is_text_tuple(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(part, str) for part in value)


# Each function of text, and what every answer of it must be.
TEXT_FUNCTIONS: dict[str, tuple[Callable[[str], Any], Callable[[Any], bool]]] = {
    "parse_time": (parse_time, lambda t: t is None or 0 <= t < 9_214_646_400_000_000),
    "event_id": (lambda text: event_id(text, "web"), lambda i: len(i) == 16),
    "event_id source": (lambda text: event_id("1", text), lambda i: len(i) == 16),
    "split_page": (split_page, _is_text_tuple),
    "split_page host": (lambda text: split_page("https://" + text), _is_text_tuple),
    "registrable_domain": (registrable_domain, lambda d: isinstance(d, str)),
    "read_campaign": (read_campaign, _is_text_tuple),
    "read_campaign value": (lambda text: read_campaign("utm_source=" + text), _is_text_tuple),
    "merge_campaign": (lambda text: merge_campaign(NO_CAMPAIGN, {"name": text}), _is_text_tuple),
    "channel referrer": (lambda text: channel("a.kr", text, NO_CAMPAIGN), _is_text_tuple),
    "channel host": (lambda text: channel(text, "https://" + text, NO_CAMPAIGN), _is_text_tuple),
    "channel utm": (lambda text: channel("", "", Campaign(text, text)), _is_text_tuple),
    "read_device": (read_device, _is_text_tuple),
    "is_bot": (is_bot, lambda b: isinstance(b, bool)),
    "mask_ip": (mask_ip, lambda ip: isinstance(ip, str)),
    "hash_personal": (lambda text: hash_personal(text, b"k"), is_hashed),
    "hide": (lambda text: hide({text: text}, [(text,)], b"k"), lambda p: len(p) == 1),
}
each_function = pytest.mark.parametrize("name", TEXT_FUNCTIONS)


def _check(name: str, text: str) -> None:
    function, holds = TEXT_FUNCTIONS[name]
    assert holds(function(text)), f"{name}({text[:80]!a})"


@each_function
@unhurried
@given(text=st.text(st.characters(exclude_categories=[])))
def test_any_text(name: str, text: str) -> None:
    """Any text, lone surrogates and NUL included, gives a value of the promised kind."""
    _check(name, text)


@each_function
@unhurried
@given(text=st.text("0123456789abcdef-:.T Z+%&=?#/@[]\0\ud800", max_size=60))
def test_text_of_telling_characters(name: str, text: str) -> None:
    """Text made of the characters that formats are made of gives a value too."""
    _check(name, text)


@each_function
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "9",
        "-",
        ".",
        "%",
        "&",
        "a=b&",
        "utm_source=%FF&",
        "/",
        "@",
        "[",
        " ",
        "\x00",
        "�",
        "김",
        "://",
        "cp",
        "ads_",
        "social",
        "ContextualBot",
        "KAKAOTALK",
        "NAVER(inapp;",
        "a.",
    ],
)
def test_a_megabyte(name: str, piece: str) -> None:
    """A megabyte of anything gives a value, within seconds."""
    started = time.process_time()
    _check(name, piece * (MEGABYTE // len(piece)))
    assert time.process_time() - started < 5


@each_function
def test_naughty_strings(name: str) -> None:
    """Each string of the big list of naughty strings gives a value."""
    path = DATA / "blns.json"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: set FUNNELHOUSE_TEST_DATA to its folder")
    strings = json.loads(path.read_text("utf-8"))
    assert len(strings) == 515
    for text in strings:
        _check(name, text)


def _check_json(value: Any) -> None:
    assert parse_time(value) is None or isinstance(parse_time(value), int)
    assert len(event_id(value, "web")) == 16
    assert _is_text_tuple(merge_campaign(NO_CAMPAIGN, value))
    assert is_hashed(hash_personal(value, b"k"))
    hidden = hide({"a": value}, [("a",)], b"k")["a"]
    assert is_hashed(hidden) or value is None or (isinstance(value, str) and not value.strip())


@unhurried
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_any_json(value: Any) -> None:
    """Functions that take any JSON give a value for any."""
    _check_json(value)


def test_json_test_suite() -> None:
    """Functions that take any JSON give a value for whatever the JSON test suite parses to."""
    path = DATA / "JSONTestSuite.tar.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: set FUNNELHOUSE_TEST_DATA to its folder")
    parsed = 0
    with tarfile.open(path) as suite:
        for member in suite:
            file = suite.extractfile(member)
            try:
                value = json.loads(file.read()) if file else None
            except (ValueError, RecursionError):
                continue
            _check_json(value)
            parsed += 1
    assert parsed >= 95


def test_time_of_not_a_number() -> None:
    """Numbers that are none, which Python's JSON reader lets through, are no times."""
    assert [parse_time(odd) for odd in (math.nan, math.inf, -math.inf)] == [None, None, None]
