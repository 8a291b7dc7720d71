"""The parts of tables: which are there, and which an engine that was opened anew has lost."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

_EMPTIED = ("forget_", "export_", "plan_", "stage_rules", "signal_rules")
"""Beginnings of tables that the product empties or removes itself."""

_PARTS = """
SELECT table, partition_id, min_block_number, max_block_number, rows, path
FROM system.parts
WHERE active AND database = currentDatabase() AND rows > 0
ORDER BY table, name
"""
_TIME_TO_LIVE = """
SELECT name
FROM system.tables
WHERE database = currentDatabase() AND position(create_table_query, ' TTL ') > 0
"""


class Part(NamedTuple):
    """A part of a table by the blocks that it holds; later ones of the same blocks replace it."""

    table: str
    partition: str
    first: int
    last: int
    rows: int
    path: str


def parts_of(client: Client) -> list[Part]:
    """List the parts with rows, but of tables that are emptied or lose rows by their age."""
    aged = {name for (name,) in client.query(_TIME_TO_LIVE).result_rows}
    parts = (Part(*row) for row in client.query(_PARTS).result_rows)
    return [p for p in parts if p.table not in aged and not p.table.startswith(_EMPTIED)]


def lost(before: Iterable[Part], now: Iterable[Part], tables: Collection[str]) -> list[Part]:
    """Give the parts of before, of `tables` that are there yet, whose blocks no part holds now."""
    places: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for part in now:
        places[part.table, part.partition].append(part)
    return [
        part
        for part in before
        if part.table in tables
        and not any(
            held.first <= part.first and part.last <= held.last
            for held in places[part.table, part.partition]
        )
    ]


def folders_gone(parts: Iterable[Part]) -> list[Part]:
    """Give the parts whose folder is no more on this machine's disk."""
    return [part for part in parts if part.path and not Path(part.path).is_dir()]
