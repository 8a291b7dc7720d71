"""Forgets a person: what is theirs is gathered, then counted and removed, as often as it takes.

A person is all users whom aliases join with them, the devices that are theirs alone, and of shared
devices the anonymous events that they own. What is gathered stands in the tables `forget_*`, by
which every table is cleared: so no statement that the engine keeps names anybody, and whoever is
killed in between goes on where they were.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.device_ownership import owners_of_devices
from funnelhouse.sql.layout import cluster_of, share, stored
from funnelhouse.sql.personal_rows import CONDITIONS, of_strangers, rows_left

GATHERED = ("forget_ids", "forget_events", "forget_rejected", "forget_run_events", "forget_counts")
"""Tables of what goes, which are empty but while somebody is being forgotten."""

_FOLDER = Path(__file__).parent / "forgetting"
_SILENT = {"log_queries": "0"}
"""Statements that name the person stand in no log of a server's queries."""

_USERS = """
SELECT user_id, person_id
FROM aliased_users FINAL
WHERE person_id = (
    SELECT any(person_id) FROM aliased_users FINAL WHERE user_id = {id:String}
)
    OR person_id = {id:String}
"""
_DEVICES = """
SELECT anonymous_id, countIf(person_id != {person:String}) > 0 AS shared
FROM owners
GROUP BY anonymous_id
HAVING countIf(person_id = {person:String}) > 0
"""
_OWNERS = "SELECT DISTINCT person_id FROM owners WHERE anonymous_id = {id:String}"
_NAMED = """
SELECT 1 FROM events_raw WHERE user_id = {id:String} LIMIT 1
UNION ALL
SELECT 1 FROM session_events WHERE known AND actor = {id:String} LIMIT 1
UNION ALL
SELECT 1 FROM stage_events WHERE known AND actor = {id:String} LIMIT 1
UNION ALL
SELECT 1 FROM device_logins WHERE user_id = {id:String} LIMIT 1
"""

_ANONYMOUS = """
SELECT 1 FROM events_raw WHERE anonymous_id = {id:String} LIMIT 1
UNION ALL
SELECT 1 FROM session_events WHERE NOT known AND actor = {id:String} LIMIT 1
UNION ALL
SELECT 1 FROM stage_events WHERE NOT known AND actor = {id:String} LIMIT 1
"""
_CLEARED_SOON = "old_parts_lifetime = 60, max_cleanup_delay_period = 120"
"""How soon a table gives up the parts that a removal has replaced, in seconds: three minutes."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was found of a person, and how many rows went from each table.

    `left` counts the rows in which an id of theirs stands still, which must be none.
    """

    users: int
    devices: int
    shared_devices: int
    removed: Mapping[str, int]
    left: Mapping[str, int] = field(default_factory=dict)


def forget(client: Client, person: str) -> Forgotten:
    """Forget whoever goes by a user id or a device's id; safe to repeat, also after a kill.

    Nothing else may load or be refreshed meanwhile.

    Raises:
        ValueError: the id is that of a device on which somebody logged in.
        WarehouseError: rows of theirs are left.
    """
    go_on(client)
    ids = _gather(client, person)
    removed = go_on(client)
    kinds = [kind for kind, _ in ids]
    users, devices, shared = (kinds.count(kind) for kind in ("user", "device", "shared"))
    return Forgotten(users, devices, shared, removed)


def is_under_way(client: Client) -> bool:
    """Say whether somebody's forgetting was broken off, so that `go_on` has something to do."""
    return bool(_under_way(client))


def go_on(client: Client) -> dict[str, int]:
    """Count and remove what is gathered, if anything is; returns the rows that went by table.

    Raises:
        WarehouseError: rows of theirs are left.
    """
    removed: dict[str, int] = {}
    for forgetting in _under_way(client):
        client.command(_text("counted"), parameters={"forgetting": forgetting})
        found = {**of_strangers(client), **CONDITIONS}
        removed |= {table: _remove(client, table, where) for table, where in found.items()}
        left = {table: rows for table, rows in rows_left(client) if rows}
        if left:
            raise WarehouseError(f"Rows of the person are left ({left}); run the command again.")
        _clear(client)
        _note(client, forgetting, done=1)
    return removed


def _under_way(client: Client) -> list[str]:
    rows = client.query("SELECT forgetting FROM forgettings FINAL WHERE NOT done").result_rows
    return [forgetting for (forgetting,) in rows]


def _note(client: Client, forgetting: str, done: int) -> None:
    client.insert("forgettings", [[forgetting, done]], column_names=["forgetting", "done"])


def _gather(client: Client, person: str) -> list[tuple[str, str]]:
    """Write down all that goes, and last that it is; gives the ids that were found with kinds."""
    for table in GATHERED:
        client.command(f"TRUNCATE TABLE {table}")
    users, name = _users(client, person)
    with owners_of_devices(client, users, person):
        ids = _ids(client, person, users, name)
        kinds, names = zip(*ids, strict=True)
        client.insert_arrow("forget_ids", pa.table({"kind": kinds, "id": names}))
        for statement in ("events", "sessions", "rejected", "run_events", "counts"):
            client.command(_text(statement), parameters={"person": name}, settings=_SILENT)
    share(client, *GATHERED)
    _note(client, secrets.token_hex(8), done=0)
    return ids


def _users(client: Client, person: str) -> tuple[list[str], str]:
    """Give the user ids of a person, and by which of them reports call the person."""
    rows = client.query(_USERS, parameters={"id": person}, settings=_SILENT).result_rows
    joined: dict[str, str] = {user: name for user, name in rows}  # noqa: C416 - what a row is
    return sorted({person, *joined, *joined.values()}), joined.get(person, person)


def _ids(client: Client, person: str, users: Sequence[str], name: str) -> list[tuple[str, str]]:
    """Give all ids of a person with their kinds.

    Raises:
        ValueError: the id is that of a device on which somebody logged in.
    """
    owners = client.query(_OWNERS, parameters={"id": person}, settings=_SILENT).result_rows
    found = client.query(_DEVICES, parameters={"person": name}, settings=_SILENT).result_rows
    is_user = len(users) > 1 or client.query(_NAMED, parameters={"id": person}).result_rows
    if owners and not is_user:
        whose = " and ".join(sorted(f"{one!r}" for (one,) in owners))
        raise ValueError(f"{person!r} is a device of {whose}; forget a person by their user id.")
    devices = {(("shared" if shared else "device"), device) for device, shared in found}
    # An id on which nobody logged in may be a device's as well, of which sessions know.
    alone = {("device", person)} if not owners and _is_device(client, person) else set()
    return sorted({("user", user) for user in users} | devices | alone)


def _is_device(client: Client, person: str) -> bool:
    asked = client.query(_ANONYMOUS, parameters={"id": person}, settings=_SILENT)
    return bool(asked.result_rows)


def _remove(client: Client, table: str, where: str) -> int:
    """Remove the rows of a table by a mutation, which rewrites the data; gives their number."""
    # A mutation that goes on after a start knows no database of its own.
    condition = where.replace("FROM forget_", f"FROM {client.database}.forget_")
    counted = client.query(f"SELECT count() FROM {table} WHERE {condition}")  # noqa: S608 - ours
    rows = int(counted.result_rows[0][0])
    if rows:
        place = stored(client, table) if table in CONDITIONS else table
        client.command(
            f"ALTER TABLE {place} DELETE WHERE {condition}"
            " SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1"
        )
    return rows


def _clear(client: Client) -> None:
    """Have the engine let go of what it keeps of removed rows, and empty what was gathered."""
    cluster = cluster_of(client)
    for table in (*CONDITIONS, *GATHERED):
        definition = client.command(f"SHOW CREATE TABLE {stored(client, table).split()[0]}")
        if "max_cleanup_delay_period" not in str(definition):
            everywhere = _everywhere(client, table)
            client.command(f"ALTER TABLE {everywhere} MODIFY SETTING {_CLEARED_SOON}")
    if not cluster:
        # Earlier versions named people in mutations, whose files the engine keeps for a while.
        client.command("KILL MUTATION WHERE database = currentDatabase() AND is_done")
    for table in GATHERED:
        client.command(f"TRUNCATE TABLE {table}")


def _everywhere(client: Client, table: str) -> str:
    place, cluster = stored(client, table), cluster_of(client)
    return place if " ON CLUSTER " in place or not cluster else f"{place} ON CLUSTER '{cluster}'"


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").rstrip(";\n")
