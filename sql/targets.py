"""Targets that come by file: stored beside the plan's, which the view `targets` reads too."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

_COLUMNS = (
    "funnel",
    "product",
    "track",
    "cohort",
    "metric",
    "from_stage",
    "stage",
    "period",
    "role",
    "direction",
    "value",
    "valid_from",
)


def import_targets(client: Client, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store targets by their columns; one replaces what has its key. Returns the number of rows.

    The key is all but direction and value; the checks are those of the plan, made before.
    """
    now = datetime.now(UTC)
    values = [[*(row[column] for column in _COLUMNS), now] for row in rows]
    client.insert("imported_targets", values, column_names=[*_COLUMNS, "imported_at"])
    return len(rows)
