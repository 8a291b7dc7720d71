"""Renders the SQL files for where a warehouse stands: one machine as they are, or a cluster.

On a cluster rows of a table stand in `<name>_local` on each shard, and under the table's own name a
Distributed table reads and writes all of them. Small tables stand whole on every shard. Which of
the two a table is, its file declares (`-- Cluster: …`); the substitutions below do the rest.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from clickhouse_connect.driver.client import Client

MIGRATIONS = Path(__file__).parent / "migrations"
LOCAL = "_local"
_DECLARED = re.compile(
    r"^-- Cluster: (?:sharded by (?P<key>[\w, ]+)|on every shard)\.\n"
    r"CREATE TABLE IF NOT EXISTS (?P<table>\w+)$",
    re.MULTILINE,
)
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)$", re.MULTILINE)
_ALTER = re.compile(r"^ALTER TABLE (\w+)", re.MULTILINE)
_CATCHER = re.compile(
    r"^CREATE MATERIALIZED VIEW IF NOT EXISTS (?P<view>\w+) TO (?P<target>\w+) AS$", re.MULTILINE
)
_VIEW = re.compile(r"^(CREATE OR REPLACE VIEW \w+)", re.MULTILINE)
_ENGINE = re.compile(r"^ENGINE = (\w*MergeTree)(?:\((.+)\))?$", re.MULTILINE)
_WINDOW = re.compile(r"\bnon_replicated_deduplication_window = (\d+)")
_SETTINGS = re.compile(r"^SETTINGS$", re.MULTILINE)
_READ = re.compile(r"\bFROM (\w+)\b")
_PATHS = {
    True: ("/clickhouse/tables/{shard}/{database}/{table}", "{replica}"),
    False: ("/clickhouse/tables/every-shard/{database}/{table}", "{shard}-{replica}"),
}
"""Place in Keeper and name of a replica: of a table that is sharded, and of one on every shard."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where tables stand: on one machine, or as `database` on all machines of a named cluster."""

    cluster: str = ""
    database: str = ""

    def statements(self, text: str) -> Iterator[str]:
        """Give what a file of migrations/ or views/ is to run here.

        Raises:
            ValueError: the file makes a table and does not declare where its rows stand.
        """
        if not self.cluster:
            yield text
        elif made := _TABLE.search(text):
            yield from self._table(text, made[1])
        elif altered := _ALTER.search(text):
            yield from self._alteration(text, altered[1])
        elif _CATCHER.search(text):
            yield self._catcher(text)
        else:
            yield _VIEW.sub(rf"\1 {self._everywhere}", text)

    @property
    def _everywhere(self) -> str:
        return f"ON CLUSTER '{self.cluster}'"

    def _table(self, text: str, table: str) -> Iterator[str]:
        key = sharding_keys()[table] if table in sharding_keys() else _declared(text)[table]
        stored = table + LOCAL if key else table
        text = _TABLE.sub(rf"CREATE TABLE IF NOT EXISTS {stored} {self._everywhere}", text)
        yield _window(_replicated(text, sharded=bool(key)), known=bool(key))
        if key:
            yield (
                f"CREATE TABLE IF NOT EXISTS {table} {self._everywhere}"
                f" AS {self.database}.{stored}\n"
                f"ENGINE = Distributed('{self.cluster}', '{self.database}', '{stored}',"
                f" cityHash64({key}))"
            )

    def _alteration(self, text: str, table: str) -> Iterator[str]:
        """Change where the rows stand, then the table over it; a table on every shard tells others.

        The engine replicates a change of columns itself, once for all that share a path.
        """
        if not sharding_keys()[table]:
            yield text
            return
        for name in (table + LOCAL, table):
            yield _ALTER.sub(f"ALTER TABLE {name} {self._everywhere}", text)

    def _catcher(self, text: str) -> str:
        """Have a materialized view see what comes to its own shard, and keep it there."""

        def read(found: re.Match[str]) -> str:
            table = found[1]
            is_sharded = bool(sharding_keys().get(table))
            return f"FROM {table}{LOCAL} AS {table}" if is_sharded else found[0]

        def made(found: re.Match[str]) -> str:
            target = found["target"] + (LOCAL if sharding_keys()[found["target"]] else "")
            return (
                f"CREATE MATERIALIZED VIEW IF NOT EXISTS {found['view']} {self._everywhere}"
                f" TO {self.database}.{target} AS"
            )

        return _CATCHER.sub(made, _READ.sub(read, text))


@cache
def sharding_keys() -> Mapping[str, str]:
    """Give by each table of migrations/ the columns that it is sharded by, "" on every shard."""
    keys: dict[str, str] = {}
    for path in sorted(MIGRATIONS.glob("*.sql")):
        keys |= _declared(path.read_text(encoding="utf-8"))
    return keys


def stored(client: Client, table: str) -> str:
    """Name a table as DELETE and ALTER must: where its rows stand, on a cluster on all shards."""
    cluster = cluster_of(client) if sharding_keys()[table] else ""
    return f"{table}{LOCAL} ON CLUSTER '{cluster}'" if cluster else table


def cluster_of(client: Client) -> str:
    """Name the cluster that a migrated warehouse is spread over, "" on one machine."""
    rows = client.query(
        "SELECT extract(engine_full, '^Distributed\\(\\'([^\\']+)') FROM system.tables"
        " WHERE database = currentDatabase() AND name = 'events_raw'"
    ).result_rows
    return str(rows[0][0]) if rows else ""


def share(client: Client, *tables: str) -> None:
    """Return when every server has what was written to tables that stand on every shard."""
    for table in _replicated_of(client, tables):
        everywhere = f"ON CLUSTER '{cluster_of(client)}'"
        client.command(f"SYSTEM SYNC REPLICA {everywhere} {client.database}.{table} LIGHTWEIGHT")


def catch_up(client: Client, *tables: str) -> None:
    """Return when this server has what any other wrote to tables that stand on every shard."""
    for table in _replicated_of(client, tables):
        client.command(f"SYSTEM SYNC REPLICA {table} LIGHTWEIGHT")


def _replicated_of(client: Client, tables: Sequence[str]) -> list[str]:
    rows = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine LIKE 'Replicated%' AND name IN {tables:Array(String)}",
        parameters={"tables": list(tables)},
    ).result_rows
    return [name for (name,) in rows]


def _declared(text: str) -> dict[str, str]:
    found = {one["table"]: one["key"] or "" for one in _DECLARED.finditer(text)}
    undeclared = set(_TABLE.findall(text)) - set(found)
    if undeclared:
        raise ValueError(
            f"The migration of {', '.join(undeclared)} does not say where rows stand on a cluster;"
            " write `-- Cluster: sharded by ….` or `-- Cluster: on every shard.` above CREATE."
        )
    return found


def _replicated(text: str, *, sharded: bool) -> str:
    path, replica = _PATHS[sharded]

    def engine(found: re.Match[str]) -> str:
        arguments = ", ".join(filter(None, (f"'{path}'", f"'{replica}'", found[2])))
        return f"ENGINE = Replicated{found[1]}({arguments})"

    return _ENGINE.sub(engine, text)


def _window(text: str, *, known: bool) -> str:
    """Have repeats known by their tokens in sharded tables, and nowhere else.

    On every shard the views of several shards insert under one token, and the second of them is no
    repeat; and without a token a plan that comes into force again would be taken for one.
    """
    if known and _WINDOW.search(text):
        return _WINDOW.sub(r"replicated_deduplication_window = \1", text)
    text = re.sub(r"\n    non_replicated_deduplication_window = \d+,", "", text)
    return _SETTINGS.sub("SETTINGS\n    replicated_deduplication_window = 0,", text)
