"""Verifies a warehouse: each part by its checksums, the ledger's sums, and counts of what is held.

Gives findings, each one sentence with what to do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.sql.forget import is_under_way
from funnelhouse.sql.parts import Part, folders_gone, parts_of

RESTORE = (
    "import an archive that holds them (`funnelhouse import archive FOLDER`), or restore a backup"
)
_FOLDER = Path(__file__).parent / "verification"
_TABLES = """
SELECT name
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND total_rows > 0
ORDER BY name
"""
_A_ROW_A_PART = {"check_query_single_value_result": "0", "max_threads": "1"}
_MOST_ERROR = 200


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: arrivals below a number, and of each kind the days that retention keeps."""

    before: int
    kept_after: Mapping[str, date]


def findings_of_parts(client: Client, *, is_local: bool) -> Iterator[str]:
    """Read every part and hold it to its checksums; `is_local` says the parts are on this disk."""
    gone = folders_gone(parts_of(client)) if is_local else []
    for part in gone:
        yield lost_part(part)
    for (table,) in client.query(_TABLES).result_rows:
        if table not in {part.table for part in gone}:
            yield from _check(client, table)


def lost_part(part: Part) -> str:
    """Tell of a part that is gone."""
    return f"A part of {part.table} with {part.rows} rows is gone from the disk; {RESTORE}."


def findings_of_counts(client: Client, scope: Scope) -> Iterator[str]:
    """Hold what tables hold to what the ledger and the arrivals know of."""
    if is_under_way(client):
        yield (
            "Somebody's forgetting was broken off, and the ledger adds up only when it is done;"
            " restart the warehouse process, or run `funnelhouse forget` for them again."
        )
        return
    for kind, table in (("events", "events_raw"), ("rejected", "rejected_raw")):
        for day, expected, found in _days(client, kind, scope):
            yield (
                f"Of {day} {table} holds {found} events, and {expected} arrived (UTC); {RESTORE}."
            )
    for day, expected, found in _days(client, "ledger", scope):
        yield (
            f"Of {day} the ledger accounts for {found} of {expected} events received (UTC);"
            " see whether spool/damaged holds them, else import an archive that does."
        )


def _days(client: Client, name: str, scope: Scope) -> list[tuple[date, int, int]]:
    text = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").rstrip(";\n")
    kept_after = scope.kept_after.get(name, date(1970, 1, 1))
    asked = {"before": scope.before, "kept_after": kept_after}
    rows = client.query(text, parameters=asked).result_rows
    return [(day, expected, found) for day, expected, found in rows]


def _check(client: Client, table: str) -> Iterator[str]:
    try:
        told = client.raw_query(f"CHECK TABLE `{table}`", settings=_A_ROW_A_PART, fmt="JSONEachRow")
    except ClickHouseError as error:
        yield _damaged(table, str(error))
        return
    for line in told.splitlines():
        part = orjson.loads(line)
        if not part["is_passed"]:
            yield _damaged(table, f"part {part['part_path']}: {part['message']}")


def _damaged(table: str, why: str) -> str:
    told = " ".join(why.split())[:_MOST_ERROR]
    return f"Rows of {table} cannot be read ({told}); check the disk, and {RESTORE}."
