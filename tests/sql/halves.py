"""Two processes as two shards: each loads its own half of a history, and one reads what both have.

Run as a module with a folder that all of them share, and `half` with a number, or `joined` or
`whole` with the names of views, of which none means all.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse.ingest.loader.tables import event_table, rows_of
from funnelhouse.sql.builds import apply_plan
from funnelhouse.sql.client import connect
from funnelhouse.sql.layout import LOCAL, sharding_keys
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.refresh import BATCH_COLUMNS, Refresh
from funnelhouse.sql.upgrade import migrate
from tests.sql.crowd import RULES, Crowd
from tests.sql.history import Told, batch_of, tables
from tests.sql.shards import CLUSTER, connect_shards, single
from tests.sql.tale import TIMEZONE, cases, shown, views

_PARTS = (
    *("events_raw", "arrivals", "stage_events", "session_events", "exposure_events"),
    *("seen_events", "experiment_signals_raw", "device_logins", "user_devices", "aliases"),
)
"""The tables that an insert of events fills, on each shard by itself."""


class Frame:
    """A frame of a segment as far as its rows go."""

    def __init__(self, told: list[Told]) -> None:
        self.batch = batch_of([one.row() for one in told])


def history() -> pa.Table:
    """Give everything that is told as rows of `events_raw`, copies included."""
    crowd = Crowd(2)
    told = [*crowd.told, *shown(crowd), *(one for load in cases() for one in load)]
    kept = [one for one in told if not one.reason]
    return event_table(rows_of([Frame(kept)]).accepted)  # type: ignore[list-item]


def prepare(client: Client, cluster: str) -> Refresh:
    """Migrate a warehouse, and bring the crowd's plan into force before anything is loaded."""
    list(migrate(client, TIMEZONE, cluster))
    refresh = Refresh(TIMEZONE)
    apply_plan(client, tables(RULES), refresh, lambda *_: None)
    return refresh


def half(folder: Path, number: str) -> None:
    """Load what the sharding rule gives one shard, and hand on what its views made of that."""
    client = connect_shards(folder / f"half-{number}")
    prepare(client, CLUSTER)
    client.command(single("CREATE TEMPORARY TABLE told AS events_raw_local ENGINE = Memory"))
    client.insert_arrow("told", history())
    rule = f"cityHash64({sharding_keys()['events_raw']}) % 2 = {int(number) - 1}"
    client.command(f"INSERT INTO events_raw_local SELECT * FROM told WHERE {rule}")
    for table in _PARTS:
        rows = client.raw_query(f"SELECT * FROM {stored(table)}", fmt="Parquet")
        (folder / f"{table}-{number}.parquet").write_bytes(rows)


def joined(folder: Path, *names: str) -> None:
    """Put together what both halves made, refresh everybody, and write what views say."""
    client = connect_shards(folder / "joined")
    refresh = prepare(client, CLUSTER)
    for (catcher,) in client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine = 'MaterializedView'"
    ).result_rows:
        client.command(f"DROP VIEW {catcher}")
    for table in _PARTS:
        for number in (1, 2):
            file = folder / f"{table}-{number}.parquet"
            client.command(f"INSERT INTO {stored(table)} SELECT * FROM file('{file}', 'Parquet')")
    refresh.load(client, history().select(BATCH_COLUMNS))
    (folder / "joined.json").write_bytes(orjson.dumps(views(client, names) | balance(client)))


def balance(client: Client) -> dict[str, list[str]]:
    """Count on each shard what stands there, and how many people have devices on both."""
    counted = client.query(
        "SELECT shardNum(), count() FROM session_events GROUP BY 1 ORDER BY 1"
    ).result_rows
    apart = client.query(
        "SELECT uniqExact(user_id) FROM device_logins WHERE anonymous_id IN"
        " (SELECT actor FROM session_events WHERE NOT known GROUP BY 1"
        " HAVING uniqExact(cityHash64(source, event_id) % 2) = 2)"
    ).result_rows
    return {"on shards": [str(count) for _, count in counted], "apart": [str(apart[0][0])]}


def whole(folder: Path, *names: str) -> None:
    """Load all of the history into one machine, and write what views say."""
    client = connect(Warehouse(folder / "whole"))
    refresh = prepare(client, "")
    client.insert_arrow("events_raw", history())
    refresh.load(client, history().select(BATCH_COLUMNS))
    (folder / "whole.json").write_bytes(orjson.dumps(views(client, names)))


def stored(table: str) -> str:
    """Name the table in which a shard's rows stand."""
    return f"{table}{LOCAL}" if sharding_keys()[table] else table


if __name__ == "__main__":
    place, what, *more = sys.argv[1:]
    does: dict[str, Callable[..., None]] = {"half": half, "joined": joined, "whole": whole}
    does[what](Path(place), *more)
