import uuid

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelhouse.transforms.identity import event_id

unhurried = settings(deadline=None)  # a busy machine is no fault

UUID_TEXT = "0190f4b2-5c3e-7d2a-9b1f-3a4b5c6d7e8f"


@unhurried
@given(st.uuids())
def test_uuid_as_it_is(sent: uuid.UUID) -> None:
    """UUID text, hyphenated or bare and in any case, gives its own bytes whatever the source."""
    forms = {str(sent), str(sent).upper(), sent.hex, sent.hex.upper()}
    assert {event_id(form, source) for form in forms for source in ("web", "app")} == {sent.bytes}


@pytest.mark.parametrize(
    "sent",
    [
        UUID_TEXT[:-1],
        UUID_TEXT + "0",
        UUID_TEXT.replace("-", " "),
        "0190f4b25-c3e-7d2a-9b1f-3a4b5c6d7e8f",
        "0190f4b2-5c3e-7d2a-9b1f-3a4b5c6d7e8g",
        "0190f4b2-5c3e-7d2a-9b1f-3a4b-c6d7e8f",
        "0190f4b2-5c3e-7d2a-9b1f-3a4b5c6d7e8 ",
        "{" + UUID_TEXT + "}",
        " 190f4b25c3e7d2a9b1f3a4b5c6d7e8 ",
        "0190f4b25c3e7d2a9b1f3a4b5c6d7e8\uff11",
        "ajs-next-1722254400123-" + UUID_TEXT,
        "주문-42",
        "\ud800",
    ],
)
def test_other_text_is_hashed(sent: str) -> None:
    """Text of any other form gives a version 8 UUID out of XXH3-128 over source, NUL and text."""
    digest = xxhash.xxh3_128_digest(b"web\0" + sent.encode("utf-8", "surrogatepass"))
    found = uuid.UUID(bytes=event_id(sent, "web"))
    assert (found.version, found.variant) == (8, uuid.RFC_4122)
    differing = int.from_bytes(found.bytes, "big") ^ int.from_bytes(digest, "big")
    assert differing & ~(0xF << 76 | 0b11 << 62) == 0


def test_known_id() -> None:
    """Ids stay the same for ever: these two are what the C library xxHash 0.8.1 says."""
    known = ["bf232204-4fc5-8ddf-a53f-765fdae4391e", "878c54ab-1df8-875b-912a-cac2c2192ed9"]
    ids = [str(uuid.UUID(bytes=event_id(text, "web"))) for text in ("message-1", "주문-42")]
    assert ids == known


def test_hash_holds_the_source() -> None:
    """Two sources that count their messages alike do not share ids."""
    assert event_id("message-1", "web") != event_id("message-1", "app")


def test_retry_repeats_the_id() -> None:
    """The same message of the same source has the same id each time."""
    assert event_id("message-1", "web") == event_id("message-1", "web")


@pytest.mark.parametrize("number", [42, 0, -7, 1.5])
def test_number_is_its_text(number: float) -> None:
    """A number is the same id as its decimal text."""
    assert event_id(number, "web") == event_id(str(number), "web")


def test_huge_number() -> None:
    """A whole number too long for decimal text has an id that a retry repeats."""
    assert event_id(10**5_000, "web") == event_id(10**5_000, "web")


@pytest.mark.parametrize("nothing", [None, "", " \t\n", [], {}, ["a"], True, False])
def test_nothing_is_random(nothing: object) -> None:
    """What is no id gives a version 4 UUID, another each time."""
    first, second = (uuid.UUID(bytes=event_id(nothing, "web")) for _ in range(2))
    assert (first.version, first.variant) == (4, uuid.RFC_4122)
    assert first != second
