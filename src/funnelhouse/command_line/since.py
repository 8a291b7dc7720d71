"""Times as people write them on a command line: how long ago something began."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_AGO = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def began(written: str, timezone: str, now: datetime | None = None) -> datetime:
    """Read 30m, 1h, 7d, or a wall clock of the timezone such as 2024-08-18 09:00.

    Raises:
        ValueError: it is none of these; as text one sentence with the mend.
    """
    zone = ZoneInfo(timezone)
    ago = _AGO.fullmatch(written.strip().lower())
    if ago:
        span = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return (now or datetime.now(zone)) - span
    try:
        time = datetime.fromisoformat(written)
    except ValueError as error:
        raise ValueError(
            f'"{written}" is no time; write 30m, 1h, 7d, or a day such as 2024-08-18.'
        ) from error
    return time.replace(tzinfo=zone) if time.tzinfo is None else time.astimezone(zone)


def wall_clock(time: datetime) -> str:
    """Write a time as the views' parameters take it."""
    return time.strftime("%Y-%m-%d %H:%M:%S")
