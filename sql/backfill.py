"""How far the stage events of a rebuild have grown, as the engine tells it, and how to stop that.

Whoever asks does so over a connection of their own: the one that grows them waits for the end.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.layout import cluster_of

GROWING: dict[str, Any] = {"log_comment": "stage events of new builds"}
"""Settings by which the statement that makes stage events is known among all."""

_OF_IT = f"""
current_database = currentDatabase() AND Settings['log_comment'] = '{GROWING["log_comment"]}'
"""


_KNOWN = """
CREATE TEMPORARY VIEW known_earlier AS
SELECT *
FROM earlier_events
WHERE (source, event_id) IN (
    SELECT source, event_id
    FROM arrivals
    WHERE (source, event_id) IN (SELECT source, event_id FROM earlier_events)
)
"""


def events_read(client: Client) -> tuple[int, int]:
    """Give how many events the statement has read, and of about how many; zeros without one."""
    rows = client.query(
        f"SELECT read_rows, total_rows_approx FROM system.processes WHERE {_OF_IT}"  # noqa: S608
    ).result_rows
    return next(((int(done), int(of)) for done, of in rows), (0, 0))


def stop_growing(client: Client) -> None:
    """Cancel the statement, if it runs; what it has made is made again the next time."""
    client.command(f"KILL QUERY WHERE {_OF_IT} ASYNC")


def grow(client: Client, table: str, builds: Sequence[str]) -> None:
    """Fill a table with all that its materialized view, `<table>_mv`, makes of some builds.

    On a cluster each shard reads its own events, and only what is found of them travels.
    """
    select, cluster = _select_of(client, table), cluster_of(client)
    found = f"cluster('{cluster}', view({select}))" if cluster else f"({select})"
    _fill(client, table, builds, found)


def grow_of(client: Client, table: str, builds: Sequence[str], events: Iterable[pa.Table]) -> None:
    """Fill a table with what its view makes of events that the warehouse has no more.

    Of these the ones count that it knows to have arrived: who was forgotten since stays so.
    """
    select = ""
    for some in events:
        if not select:
            database = client.command("SELECT currentDatabase()")
            stored = rf"{database}\.events_raw(_local)?\b"
            select = re.sub(stored, "known_earlier", _select_of(client, table))
        client.command("DROP TEMPORARY TABLE IF EXISTS known_earlier, earlier_events")
        client.command("CREATE TEMPORARY TABLE earlier_events AS events_raw ENGINE = Memory")
        client.command(_KNOWN)
        client.insert_arrow("earlier_events", some)
        _fill(client, table, builds, f"({select})")
    client.command("DROP TEMPORARY TABLE IF EXISTS known_earlier, earlier_events")


def _select_of(client: Client, table: str) -> str:
    view = f"{table.removesuffix('_raw')}_mv"
    ((select,),) = client.query(
        "SELECT as_select FROM system.tables"
        " WHERE database = currentDatabase() AND name = {view:String}",
        parameters={"view": view},
    ).result_rows
    return str(select)


def _fill(client: Client, table: str, builds: Sequence[str], found: str) -> None:
    client.command(
        f"INSERT INTO {table} SELECT * FROM {found}"  # noqa: S608 - the view's own text
        " WHERE build IN {builds:Array(String)}",
        parameters={"builds": builds},
        settings=GROWING,
    )
