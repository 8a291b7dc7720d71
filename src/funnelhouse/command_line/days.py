"""Days as they are written on the command line."""

from datetime import date


def day(written: str) -> date:
    """Read a day.

    Raises:
        ValueError: it is none.
    """
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise ValueError(f'"{written}" is no day; write one such as 2024-08-18.') from error
