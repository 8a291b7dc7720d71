"""Keeps stage rules and stage events in step with the plan: changed rules mean a rebuild."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client

_COLUMNS = (
    "funnel",
    "funnel_version",
    "product",
    "stage_position",
    "stage",
    "stage_label",
    "event_name",
    "conditions",
    "terminal",
    "lead",
)
_EVENT_COLUMNS = (
    "funnel, funnel_version, stage_position, stage, source, event_id, arrival, event_time,"
    " person_id, product, track, cohort"
)


def apply_rules(client: Client, rules: Sequence[tuple[Any, ...]]) -> bool:
    """Store stage rules, rows of `stage_rules`; rebuild all stage events where they changed.

    New rules and the events under them are swapped in whole. The fingerprint goes first and is
    noted last, so that a rebuild cut short is done again at the next start, also when the rules
    are back to what they were. Run it while nothing is loaded.
    Returns whether there was a rebuild.
    """
    fingerprint = hashlib.sha256(orjson.dumps(sorted(map(list, rules)))).hexdigest()
    if _last(client) == fingerprint:
        return False
    client.command("TRUNCATE TABLE stage_rebuilds")
    _replace(client, "stage_rules", lambda table: client.insert(table, rules, _COLUMNS))
    ((select,),) = client.query(
        "SELECT as_select FROM system.tables"
        " WHERE database = currentDatabase() AND name = 'stage_events_mv'"
    ).result_rows
    _replace(
        client,
        "stage_events",
        lambda table: client.command(f"INSERT INTO {table} ({_EVENT_COLUMNS}) {select}"),
    )
    client.insert("stage_rebuilds", [[fingerprint]], column_names=["fingerprint"])
    return True


def _last(client: Client) -> str:
    rows = client.query("SELECT fingerprint FROM stage_rebuilds").result_rows
    return rows[0][0] if rows else ""


def _replace(client: Client, table: str, fill: Any) -> None:
    fresh = f"{table}_next"
    client.command(f"DROP TABLE IF EXISTS {fresh} SYNC")
    client.command(f"CREATE TABLE {fresh} AS {table}")
    fill(fresh)
    client.command(f"EXCHANGE TABLES {table} AND {fresh}")
    client.command(f"DROP TABLE {fresh} SYNC")
