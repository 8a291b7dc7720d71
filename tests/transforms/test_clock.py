import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelhouse.transforms.clock import correct, parse_time

unhurried = settings(deadline=None)  # a busy machine is no fault

NOON_US = 1_722_254_400_000_000  # `date -u -d 2024-07-29T12:00:00Z +%s`, in microseconds
LAST_US = 9_214_646_399_999_999  # `date -u -d 2261-12-31T23:59:59Z +%s`, and the rest of it


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2024-07-29T12:00:00.000Z", NOON_US),
        ("2024-07-29T12:00:00.123Z", NOON_US + 123_000),
        ("2024-07-29T21:00:00+09:00", NOON_US),
        ("2024-07-29T21:00:00+0900", NOON_US),
        ("2024-07-29 12:00:00Z", NOON_US),
        ("2024-07-29t12:00:00z", NOON_US),
        (" 2024-07-29T12:00:00Z\n", NOON_US),
        ("2024-07-29T12:00", NOON_US),
        ("2024-07-29", NOON_US - 12 * 3_600_000_000),
        ("20240729", NOON_US - 12 * 3_600_000_000),
        ("1970-01-01T00:00:00Z", 0),
        ("2261-12-31T23:59:59.999999Z", LAST_US),
    ],
)
def test_iso_text(sent: str, expected: int) -> None:
    """ISO 8601 and RFC 3339 text is read in all the spellings that trackers send."""
    assert parse_time(sent) == expected


def test_no_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time without a zone is a time in UTC, not in the server's zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "KST-9")
        time.tzset()
        found = parse_time("2024-07-29T12:00:00")
    time.tzset()
    assert found == NOON_US


@pytest.mark.parametrize(
    ("fraction", "micros"),
    [
        ("1", 100_000),
        ("12", 120_000),
        ("123", 123_000),
        ("1234", 123_400),
        ("12345", 123_450),
        ("123456", 123_456),
        ("1234567", 123_456),
        ("12345678", 123_456),
        ("123456789", 123_456),
    ],
)
def test_fraction(fraction: str, micros: int) -> None:
    """A fraction has one to nine digits, and what is finer than a microsecond is cut."""
    assert parse_time(f"2024-07-29T12:00:00.{fraction}Z") == NOON_US + micros


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (1_722_254_400, NOON_US),
        (1_722_254_400_000, NOON_US),
        (1_722_254_400_123, NOON_US + 123_000),
        (1_722_254_400.5, NOON_US + 500_000),
        (1_722_254_400_123.25, NOON_US + 123_250),
        ("1722254400", NOON_US),
        ("1722254400123", NOON_US + 123_000),
        ("1711111111111", 1_711_111_111_111_000),
        ("1722254400.5", NOON_US + 500_000),
        (0, 0),
        (9_214_646_399, LAST_US - 999_999),
        (9_214_646_400, 9_214_646_400_000),
    ],
)
def test_epoch_number(sent: object, expected: int) -> None:
    """An epoch number is seconds while that is before 2262, else milliseconds; text is alike."""
    assert parse_time(sent) == expected


@pytest.mark.parametrize(
    "sent",
    [
        None,
        True,
        "",
        "soon",
        "2024-13-01T00:00:00Z",
        "2024-07-29T25:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00+09:00",
        "2262-01-01T00:00:00Z",
        "2261-12-31T23:59:59-09:00",
        -1,
        1_722_254_400_000_000,
        10**400,
        float("nan"),
        float("inf"),
        "9" * 14,
        ["2024-07-29"],
    ],
)
def test_no_time(sent: object) -> None:
    """What is no time, or none of the years 1970 to 2261 in UTC, is None."""
    assert parse_time(sent) is None


@unhurried
@given(
    st.datetimes(
        datetime(1970, 1, 3),  # noqa: DTZ001  # hypothesis adds the zone
        datetime(2261, 12, 29),  # noqa: DTZ001  # as above
        timezones=st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours))),
    )
)
def test_every_moment(moment: datetime) -> None:
    """Every moment of the range in every zone comes back to the microsecond."""
    micros = parse_time(moment.isoformat())
    assert micros is not None
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros) == moment


def test_segment_example() -> None:
    """By Segment's rule a client that is an hour fast, and sends 2 s late, is put right."""
    hour, second = 3_600_000_000, 1_000_000
    happened = NOON_US
    corrected = correct(happened + hour, happened + hour + 2 * second, happened + 2 * second)
    assert corrected == happened


def test_without_sent_at() -> None:
    """Without sentAt nothing tells the client's error, so the timestamp stands."""
    assert correct(NOON_US, None, NOON_US + 5) == NOON_US


@pytest.mark.parametrize("sent_at", [None, NOON_US])
def test_without_timestamp(sent_at: int | None) -> None:
    """Without a timestamp the event happened when it was received."""
    assert correct(None, sent_at, NOON_US + 5) == NOON_US + 5


@pytest.mark.parametrize(
    ("timestamp", "sent_at"), [(LAST_US, 0), (0, LAST_US)], ids=["past 2261", "before 1970"]
)
def test_absurd_sent_at(timestamp: int, sent_at: int) -> None:
    """A correction that would leave the years 1970 to 2261 is not made."""
    assert correct(timestamp, sent_at, NOON_US) == timestamp
