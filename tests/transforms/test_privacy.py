import copy
import hashlib
import hmac
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelhouse.transforms.privacy import hash_personal, hide, is_hashed, mask_ip

unhurried = settings(deadline=None)  # a busy machine is no fault

SECRET = b"a secret of the test"


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("203.0.113.77", "203.0.113.0"),
        (" 203.0.113.77 ", "203.0.113.0"),
        ("255.255.255.255", "255.255.255.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("2001:0DB8:0001:ffff::1", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("2002:cb00:714d::1", "203.0.113.0"),
        ("64:ff9b::203.0.113.77", "64:ff9b::"),
    ],
)
def test_mask_ip(address: str, masked: str) -> None:
    """IPv4 loses its last octet, IPv6 all past /48, and IPv4 inside IPv6 is masked as IPv4."""
    assert mask_ip(address) == masked


@pytest.mark.parametrize(
    "nonsense",
    ["", "unknown", "203.0.113", "203.0.113.256", "203.0.113.077", "a" * 10**6, "\ud800"],
)
def test_no_address(nonsense: str) -> None:
    """What is no address is masked to nothing."""
    assert mask_ip(nonsense) == ""


@unhurried
@given(st.ip_addresses(v=4), st.integers(0, 255))
def test_last_octet_cannot_be_told(address: Any, octet: int) -> None:
    """Addresses that differ in the last octet alone are masked alike."""
    other = f"{str(address).rpartition('.')[0]}.{octet}"
    assert mask_ip(str(address)) == mask_ip(other)


def test_hash_is_hmac_sha256() -> None:
    """The hash is HMAC-SHA-256, by RFC 4231's second test case."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hash_personal("what do ya want for nothing?", b"Jefe") == "hmac-sha256:" + expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kim@Example.KR", " kim@example.kr "),
        ("김철수", "\u1100\u1175\u11b7\u110e\u1165\u11af\u1109\u116e"),
        ("010-1234-5678", "010-1234-5678\n"),
        ({"a": 1, "b": "김"}, {"b": "김", "a": 1}),
    ],
    ids=["e-mail", "Hangul in parts", "blanks", "order of keys"],
)
def test_same_person(one: object, other: object) -> None:
    """Spellings of one value have one hash."""
    assert hash_personal(one, SECRET) == hash_personal(other, SECRET)


@pytest.mark.parametrize(("one", "other"), [("Kim", "kim"), (1, 2), (["a", "b"], ["ab"])])
def test_other_person(one: object, other: object) -> None:
    """Different values have different hashes; case counts where there is no @."""
    assert hash_personal(one, SECRET) != hash_personal(other, SECRET)


def test_secret_counts() -> None:
    """The hash cannot be repeated without the secret."""
    assert hash_personal("kim@example.kr", SECRET) != hash_personal("kim@example.kr", b"other")


def test_json_is_canonical() -> None:
    """What is not text is hashed by its JSON with sorted keys and no blanks."""
    value = {"city": "서울", "zip": [1, None, True]}
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    expected = hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()
    assert hash_personal(value, SECRET) == "hmac-sha256:" + expected


def test_too_deep_is_hidden_too() -> None:
    """A value nested past what can be written is hashed all the same."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert is_hashed(hash_personal(deep, SECRET))


def test_hashed_stays() -> None:
    """A value that is hashed already is not hashed again."""
    once = hash_personal("kim@example.kr", SECRET)
    assert hash_personal(once, SECRET) == once


@pytest.mark.parametrize(
    "value",
    [
        "",
        "hmac-sha256:",
        "hmac-sha256:" + "g" * 64,
        "hmac-sha256:" + "a" * 63,
        "a" * 64,
        None,
        1,
        "hmac-sha256:" + "a" * 64 + "\n",
        "hmac-sha256:" + "A" * 64,
    ],
)
def test_not_hashed(value: object) -> None:
    """Only the exact form of a hash counts as hashed."""
    assert not is_hashed(value)


def test_hide() -> None:
    """Each path's value is hashed, through objects and arrays, and nothing else is touched."""
    properties = {
        "email": "kim@example.kr",
        "plan": "be",
        "contact": {"phone": "010-1234-5678", "kind": "mobile"},
        "guardians": [{"name": "김", "age": 50}, {"age": 51}],
        "notes": ["a", "b"],
    }
    paths = [
        ("email",),
        ("contact", "phone"),
        ("guardians", "*", "name"),
        ("notes", "*"),
        ("absent", "deeper"),
        ("plan", "deeper"),
    ]
    assert hide(properties, paths, SECRET) == {
        "email": hash_personal("kim@example.kr", SECRET),
        "plan": "be",
        "contact": {"phone": hash_personal("010-1234-5678", SECRET), "kind": "mobile"},
        "guardians": [{"name": hash_personal("김", SECRET), "age": 50}, {"age": 51}],
        "notes": [hash_personal("a", SECRET), hash_personal("b", SECRET)],
    }


def test_unforeseen_array() -> None:
    """A personal field inside an array that the schema did not foresee is hashed too."""
    hidden = hide({"contact": [[{"email": "kim@example.kr"}]]}, [("contact", "email")], SECRET)
    assert hidden == {"contact": [[{"email": hash_personal("kim@example.kr", SECRET)}]]}


def test_star_is_a_key_of_objects() -> None:
    """In an object "*" is an ordinary key."""
    hidden = hide({"a": {"*": "x", "b": "y"}}, [("a", "*")], SECRET)
    assert hidden == {"a": {"*": hash_personal("x", SECRET), "b": "y"}}


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_missing_stays_missing(missing: object) -> None:
    """Null and blank stay as they are, so that the missing are not one person."""
    assert hide({"email": missing}, [("email",)], SECRET) == {"email": missing}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc*"), inner),
    max_leaves=20,
)
PATHS = st.lists(st.lists(st.sampled_from("abc*"), min_size=1, max_size=4).map(tuple), max_size=4)


@unhurried
@given(st.dictionaries(st.sampled_from("abc*"), JSON), PATHS)
def test_input_is_unchanged(properties: dict[str, Any], paths: list[tuple[str, ...]]) -> None:
    """Hiding leaves its input alone, gives another dict, and repeats to the same."""
    before = copy.deepcopy(properties)
    hidden = hide(properties, paths, SECRET)
    assert repr(properties) == repr(before)
    assert hidden is not properties
    assert repr(hide(hidden, paths, SECRET)) == repr(hidden)


@unhurried
@given(st.text(min_size=1), st.binary(min_size=1, max_size=64))
def test_form_of_hash(text: str, secret: bytes) -> None:
    """Every text is hashed to the prefix and 64 hexadecimal digits."""
    assert re.fullmatch("hmac-sha256:[0-9a-f]{64}", hash_personal(text, secret))
