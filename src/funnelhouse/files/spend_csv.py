"""Reads ad spend from a CSV file: all rows, or all faults, each with its line and its mend."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from funnelhouse.files.csv_file import CsvFile
from funnelhouse.sql.spend import Spend

_KEY = ("product", "track", "channel")
_PERIODS = ("date", "week")
_WEEK_DAYS = 7
_AMOUNT = re.compile(r"[0-9]{1,16}(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class _SpendRow:
    number: int
    spend: Spend


def read_spend(path: Path) -> list[Spend]:
    """Read the rows of a file with the columns product, track, channel, amount and date or week.

    `date` is an ISO day, `week` the ISO day of its Monday; a file that has both columns fills one
    of them in each row. `track` alone may be empty. `amount` has at most two decimal places.

    Raises:
        SheetError: the file has any fault at all; nothing of it is handed on.
        OSError: the file cannot be read.
    """
    sheet = CsvFile(path, _header_fault)
    lines = [_SpendRow(*row) for row in sheet.rows(_spend)]
    sheet.faults += _clashes(lines)
    sheet.refuse_faults()
    return list({line.spend.key: line.spend for line in lines}.values())


def _header_fault(names: Sequence[str]) -> str | None:
    wanted = {*_KEY, "amount"}
    if len(set(names)) == len(names) and wanted < set(names) <= wanted | set(_PERIODS):
        return None
    return (
        f"the columns are `{','.join(names)}`;"
        " name them product, track, channel, amount and date or week, each once"
    )


def _spend(cells: dict[str, str]) -> Spend:
    """Read one row.

    Raises:
        ValueError: it has a fault; as text what and how to mend it.
    """
    product, track, channel = (cells[name] for name in _KEY)
    if not product or not channel:
        raise ValueError("product or channel is empty; name both")
    if not _AMOUNT.fullmatch(cells["amount"]):
        raise ValueError(
            f"`{cells['amount']}` is no amount; write digits alone, such as 20388348 or 99.50"
        )
    return Spend(product, track, channel, *_period(cells), Decimal(cells["amount"]))


def _period(cells: dict[str, str]) -> tuple[date, date]:
    day, monday = (cells.get(name, "") for name in _PERIODS)
    if bool(day) == bool(monday):
        raise ValueError("fill either date or week")
    try:
        start = date.fromisoformat(day or monday)
    except ValueError as error:
        raise ValueError(f"`{day or monday}` is no date; write it as 2024-07-29") from error
    if day:
        return start, start
    if start.weekday() != 0:
        before = start - timedelta(days=start.weekday())
        raise ValueError(f"{start} is no Monday; write {before} for its week, or use date")
    return start, start + timedelta(days=_WEEK_DAYS - 1)


def _clashes(lines: list[_SpendRow]) -> Iterator[str]:
    """Yield a fault for each row that says other than, or overlaps, one before it in time."""
    ordered = sorted(lines, key=lambda line: (line.spend.key, line.number))
    for earlier, later in pairwise(ordered):
        one, other = earlier.spend, later.spend
        where = f"line {later.number}: {'/'.join(other.key[:3])}"
        if one.key == other.key:
            if one.amount != other.amount:
                yield (
                    f"{where} has {other.amount} for {other.period_start}, but line"
                    f" {earlier.number} has {one.amount}; keep one of them"
                )
        elif one.key[:3] == other.key[:3] and other.period_start <= one.period_end:
            yield (
                f"{where} from {other.period_start} overlaps line {earlier.number}, which ends on"
                f" {one.period_end}; give either days or weeks for the same dates"
            )
