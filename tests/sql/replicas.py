"""The tables of a cluster made for real, as replicas, with a Keeper in memory: one of each shard.

The engine has no server by which replicas find each other, so nothing can be written to them.
Run as a module with the file that is written: every column of every relation, and each rule.
"""

import os
import re
import signal
import sys
import traceback
from pathlib import Path

import orjson
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.client import DATABASE
from funnelhouse.sql.cluster import nodes_of
from funnelhouse.sql.layout import LOCAL, Layout
from funnelhouse.sql.upgrade import shipped, statements
from tests.sql.shards import CLUSTER, configuration, engine

TIMEZONE = "Asia/Seoul"
_KEEPER = "<zookeeper><implementation>testkeeper</implementation></zookeeper>"
_MACROS = "<shard>01</shard><replica>a</replica>"
_CHANGED = re.compile(rf"^ALTER TABLE (\w+{LOCAL})\b", re.MULTILINE)
_COLUMNS = """
SELECT table, name, type, default_kind, default_expression, comment
FROM system.columns
WHERE database = currentDatabase()
ORDER BY table, position
"""
_TABLES = """
SELECT name, engine, engine_full, sorting_key, create_table_query
FROM system.tables
WHERE database = currentDatabase()
ORDER BY name
"""


def rendered() -> list[str]:
    """Give every statement of the layout of a cluster."""
    names = [migration.name for migration in shipped()]
    return list(statements(names, TIMEZONE, Layout(CLUSTER, DATABASE)))


def described(client: Client) -> dict[str, list[list[str]]]:
    """Describe all relations of a database: their columns, and what they are."""
    asked = {"columns": _COLUMNS, "tables": _TABLES}
    return {name: list(map(list, client.query(one).result_rows)) for name, one in asked.items()}


def main(folder: Path) -> None:
    """Make everything, and write what there is then."""
    client = engine(folder, configuration(macros=_MACROS, more=_KEEPER))
    for statement in rendered():
        # A replica that cannot reach the others takes no change of its columns.
        if not _CHANGED.search(statement):
            client.command(statement.replace(f" ON CLUSTER '{CLUSTER}'", ""))
    nodes = nodes_of(client, CLUSTER)
    told = {"shards": nodes.shards, "macros": list(nodes.macros.values()), **described(client)}
    (folder / "replicas.json").write_bytes(orjson.dumps(told))
    _end()


def _end() -> None:
    """End at once: closing would wait without an end for replicas that look for each other."""
    os.kill(os.getpid(), signal.SIGKILL)


def changed_later() -> set[str]:
    """Name the tables of rows whose columns a later migration changes."""
    return {found[1] for statement in rendered() if (found := _CHANGED.search(statement))}


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    finally:
        traceback.print_exc()
        _end()
