"""The refresh: stages, sessions and exposures of the people behind some events are recomputed.

Reads what materialized views noted of every event; writes the rows that report views read. An
incremental refresh takes the events of a load; a full refresh and a backfill take everybody, a
share at a time, and run the same models.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.aliases import join_users
from funnelhouse.sql.fair_lock import FairLock
from funnelhouse.sql.layout import catch_up, cluster_of
from funnelhouse.sql.lineage import models, plan, scratch_tables, statement

BATCH_COLUMNS = (
    *("source", "event_id", "arrival", "event_type", "event_name", "server"),
    *("user_id", "anonymous_id", "session_id"),
)
"""The columns of loaded events by which a refresh finds whom they affect."""

_STORED_VERSION = """
SELECT max(changed_at)
FROM
(
    SELECT max(changed_at) AS changed_at FROM aliased_users
    UNION ALL
    SELECT max(changed_at) FROM device_ownership
    UNION ALL
    SELECT max(changed_at) FROM stage_hits_raw
    UNION ALL
    SELECT max(changed_at) FROM stage_entries_raw
    UNION ALL
    SELECT max(changed_at) FROM sessions_raw
    UNION ALL
    SELECT max(changed_at) FROM experiment_exposures_raw
)
"""
_PROBE = """
SELECT
    (
        SELECT count()
        FROM duplicate_arrivals
        WHERE event_id IN (SELECT event_id FROM batch_events)
            AND (event_id, first_arrival) IN (SELECT event_id, arrival FROM batch_events)
            AND (event_id, arrival) NOT IN (SELECT event_id, arrival FROM batch_events)
    ) AS overtaken,
    (
        SELECT count()
        FROM aliases
        WHERE event_id IN (SELECT event_id FROM batch_events)
            OR previous_id IN (SELECT anonymous_id FROM batch_events)
    ) AS aliases
"""
LINKS = ("device_logins", "user_devices", "aliases", "aliased_users", "stage_rules")
"""Tables on every shard that a refresh reads and views of other shards write."""

_EVENTS_A_SHARE = 1_000_000
_KEPT_ROWS = 100_000


class Refresh:
    """Refreshes the people of one load at a time, or everybody; each is safe to repeat.

    `turn` is held meanwhile, since two at once could each miss what the other is about to write.
    `rules` is held while events are inserted and while rules are, so that an insert meets all rules
    of a plan or none.
    """

    def __init__(self, timezone: str, session_timeout_s: int = 1800) -> None:
        self.turn = FairLock()
        self.rules = FairLock()
        self.timezone = timezone
        self.session_timeout_s = session_timeout_s
        self._words = {
            "timezone": timezone,
            "session_timeout_s": session_timeout_s,
            "devices": "devices",
        }
        self._version: int | None = None
        self._on_cluster: bool | None = None

    def load(self, client: Client, events: pa.Table) -> None:
        """Refresh the people of loaded events, a table with BATCH_COLUMNS at least."""
        with self.turn:
            self._begin(client)
            # Loads that are refreshed together each bring their own dictionaries.
            batch = events.select(BATCH_COLUMNS).unify_dictionaries()
            client.insert_arrow("batch_events", batch)
            self._run_plan(client)
            if batch.num_rows > _KEPT_ROWS:
                self._drop_scratch(client)

    def links(self, client: Client) -> None:
        """Find all later copies of events, and join all users that alias calls join."""
        with self.turn:
            self._begin(client)
            self.run(client, "duplicates_of_all")
            self.run(client, "batch_of_aliases")
            join_users(client, self._next_version(client))

    def shares(self, client: Client) -> int:
        """Give in how many shares everybody is refreshed, each of which fits into memory."""
        tables = ("session_events", "stage_events", "exposure_events")
        return max(_count(client, table) for table in tables) // _EVENTS_A_SHARE + 1

    def share(self, client: Client, share: int, shares: int) -> None:
        """Refresh a share of everybody; all shares from 0 make everybody, once `links` are found.

        It is what loads do: views show the old rows of a person or the new ones.
        """
        with self.turn:
            self._begin(client)
            self.run(client, "batch_of_share", share=share, shares=shares)
            self._run_plan(client)
            self._drop_scratch(client)

    def backfill(
        self, client: Client, builds: Sequence[str], note: Callable[[int, int], None]
    ) -> None:
        """Fill the states of builds whose stage events are all noted; loads may go on meanwhile.

        They refresh these builds, too, so that whoever was filled stays right. `note` is told how
        many of how many steps are done.
        """
        shares = _count(client, "stage_events") // _EVENTS_A_SHARE + 1
        for share in range(shares):
            note(share, shares)
            with self.turn:
                self._begin(client)
                self.run(client, "batch_of_builds", builds=list(builds), share=share, shares=shares)
                self._run_plan(client, builds=builds)
                self._drop_scratch(client)
        note(shares, shares)

    def _begin(self, client: Client) -> None:
        if self._on_cluster is None:
            self._on_cluster = bool(cluster_of(client))
        if self._on_cluster:
            catch_up(client, *LINKS)
        self.run(client, "batch_events")

    def _run_plan(self, client: Client, builds: Sequence[str] = ()) -> None:
        """Run all models on the batch; `builds` names the funnels that are filled, else all are."""
        version = self._next_version(client)
        for model in plan():
            if model.name == "affected_ids":
                self._find_whole(client, version)
            self.run(client, model.name, version=version, builds=list(builds))

    def _find_whole(self, client: Client, version: int) -> None:
        """Add to the batch whose events may all be another person's than before."""
        ((overtaken, aliases),) = client.query(_PROBE).result_rows
        if overtaken:
            self.run(client, "batch_of_overtaken")
        users = sorted(join_users(client, version)) if overtaken or aliases else []
        if users:
            whole = {"event_type": ["whole"] * len(users), "server": [True] * len(users)}
            client.insert_arrow("batch_events", pa.table({**whole, "user_id": users}))

    def run(self, client: Client, name: str, **parameters: Any) -> None:
        """Run one model by its name, with the parameters that its text asks for."""
        text = statement(models()[name], self._words)
        client.command(text, parameters=parameters)

    def _drop_scratch(self, client: Client) -> None:
        client.command(f"DROP TEMPORARY TABLE IF EXISTS {', '.join(scratch_tables())}")

    def _next_version(self, client: Client) -> int:
        """Give a version above all that are stored, also where the clock was set back since."""
        if self._version is None:
            self._version = int(client.query(_STORED_VERSION).result_rows[0][0])
        self._version = max(time.time_ns() // 1000, self._version + 1)
        return self._version


def _count(client: Client, table: str) -> int:
    rows = client.query(f"SELECT count() FROM {table}").result_rows  # noqa: S608 - names of ours
    return int(rows[0][0])
