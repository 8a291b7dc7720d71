"""Settles people: whoever a load touched gets their stage entries computed anew and swapped in.

Reads what the materialized views noted of every event; writes the rows that report views read.
"""

from collections.abc import Sequence
from pathlib import Path
from string import Template

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from sql.aliases import join_users
from sql.turn import Turn

TOUCHED = ("source", "event_id", "arrival", "user_id", "anonymous_id")
"""The columns of loaded events by which their people are found."""

_FOLDER = Path(__file__).parent / "settling"
_SCRATCH = sorted((_FOLDER / "scratch").glob("*.sql"))
_BUILDS = (
    "INSERT INTO builds SELECT DISTINCT build, funnel, funnel_version, product FROM stage_rules"
)
_STORED_VERSION = """
SELECT max(changed_at)
FROM
(
    SELECT max(changed_at) AS changed_at FROM aliased_users
    UNION ALL
    SELECT max(changed_at) FROM stage_hits_raw
    UNION ALL
    SELECT max(changed_at) FROM stage_entries_raw
    UNION ALL
    SELECT max(changed_at) FROM sessions_raw
)
"""
_FINDING = ("030_people", "040_users", "050_devices", "060_owners", "070_candidates")
_STAGES = ("080_hits", "090_entries", "100_stage_hits", "110_stage_entries")
_SESSIONS = ("120_visits", "130_sessions", "140_sessions")


class Settlement:
    """Settles one load, or one bucket of everybody, at a time; each is safe to repeat.

    `turn` is held meanwhile, since two at once could each miss what the other is about to write;
    a loader holds it from its insert on, so that stage rules change between loads only.
    """

    def __init__(self, timezone: str, session_timeout_s: int = 1800) -> None:
        self.turn = Turn()
        self.timezone = timezone
        self._settings = {"timezone": timezone, "session_timeout_s": session_timeout_s}
        self._version: int | None = None

    def load(self, client: Client, events: pa.Table) -> None:
        """Settle the people of loaded events, a table with the columns TOUCHED at least."""
        with self.turn:
            version = self._begin(client)
            # Loads that are settled together each bring their own dictionaries.
            client.insert_arrow("touched", events.select(TOUCHED).unify_dictionaries())
            client.command(_BUILDS)
            self._step(client, "010_duplicate_arrivals")
            self._step(client, "020_seeds_of_load")
            joined = sorted(join_users(client, version))
            if joined:
                known = pa.array([True] * len(joined))
                client.insert_arrow("seeds", pa.table({"id": joined, "known": known}))
            self._settle(client, version)
            for name in _SESSIONS:
                self._step(client, name, version=version)
            _drop_scratch(client)

    def bucket(self, client: Client, builds: Sequence[str], bucket: int, buckets: int) -> None:
        """Settle a share of all people in some builds; all buckets from 0 make everybody."""
        with self.turn:
            version = self._begin(client)
            client.command(
                f"{_BUILDS} WHERE build IN {{builds:Array(String)}}", parameters={"builds": builds}
            )
            self._step(client, "021_seeds_of_bucket", bucket=bucket, buckets=buckets)
            self._settle(client, version)
            _drop_scratch(client)

    def _begin(self, client: Client) -> int:
        _drop_scratch(client)
        for path in _SCRATCH:
            client.command(path.read_text(encoding="utf-8"))
        return self._next_version(client)

    def _next_version(self, client: Client) -> int:
        """Give a version above all that are stored, also where the clock was set back since."""
        if self._version is None:
            self._version = int(client.query(_STORED_VERSION).result_rows[0][0])
        ((now,),) = client.query("SELECT toUnixTimestamp64Micro(now64(6))").result_rows
        self._version = max(int(now), self._version + 1)
        return self._version

    def _settle(self, client: Client, version: int) -> None:
        for name in _FINDING:
            self._step(client, name)
        # Whoever never reached a stage under any of their ids has no entry that could change.
        if client.query("SELECT count() FROM candidates").result_rows[0][0]:
            for name in _STAGES:
                self._step(client, name, version=version)

    def _step(self, client: Client, name: str, **parameters: int) -> None:
        text = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
        statement = Template(text).substitute(self._settings)
        client.command(statement.rstrip(";\n"), parameters=parameters)


def _drop_scratch(client: Client) -> None:
    """Drop what a settling worked on."""
    client.command(f"DROP TEMPORARY TABLE IF EXISTS {', '.join(path.stem for path in _SCRATCH)}")
