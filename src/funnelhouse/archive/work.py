"""What exports and imports ask of the process that holds the warehouse: jobs, and the insert.

Each is safe to repeat, so that whoever asks may be killed at any moment.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse import __version__
from funnelhouse.ingest.log.depth import measure
from funnelhouse.sql.builds import builds_in_force, plan_in_force
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.snapshot import ARCHIVED, drop, keep_header, kept_header, order, take
from funnelhouse.sql.upgrade import shipped

Rest = Callable[[], AbstractContextManager[None]]
"""Has the loader at rest, with all that was loaded landed, within a `with` block."""

Job = Callable[[Client, Any], Any]
_INSERT = {
    "async_insert": "0",
    "insert_deduplicate": "1",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "optimize_on_insert": "0",
}
_TABLES = {one.table for one in ARCHIVED}


def archive_jobs(spool: Path, refresh: Refresh, rest: Rest) -> dict[str, Job]:
    """Give the jobs by name; `spool` tells how far events have landed."""

    def taken(client: Client, name: str) -> dict[str, Any]:
        kept = kept_header(client, name)
        if kept is not None:
            return kept
        with rest(), refresh.rules, refresh.turn:
            now = datetime.now(UTC)
            held_s = measure(spool, now.timestamp()).oldest_age_s
            take(client, name)
        return keep_header(client, name, _header(client, name, now, held_s))

    def kept(client: Client, name: str) -> bool:
        return kept_header(client, name) is not None

    def ordered(client: Client, asked: Sequence[str]) -> bool:
        name, table = asked
        return order(client, name, table)

    def dropped(client: Client, _: None) -> None:
        drop(client)

    def refresh_links(client: Client, _: None) -> int:
        refresh.links(client)
        return refresh.shares(client)

    def refresh_share(client: Client, asked: Sequence[int]) -> None:
        refresh.share(client, *asked)

    return {
        "archive_take": taken,
        "archive_kept": kept,
        "archive_order": ordered,
        "archive_drop": dropped,
        "archive_here": _here,
        "archive_stands": _stands,
        "archive_refresh_links": refresh_links,
        "archive_refresh_share": refresh_share,
    }


def insert_piece(refresh: Refresh, client: Client, table: str, token: str, rows: bytes) -> None:
    """Insert rows of an archive, an Arrow stream of one batch; a token known already adds none.

    Raises:
        ValueError: the table is none of an archive.
    """
    if table not in _TABLES:
        raise ValueError(f"{table} is no table of an archive.")
    with pa.ipc.open_stream(rows) as stream:
        columns = stream.schema.names
    settings = _INSERT | {"insert_deduplication_token": token}
    with refresh.rules:
        client.raw_insert(table, columns, rows, settings, "ArrowStream")


def _header(client: Client, name: str, now: datetime, held_s: float) -> dict[str, Any]:
    """Say what an archive taken now holds; `held_s` is the age of the oldest event in the spool."""
    return {
        "archive": name,
        "product_version": __version__,
        "migration": shipped()[-1].name,
        "taken_at": now.isoformat(),
        "complete_until": datetime.fromtimestamp(now.timestamp() - held_s, UTC).isoformat(),
        "plan": plan_in_force(client),
        "builds": sorted(builds_in_force(client)),
    }


def _here(client: Client, name: str) -> dict[str, Any]:
    rows = client.query(
        "SELECT DISTINCT file FROM archived_files WHERE archive = {archive:String}",
        parameters={"archive": name},
    ).result_rows
    files = sorted(file for (file,) in rows)
    return {"files": files, "builds": sorted(builds_in_force(client))}


def _stands(client: Client, asked: Sequence[str]) -> None:
    client.insert("archived_files", [list(asked)], column_names=["archive", "file"])
