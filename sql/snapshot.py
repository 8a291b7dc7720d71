"""What an archive holds: each table as it stands at one moment, kept until it is written out.

The moment costs no copying: the parts of a table are attached to a second one. Rows are then put
in order of receipt, so that each file of the archive reads few of them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.layout import cluster_of
from funnelhouse.sql.lost_events import lost_events

_BY_ARRIVAL = "fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC')"
_BY_SEGMENT = "fromUnixTimestamp64Micro(toInt64OrZero(substring(segment, 1, 16)), 'UTC')"
_BY_EVENT_TIME = "fromUnixTimestamp64Micro(toUnixTimestamp64Micro(event_time), 'UTC')"
_LANDED = "segment IN (SELECT segment FROM {landed_segments})"
_NEVER = "toDateTime64(0, 6, 'UTC')"
_PREFIX = "export_"


@dataclass(frozen=True, slots=True)
class Archived:
    """A table that cannot be derived: `at` says when a row was received, "" for no such time.

    `only` chooses rows, by tables that stand before it in braces. What is `made_of_events` goes
    along only where retention has dropped some of the events.
    """

    table: str
    at: str = ""
    final: bool = True
    only: str = "true"
    made_of_events: bool = False


ARCHIVED = (
    # Noted as events came: rows of copies that merges have left out since stand here alone.
    Archived("arrivals", _BY_ARRIVAL),
    Archived("duplicate_arrivals", _BY_ARRIVAL),
    Archived("rejected_arrivals", _BY_ARRIVAL),
    Archived("experiment_signals_raw", _BY_EVENT_TIME),
    # What was sent, and how much of it.
    Archived("landed_segments", _BY_SEGMENT),
    Archived("received_raw", "toDateTime64(minute, 6, 'UTC')", only=_LANDED),
    Archived("events_raw", "received_at"),
    Archived("rejected_raw", "received_at"),
    Archived("run_events_raw", "received_at"),
    # What was imported, found out, asked for and told.
    Archived("ad_spend"),
    Archived("imported_targets"),
    Archived("runs_raw"),
    Archived("forgotten_raw"),
    Archived("experiment_readouts_raw"),
    Archived("removal_effects_raw", final=False),
    Archived("alert_states_raw"),
    # Made of events by materialized views, and of these everything else.
    Archived("device_logins", _BY_ARRIVAL, made_of_events=True),
    Archived("aliases", _BY_ARRIVAL, made_of_events=True),
    Archived("stage_events", _BY_ARRIVAL, made_of_events=True),
    Archived("session_events", _BY_ARRIVAL, made_of_events=True),
    Archived("exposure_events", _BY_ARRIVAL, made_of_events=True),
    Archived("seen_events", _BY_ARRIVAL, made_of_events=True),
)
"""Every table of an archive, in the order in which they are taken."""

REBUILT = (
    *("user_devices", "aliased_users", "stage_hits_raw", "stage_entries_raw", "sessions_raw"),
    *("experiment_exposures_raw", "device_ownership"),
)
"""Tables that are made anew of these."""

OF_PLAN = (
    *("plan_states", "plan_funnels", "plan_intakes", "plan_targets", "plan_actions"),
    *("plan_experiments", "plan_experiment_metrics", "plan_experiment_events", "plan_events"),
    *("plan_coverage", "plan_alerts", "stage_rules", "signal_rules", "session_states"),
)
"""Tables that the plan's folder and the settings fill."""

OF_WAREHOUSE = (
    *("schema_migrations", "archived_files", "cluster_shards", "secret_fingerprints"),
    *("forgettings", "forget_ids", "forget_events", "forget_rejected", "forget_run_events"),
    "forget_counts",
)
"""Tables about one warehouse itself: its state, and what `forget` works with, emptied after it."""


def kept_header(client: Client, name: str) -> dict[str, Any] | None:
    """Give the header of what is kept under a name, None where nothing is."""
    rows = client.query(
        "SELECT comment FROM system.tables"
        " WHERE database = currentDatabase() AND name = {name:String}",
        parameters={"name": f"{_PREFIX}{name}_header"},
    ).result_rows
    return orjson.loads(rows[0][0]) if rows else None


def take(client: Client, name: str) -> None:
    """Keep all tables as they are at this moment, under a name; what else was kept is removed.

    Nothing may be loaded meanwhile. It counts once it has its header.

    Raises:
        WarehouseError: the tables are spread over a cluster.
    """
    if cluster_of(client):
        raise WarehouseError(
            "A cluster cannot be exported; take a backup by the servers' own BACKUP … ON CLUSTER."
        )
    drop(client)
    for one in ARCHIVED:
        taken = _taken(name, one.table)
        client.command(f"CREATE TABLE {taken} AS {one.table}")
        if " TTL " in str(client.command(f"SHOW CREATE TABLE {taken}")):
            client.command(f"ALTER TABLE {taken} REMOVE TTL")
        client.command(f"ALTER TABLE {taken} ATTACH PARTITION ALL FROM {one.table}")


def keep_header(client: Client, name: str, header: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was taken its header, with `lost_until`: the receipt of the last event gone."""
    lost = lost_events(client, _taken(name, "arrivals"), _taken(name, "events_raw"))
    kept = dict(header) | {"lost_until": lost.last.isoformat() if lost else None}
    note = orjson.dumps(kept).decode().replace("\\", "\\\\").replace("'", "\\'")
    client.command(
        f"CREATE TABLE {_PREFIX}{name}_header (x UInt8) ENGINE = Memory COMMENT '{note}'"
    )
    return kept


def order(client: Client, name: str, table: str) -> bool:
    """Put the rows of a kept table in order of receipt; False when the archive needs none of them.

    Safe to repeat after a crash.

    Raises:
        WarehouseError: nothing is kept under this name.
    """
    one = next(one for one in ARCHIVED if one.table == table)
    header = kept_header(client, name)
    if header is None:
        raise WarehouseError(
            "What the warehouse kept for this export is gone, since another export began or a"
            " person was forgotten; export again, into an empty folder."
        )
    if one.made_of_events and header["lost_until"] is None:
        return False
    ordered, taken = ordered_table(name, table), _taken(name, table)
    if not _exists(client, ordered):
        _order(client, one, taken, ordered, name)
    client.command(f"DROP TABLE IF EXISTS {taken}")
    return True


def _order(client: Client, one: Archived, taken: str, ordered: str, name: str) -> None:
    only = one.only.format(landed_segments=ordered_table(name, "landed_segments"))
    client.command(f"DROP TABLE IF EXISTS {ordered}_fresh")
    at, final = one.at or _NEVER, "FINAL" if one.final else ""
    rows = f"SELECT *, {at} AS export_at FROM {taken} {final} WHERE {only}"  # noqa: S608 - ours
    client.command(f"CREATE TABLE {ordered}_fresh ENGINE = MergeTree ORDER BY export_at AS {rows}")
    client.command(f"RENAME TABLE {ordered}_fresh TO {ordered}")


def drop(client: Client) -> None:
    """Remove whatever is kept."""
    for table in _tables(client):
        client.command(f"DROP TABLE IF EXISTS `{table}` SYNC")


def ordered_table(name: str, table: str) -> str:
    """Name the table that holds rows in order of receipt, with `export_at` as a column more."""
    return f"{_PREFIX}{name}_{table}"


def _taken(name: str, table: str) -> str:
    return f"{_PREFIX}{name}_taken_{table}"


def _exists(client: Client, table: str) -> bool:
    return bool(int(str(client.command(f"EXISTS TABLE {table}"))))


def _tables(client: Client) -> Collection[str]:
    rows = client.query(
        "SELECT name FROM system.tables"
        " WHERE database = currentDatabase() AND startsWith(name, {prefix:String})",
        parameters={"prefix": _PREFIX},
    ).result_rows
    return [name for (name,) in rows]
