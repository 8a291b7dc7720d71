"""Forgets a person: every row about them goes from every table, and what is left is counted.

A person is all users whom aliases join with them, the devices that are theirs alone, and of shared
devices the anonymous events that belong to them. The ledger keeps numbers of events alone.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from sql.client import WarehouseError
from sql.layout import LOCAL, stored

_USERS = """
SELECT DISTINCT user_id
FROM
(
    SELECT user_id
    FROM aliased_users FINAL
    WHERE person_id IN (
        SELECT person_id FROM aliased_users FINAL WHERE user_id = {id:String}
        UNION DISTINCT
        SELECT {id:String}
    )
    UNION ALL
    SELECT {id:String}
)
"""
_DEVICES = """
SELECT
    anonymous_id,
    countIf(user_id NOT IN {users:Array(String)}) > 0 AS shared
FROM device_logins FINAL
WHERE anonymous_id IN (
    SELECT anonymous_id
    FROM device_logins
    WHERE user_id IN {users:Array(String)}
)
GROUP BY anonymous_id
"""
_OWN_OF_SHARED = """
WITH
    logins AS
    (
        SELECT
            anonymous_id,
            arraySort(groupArray((event_time, arrival, user_id))) AS turns
        FROM device_logins FINAL
        WHERE anonymous_id IN {shared:Array(String)}
        GROUP BY anonymous_id
    )
SELECT
    source,
    event_id
FROM
(
    SELECT source, event_id, actor, event_time
    FROM session_events FINAL
    WHERE NOT known AND actor IN {shared:Array(String)}
    UNION ALL
    SELECT source, event_id, actor, event_time
    FROM stage_events FINAL
    WHERE NOT known AND actor IN {shared:Array(String)}
) AS seen
INNER JOIN logins ON seen.actor = logins.anonymous_id
WHERE if(
    turns[-1].1 < seen.event_time,
    turns[-1].3,
    arrayFirst(turn -> turn.1 >= seen.event_time, turns).3
) IN {users:Array(String)}
"""
_THEIRS = """
INSERT INTO forgotten_events
SELECT DISTINCT
    source,
    event_id
FROM events_raw
WHERE user_id IN {users:Array(String)}
    OR (user_id = '' AND anonymous_id IN {devices:Array(String)})
"""
_OF_PAYLOAD = """
(
    JSONExtractString(payload, 'userId') IN {users:Array(String)}
    OR JSONExtractString(payload, 'previousId') IN {users:Array(String)}
    OR (
        JSONExtractString(payload, 'userId') = ''
        AND JSONExtractString(payload, 'anonymousId') IN {devices:Array(String)}
    )
    OR (NOT isValidJSON(payload) AND multiSearchAny(payload, {names:Array(String)}))
)
"""
_COUNTED = f"""
INSERT INTO forgotten_raw
SELECT {{forgetting:String}}, source, minute, outcome, sum(events)
FROM
(
    SELECT
        source,
        toStartOfMinute(fromUnixTimestamp64Micro(toInt64(arrival DIV 4096), 'UTC')) AS minute,
        'landed' AS outcome,
        count() AS events
    FROM arrivals FINAL
    WHERE (source, event_id) IN (SELECT source, event_id FROM forgotten_events)
    GROUP BY source, minute
    UNION ALL
    SELECT
        source,
        toStartOfMinute(fromUnixTimestamp64Micro(toInt64(arrival DIV 4096), 'UTC')),
        'duplicate',
        count()
    FROM duplicate_arrivals FINAL
    WHERE (source, event_id) IN (SELECT source, event_id FROM forgotten_events)
    GROUP BY 1, 2
    UNION ALL
    SELECT source, toStartOfMinute(received_at), 'rejected', count()
    FROM rejected_raw FINAL
    WHERE NOT replayed AND {_OF_PAYLOAD}
    GROUP BY 1, 2
    UNION ALL
    SELECT source, toStartOfMinute(received_at), if(reason = '', 'landed', 'rejected'), count()
    FROM run_events_raw FINAL
    WHERE {_OF_PAYLOAD}
    GROUP BY 1, 2, 3
)
GROUP BY source, minute, outcome
"""  # noqa: S608 - words of ours
_BY_EVENT = (
    *("arrivals", "duplicate_arrivals", "stage_events", "device_logins", "aliases"),
    *("session_events", "exposure_events", "seen_events", "events_raw"),
)
_BY_PAYLOAD = ("rejected_raw", "run_events_raw")
_BY_REJECTION = f"""
(source, arrival, event_id) IN (
    SELECT source, arrival, event_id FROM rejected_raw WHERE {_OF_PAYLOAD}
)
"""  # noqa: S608 - words of ours
_BY_PERSON = ("stage_hits_raw", "stage_entries_raw", "sessions_raw", "experiment_exposures_raw")
_BY_NAMES = """
hasAny(
    names,
    arrayConcat(
        arrayMap(id -> reinterpretAsUInt128(sipHash128('user', id)), {users:Array(String)}),
        arrayMap(id -> reinterpretAsUInt128(sipHash128('device', id)), {devices:Array(String)})
    )
)
"""
TABLES = {*_BY_EVENT, *_BY_PAYLOAD, *_BY_PERSON, "experiment_signals_raw", "postponed_seeds"}
TABLES |= {"user_devices", "aliased_users", "rejected_arrivals"}
"""Every table in which something of a person stands."""

_COLUMNS = """
SELECT table, groupArray(name) AS columns
FROM system.columns
WHERE database = currentDatabase()
    AND table IN (
        SELECT name
        FROM system.tables
        WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
    )
    AND type IN ('String', 'LowCardinality(String)')
    AND name IN ('user_id', 'anonymous_id', 'actor', 'person_id', 'previous_id', 'device', 'id')
GROUP BY table
ORDER BY table
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was found of a person, and how many rows went from each table.

    `left` counts the rows in which an id of theirs stands still, which must be none.
    """

    users: int
    devices: int
    shared_devices: int
    removed: Mapping[str, int]
    left: Mapping[str, int]


def forget(client: Client, person: str) -> Forgotten:
    """Forget whoever goes by a user id or a device's id; safe to repeat.

    Nothing else may load meanwhile.

    Raises:
        WarehouseError: rows of theirs are left.
    """
    users = [row[0] for row in client.query(_USERS, parameters={"id": person}).result_rows]
    found = client.query(_DEVICES, parameters={"users": users}).result_rows
    shared = [device for device, is_shared in found if is_shared]
    devices = [device for device, is_shared in found if not is_shared]
    if not client.query(
        "SELECT 1 FROM device_logins WHERE anonymous_id = {id:String} LIMIT 1",
        parameters={"id": person},
    ).result_rows:
        devices.append(person)
    ids = {"users": users, "devices": devices, "names": [*users, *devices]}
    _gather(client, users, devices, shared)
    client.command(_COUNTED, parameters={"forgetting": secrets.token_hex(8), **ids})
    removed = dict(_remove(client, ids))
    client.command("DROP TEMPORARY TABLE forgotten_events")
    left = {table: rows for table, rows in _left(client, users, devices) if rows}
    if left:
        raise WarehouseError(f"Rows of the person are left ({left}); run the command again.")
    return Forgotten(len(users), len(devices), len(shared), removed, left)


def _gather(
    client: Client, users: Sequence[str], devices: Sequence[str], shared: Sequence[str]
) -> None:
    client.command("DROP TEMPORARY TABLE IF EXISTS forgotten_events")
    client.command(
        "CREATE TEMPORARY TABLE forgotten_events (source LowCardinality(String), event_id UUID)"
    )
    client.command(_THEIRS, parameters={"users": users, "devices": devices})
    if shared:
        own = client.query_arrow(_OWN_OF_SHARED, parameters={"users": users, "shared": shared})
        if own.num_rows:
            client.insert_arrow("forgotten_events", _plain(own))


def _plain(table: pa.Table) -> pa.Table:
    return table.unify_dictionaries() if table.num_columns else table


def _remove(client: Client, ids: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Remove by mutations, which rewrite the data; events last, by which all else is found."""
    persons = {"ids": ids["names"]}
    by_event = "(source, event_id) IN (SELECT source, event_id FROM forgotten_events)"
    everywhere: list[tuple[str, str, Mapping[str, Any]]] = [
        *((table, "person_id IN {ids:Array(String)}", persons) for table in _BY_PERSON),
        ("user_devices", "user_id IN {users:Array(String)}", {"users": ids["users"]}),
        (
            "aliased_users",
            "user_id IN {users:Array(String)} OR person_id IN {users:Array(String)}",
            {"users": ids["users"]},
        ),
        ("postponed_seeds", "id IN {ids:Array(String)}", persons),
        ("experiment_signals_raw", _BY_NAMES, ids),
        ("rejected_arrivals", _BY_REJECTION, ids),
        *((table, _OF_PAYLOAD, ids) for table in _BY_PAYLOAD),
        *((table, by_event, {}) for table in _BY_EVENT),
    ]
    for table, condition, parameters in everywhere:
        counted = client.query(
            f"SELECT count() FROM {table} WHERE {condition}",  # noqa: S608 - words of ours
            parameters=dict(parameters) or None,
        )
        ((rows,),) = counted.result_rows
        if rows:
            _delete(client, table, condition, parameters)
        yield table, int(rows)


def _delete(client: Client, table: str, condition: str, parameters: Mapping[str, Any]) -> None:
    """Delete the rows of a condition; a mutation knows no temporary table, so keys go with it."""
    if "forgotten_events" not in condition:
        client.command(
            f"ALTER TABLE {stored(client, table)} DELETE WHERE {condition}"
            " SETTINGS mutations_sync = 2",
            parameters=dict(parameters),
        )
        return
    keys = client.query("SELECT source, toString(event_id) FROM forgotten_events").result_rows
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        client.command(
            f"ALTER TABLE {stored(client, table)} DELETE WHERE (source, toString(event_id)) IN"
            " {keys:Array(Tuple(String, String))} SETTINGS mutations_sync = 2",
            parameters={"keys": [tuple(key) for key in some]},
        )


_AT_ONCE = 5_000


def _left(
    client: Client, users: Sequence[str], devices: Sequence[str]
) -> Iterator[tuple[str, int]]:
    """Count in every table the rows whose columns of ids hold one of theirs."""
    for place, columns in client.query(_COLUMNS).result_rows:
        table = place.removesuffix(LOCAL)
        tests = " OR ".join(f"{column} IN {{ids:Array(String)}}" for column in columns)
        counted = client.query(
            f"SELECT count() FROM {table} WHERE {tests}",  # noqa: S608 - names of the engine
            parameters={"ids": [*users, *devices]},
        )
        yield table, int(counted.result_rows[0][0])
