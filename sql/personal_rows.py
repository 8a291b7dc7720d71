"""Which rows of each table are a person's, by what the tables `forget_*` hold of them.

Of another person's event those copies alone go that name this one.
"""

from collections.abc import Iterator, Mapping

from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.layout import LOCAL, sharding_keys

_IDS = "(SELECT id FROM forget_ids WHERE kind IN ('user', 'device'))"
_EVENT = "(source, event_id) IN (SELECT source, event_id FROM forget_events)"
_KNOWN = "(actor, known) IN (SELECT id, kind = 'user' FROM forget_ids WHERE kind != 'shared')"
_HASHED = "(SELECT cityHash64(id) FROM forget_ids WHERE kind IN ('user', 'device'))"
_HASHES = """
hasAny(
    names,
    (
        SELECT groupArray(reinterpretAsUInt128(sipHash128(kind, id)))
        FROM forget_ids
        WHERE kind != 'shared'
    )
)
"""
CONDITIONS: Mapping[str, str] = {
    "experiment_signals_raw": f"{_HASHES} OR {_EVENT}",
    "experiment_exposures_raw": f"person_id IN {_IDS} OR device IN {_IDS} OR {_EVENT}",
    **dict.fromkeys(("stage_hits_raw", "stage_entries_raw"), f"person_id IN {_IDS} OR {_EVENT}"),
    "sessions_raw": f"person_id IN {_IDS}",
    "user_devices": f"user_id IN {_IDS} OR anonymous_id IN {_IDS}",
    "aliased_users": f"user_id IN {_IDS} OR person_id IN {_IDS}",
    "device_ownership": f"person_id IN {_IDS} OR anonymous_id IN {_IDS}",
    **dict.fromkeys(
        ("rejected_raw", "rejected_arrivals"),
        "(source, arrival, event_id) IN (SELECT source, arrival, event_id FROM forget_rejected)",
    ),
    "run_events_raw": "(source, event_id, arrival) IN"
    " (SELECT source, event_id, arrival FROM forget_run_events)",
    **dict.fromkeys(("arrivals", "duplicate_arrivals"), _EVENT),
    **dict.fromkeys(("stage_events", "session_events"), f"{_KNOWN} OR {_EVENT}"),
    "exposure_events": f"{_KNOWN} OR device IN {_IDS} OR {_EVENT}",
    "device_logins": f"user_id IN {_IDS} OR anonymous_id IN {_IDS} OR {_EVENT}",
    "aliases": f"user_id IN {_IDS} OR previous_id IN {_IDS} OR {_EVENT}",
    "seen_events": f"device IN {_HASHED} OR {_EVENT}",
    "events_raw": f"user_id IN {_IDS} OR anonymous_id IN {_IDS} OR {_EVENT}",
}
TABLES = frozenset(CONDITIONS)
"""Every table in which something of a person stands."""

_COLUMNS = """
SELECT table, groupArray(name) AS columns
FROM system.columns
WHERE database = currentDatabase()
    AND NOT startsWith(table, 'forget')
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
_STRANGERS = """
SELECT table, groupArray(name) AS columns
FROM system.columns
WHERE database = currentDatabase()
    AND table NOT IN {ours:Array(String)}
    AND table IN (
        SELECT name
        FROM system.tables
        WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
    )
    AND extract(type, '^(?:LowCardinality[(])?(?:Nullable[(])?(String)[)]*$') != ''
GROUP BY table
ORDER BY table
"""


def of_strangers(client: Client) -> dict[str, str]:
    """Give which rows go of tables that somebody made in our database: those with an id as text."""
    ours = [name for table in sharding_keys() for name in (table, table + LOCAL)]
    rows = client.query(_STRANGERS, parameters={"ours": [*ours, "schema_migrations"]}).result_rows
    return {
        quote_identifier(table): " OR ".join(
            f"ifNull({quote_identifier(column)}, '') IN {_IDS}" for column in columns
        )
        for table, columns in rows
    }


def rows_left(client: Client) -> Iterator[tuple[str, int]]:
    """Count in every table the rows whose columns of ids hold one of theirs."""
    for place, columns in client.query(_COLUMNS).result_rows:
        table = place.removesuffix(LOCAL)
        tests = " OR ".join(f"{column} IN {_IDS}" for column in columns)
        counted = client.query(f"SELECT count() FROM {table} WHERE {tests}")  # noqa: S608 - ours
        yield table, int(counted.result_rows[0][0])
