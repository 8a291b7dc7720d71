"""Owns time: reads what clients send as a time and corrects it for the client's clock.

Hands on microseconds since 1970-01-01 UTC, between the years 1970 and 2261.
"""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_END_S = 9_214_646_400  # 2262-01-01, where 64-bit nanoseconds end
_END_US = _END_S * 1_000_000
_SECONDS_OR_MILLISECONDS = re.compile(r"[0-9]{9,13}(?:\.[0-9]{1,9})?")
_LONGEST_TIME = 64


def parse_time(value: object) -> int | None:
    """Microseconds since the epoch, or None for what is no time from 1970 to 2261.

    Reads ISO 8601 / RFC 3339 text (digits past the microsecond are cut; no zone means UTC) and
    epoch numbers: seconds where that is before 2262, else milliseconds. A number may be sent as
    text of 9 to 13 digits, since query strings know nothing else.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return _parse_unusual(value)
        if moment.tzinfo is None:
            # Digits alone may look like a basic date with an hour: only 8 of them are a date.
            if len(value) != len("20240729") and _SECONDS_OR_MILLISECONDS.fullmatch(value):
                return _from_number(float(value))
            moment = moment.replace(tzinfo=UTC)
        since = moment - _EPOCH
        # Whole numbers: a float of seconds would lose the last microseconds of far years.
        micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        return micros if 0 <= micros < _END_US else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _from_number(value)
    return None


def correct(sent_time_us: int | None, sent_at_us: int | None, received_us: int) -> int:
    """Time of the event on the server's clock, in microseconds: received - (sentAt - timestamp).

    Source: Segment, "Common fields", timestamp = receivedAt - (sentAt - originalTimestamp).
    Without sentAt, or where the sum leaves the years 1970 to 2261, the timestamp as it is;
    without a timestamp the time of receipt.
    """
    if sent_time_us is None:
        return received_us
    if sent_at_us is None:
        return sent_time_us
    corrected = received_us - sent_at_us + sent_time_us
    return corrected if 0 <= corrected < _END_US else sent_time_us


def _from_number(number: float) -> int | None:
    if 0 <= number < _END_S:
        return round(number * 1_000_000)
    if _END_S <= number < _END_S * 1_000:
        return round(number * 1_000)
    return None


def _parse_unusual(text: str) -> int | None:
    """Numbers as text, and ISO text in small letters or with blanks around it (RFC 3339, 5.6)."""
    if len(text) > _LONGEST_TIME:
        return None
    if _SECONDS_OR_MILLISECONDS.fullmatch(text):
        return _from_number(float(text))
    tidy = text.strip().upper()
    return parse_time(tidy) if tidy != text else None
