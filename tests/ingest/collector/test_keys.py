import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.ingest.collector.keys import (
    WriteKey,
    key_from_basic,
    origin_allowed,
    parse_write_keys,
)

ORIGINS = (
    "https://nbcamp.example",
    "https://*.oopy.io",
    "http://localhost:3000",
    "https://*.shop.example:8443",
    "http://[::1]:8080",
)
LISTED = WriteKey("k", "web", origins=ORIGINS)


def test_setting_is_read_into_keys() -> None:
    """Each entry names a key, its source, whether that is a server, and the origins allowed."""
    setting = (
        "k1:web, k2:backend:server ,k3:landing@https://NBcamp.example:443|https://*.oopy.io|null"
    )
    assert parse_write_keys(setting) == {
        "k1": WriteKey("k1", "web"),
        "k2": WriteKey("k2", "backend", server=True),
        "k3": WriteKey(
            "k3", "landing", origins=("https://nbcamp.example", "https://*.oopy.io", "null")
        ),
    }


@pytest.mark.parametrize(
    ("setting", "named", "mend"),
    [
        ("", "''", "write key:source"),
        ("k1:web,", "''", "write key:source"),
        ("k1", "'k1'", "write key:source"),
        ("k1:", "'k1:'", "write key:source"),
        (":web", "':web'", "write key:source"),
        ("k1:web:", "'k1:web:'", "write key:source"),
        ("k1:web:browser", "'k1:web:browser'", "key:source:server"),
        ("k1:web:server:x", "'k1:web:server:x'", "key:source:server"),
        ("k 1:web", "'k 1:web'", "letters, digits"),
        ("k1:we|b", "'k1:we|b'", "letters, digits"),
        ("k1:" + "w" * 65, "w" * 65, "at most 64"),
        ("k1:web@", "'k1:web@'", "scheme://host"),
        ("k1:web@*", "'*'", "no origin at all to allow any"),
        ("k1:web@nbcamp.example", "'nbcamp.example'", "scheme://host"),
        ("k1:web@https://a.example/", "'https://a.example/'", "no path"),
        ("k1:web@https://a.example|https://b.*", "'https://b.*'", "scheme://host"),
        ("k1:web@https://*a.example", "'https://*a.example'", "scheme://host"),
        ("k1:web@https://a.example:x", "'https://a.example:x'", "scheme://host"),
        ("k1:web,k1:app", "'k1'", "keep one"),
        ("k1:web,k2:web:server", "'k2:web:server'", "a source of its own"),
    ],
)
def test_wrong_setting_names_the_entry_and_the_mend(setting: str, named: str, mend: str) -> None:
    """An entry that is not understood is refused in one sentence that says what to write."""
    with pytest.raises(ValueError, match=r"^(Write key|Origin|Source) ") as fault:
        parse_write_keys(setting)
    assert named in str(fault.value)
    assert mend in str(fault.value)
    assert str(fault.value).endswith(".")
    assert "\n" not in str(fault.value)


@given(st.text())
def test_any_setting_is_read_or_refused(setting: str) -> None:
    """Text that is no setting is a ValueError and nothing else."""
    try:
        keys = parse_write_keys(setting)
    except ValueError:
        return
    assert all(key == write_key.key for key, write_key in keys.items())


@pytest.mark.parametrize(
    "origin",
    [
        "https://nbcamp.example",
        "HTTPS://NBCamp.example",
        "https://team.oopy.io",
        "https://a.b.oopy.io",
        "http://localhost:3000",
        "https://pay.shop.example:8443",
        "http://[::1]:8080",
    ],
)
def test_listed_origin_is_allowed(origin: str) -> None:
    """An origin that is listed, or a sub-domain of a listed wildcard, may use the key."""
    assert origin_allowed(LISTED, origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://nbcamp.example",
        "https://nbcamp.example:8443",
        "https://www.nbcamp.example",
        "https://nbcamp.example.evil.example",
        "https://evilnbcamp.example",
        "https://oopy.io",
        "https://.oopy.io",
        "https://eviloopy.io",
        "https://*.oopy.io.evil.example",
        "http://team.oopy.io",
        "https://team.oopy.io:444",
        "https://evil.example/.oopy.io",
        "https://evil.example:1.oopy.io",
        "https://evil.example#.oopy.io",
        "https://evil.example?.oopy.io",
        "https://user@.oopy.io",
        "https://a..oopy.io",
        "https://team.oopy.io\n",
        "http://localhost:30000",
        "http://localhost",
        "https://pay.shop.example",
        "https://oopy.io.",
    ],
)
def test_other_origin_is_refused(origin: str) -> None:
    """Another scheme, host or port, the bare domain of a wildcard and tricks are refused."""
    assert not origin_allowed(LISTED, origin)


@pytest.mark.parametrize("origin", ["https://anything.example", "null", ""])
def test_key_without_origins_serves_all(origin: str) -> None:
    """A key that lists no origin may be used from any."""
    assert origin_allowed(WriteKey("k", "web"), origin)


def test_null_origin_must_be_listed() -> None:
    """A sandboxed page, whose origin is null, may use the key only when null is listed."""
    assert origin_allowed(WriteKey("k", "web", origins=("null",)), "null")


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin"),
        (b"Basic dGVzdDoxMjPCow==", "test"),
        (b"basic a2V5Og==", "key"),
        (b"BASIC  a2V5", "key"),
        (b"Basic a2V5Og", "key"),
        (b"Basic 7KeA7JuQOg==", "지원"),
        (b"Basic Ong=", ""),
        (b"Basic", ""),
        (b"Basic /////w==", ""),
        (b"Basic a", ""),
        (b"Basic \xff\xff", ""),
        (b"Bearer a2V5Og==", ""),
        (b"", ""),
    ],
)
def test_user_name_of_basic_is_the_key(header: bytes, key: str) -> None:
    """The user name is read as in the examples of RFC 7617; what cannot be read is no key."""
    assert key_from_basic(header) == key


@given(st.binary())
def test_any_authorization_is_read(credentials: bytes) -> None:
    """No bytes of a header raise."""
    assert isinstance(key_from_basic(b"Basic " + credentials), str)
