"""Ad spend on its way in: rows of a file are checked as a whole, then stored as a whole."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

from clickhouse_connect.driver.client import Client

_COLUMNS = (
    "product",
    "track",
    "channel",
    "period_start",
    "period_end",
    "amount",
    "imported_at",
)


@dataclass(frozen=True, slots=True)
class Spend:
    """What one channel cost a product's track from the first to the last day of a period."""

    product: str
    track: str
    channel: str
    period_start: date
    period_end: date
    amount: Decimal

    @property
    def key(self) -> tuple[str, str, str, date, date]:
        """What a later row must repeat to take this row's place."""
        return (self.product, self.track, self.channel, self.period_start, self.period_end)


class SpendError(ValueError):
    """Rows that cannot be stored; nothing was."""


def import_spend(client: Client, rows: list[Spend]) -> int:
    """Store spend; a row replaces the one with its key. Returns the number of rows.

    Raises:
        SpendError: two periods of one product, track and channel overlap without being the same.
    """
    stored = client.query(
        "SELECT product, track, channel, period_start, period_end, amount FROM ad_spend FINAL"
    ).result_rows
    _refuse_overlaps([*(Spend(*row) for row in stored), *rows])
    now = datetime.now(UTC)
    client.insert("ad_spend", [[*row.key, row.amount, now] for row in rows], column_names=_COLUMNS)
    return len(rows)


def _refuse_overlaps(rows: list[Spend]) -> None:
    unique = sorted({row.key for row in rows})
    for earlier, later in pairwise(unique):
        if earlier[:3] == later[:3] and later[3] <= earlier[4]:
            raise SpendError(
                f"Spend of {'/'.join(later[:3])} from {later[3]} to {later[4]} overlaps the period"
                f" from {earlier[3]} to {earlier[4]}; give either days or weeks for the same dates."
            )
