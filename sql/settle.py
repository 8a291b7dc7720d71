"""Settles people: whoever a load touched gets their stage entries computed anew and swapped in.

Reads what the materialized views noted of every event; writes the rows that report views read. In
builds that grow, everybody is settled by the same statements.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from sql.aliases import join_users
from sql.growth import GROWING
from sql.layout import stored
from sql.statements import Statements
from sql.turn import Turn

TOUCHED = ("source", "event_id", "arrival", "user_id", "anonymous_id")
"""The columns of loaded events by which their people are found."""

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
    UNION ALL
    SELECT max(changed_at) FROM experiment_exposures_raw
)
"""
_PEOPLE = ("030_people", "040_users", "050_devices", "052_logins")
_OWNERS = ("058_copies", "060_owners")
_SWAPPED = ("137_fresh_sessions", "138_stored_sessions", "140_sessions")
_SESSIONS = ("120_visits", "130_sessions", *_SWAPPED, "150_exposures")
# What is read in order of the key is for one thread: a second one would wait, and hold its part.
_IN_ORDER = {"max_threads": 1, "optimize_aggregation_in_order": 1}
_EVENTS_A_SLICE = 5_000_000
_EVENTS_A_SHARE = 1_000_000
_POSTPONED_AT_ONCE = 200_000


class Settlement:
    """Settles one load at a time, or everybody in builds that grow; each is safe to repeat.

    `turn` is held meanwhile, since two at once could each miss what the other is about to write.
    `rules` is held while events are inserted and while rules are, so that an insert meets all rules
    of a plan or none. Loads go on while builds grow and leave those out; whom they touch is settled
    there at the end.
    """

    def __init__(self, timezone: str, session_timeout_s: int = 1800) -> None:
        self.turn = Turn()
        self.rules = Turn()
        self.timezone = timezone
        self.session_timeout_s = session_timeout_s
        self._words = {"timezone": timezone, "session_timeout_s": session_timeout_s}
        self._growing: list[str] = []
        self._version: int | None = None

    def load(self, client: Client, events: pa.Table) -> None:
        """Settle the people of loaded events, a table with the columns TOUCHED at least."""
        statements = Statements(client, self._words)
        with self.turn, statements.scratch():
            version = self._next_version(client)
            # Loads that are settled together each bring their own dictionaries.
            client.insert_arrow("touched", events.select(TOUCHED).unify_dictionaries())
            statements.run("000_builds", growing=self._growing, these=False)
            statements.run("010_duplicate_arrivals", "020_seeds_of_load")
            joined = sorted(join_users(client, version))
            if joined:
                known = pa.array([True] * len(joined))
                client.insert_arrow("seeds", pa.table({"id": joined, "known": known}))
            if self._growing:
                statements.run("022_postponed", version=version, gone=0)
            statements.run(*_PEOPLE, "054_candidates", "056_seen", *_OWNERS)
            _settle_stages(statements, version)
            statements.run(*_SESSIONS, version=version)

    def bucket_of_sessions(self, client: Client, bucket: int, buckets: int) -> None:
        """Settle the sessions of a share of all people; all buckets from 0 make everybody."""
        statements = Statements(client, self._words)
        with self.turn, statements.scratch():
            version = self._next_version(client)
            statements.run("023_seeds_of_bucket", bucket=bucket, buckets=buckets)
            statements.run(*_PEOPLE, "056_seen", *_OWNERS)
            statements.run(*_SESSIONS, version=version)

    def links(self, client: Client) -> None:
        """Note all later copies of events, and join all users that alias calls join."""
        statements = Statements(client, self._words)
        with self.turn, statements.scratch():
            version = self._next_version(client)
            Statements(client, self._words, _IN_ORDER).run("015_duplicates_of_all")
            statements.run("016_touched_by_aliases")
            join_users(client, version)

    def shares(self, client: Client) -> int:
        """Give in how many shares everybody is settled, each of which fits into memory."""
        tables = ("session_events", "stage_events", "exposure_events")
        events = max(Statements(client, self._words).count(table) for table in tables)
        return events // _EVENTS_A_SHARE + 1

    def share(self, client: Client, share: int, shares: int) -> None:
        """Settle a share of everybody, after `links`; all shares from 0 make everybody.

        It is what loads do: views show the old rows of a person or the new ones.
        """
        statements = Statements(client, self._words)
        with self.turn, statements.scratch():
            version = self._next_version(client)
            statements.run("000_builds", growing=self._growing, these=False)
            statements.run("024_seeds_of_share", share=share, shares=shares)
            if self._growing:
                statements.run("022_postponed", version=version, gone=0)
            statements.run(*_PEOPLE, "054_candidates", "056_seen", *_OWNERS)
            _settle_stages(statements, version)
            statements.run(*_SESSIONS, version=version)

    @contextmanager
    def growing(self, client: Client, builds: list[str]) -> Iterator[None]:
        """Leave builds to `everybody` within a `with` block; what an earlier try left of them goes.

        Builds that are not settled by the end of the block must be grown again.
        """
        with self.turn:
            client.command("TRUNCATE TABLE postponed_seeds")
            for table in ("stage_hits_raw", "stage_entries_raw"):
                client.command(
                    f"DELETE FROM {stored(client, table)}"  # noqa: S608 - names of ours
                    " WHERE build IN {builds:Array(String)}",
                    parameters={"builds": builds},
                )
            self._growing = builds
        try:
            yield
        finally:
            self._growing = []

    def everybody(self, client: Client, note: Callable[[int, int], None]) -> None:
        """Settle everybody in the builds that grow, whose stage events are all noted by now.

        `note` is told how many of how many steps are done.
        """
        statements = Statements(client, self._words, GROWING | _IN_ORDER)
        slices = statements.count("stage_events") // _EVENTS_A_SLICE + 1
        version = self._next_version(client)
        for done in range(slices):
            note(done, slices + 2)
            with statements.scratch(slice=done, slices=slices):
                statements.run("000_builds", growing=self._growing, these=True)
                statements.run("060_owners")
                statements.run("080_hits", into="stage_hits_raw", version=version, everybody=True)
        note(slices, slices + 2)
        with statements.scratch(slice=0, slices=1):
            statements.run("000_builds", growing=self._growing, these=True)
            statements.run("090_entries", into="stage_entries_raw", version=version)
            statements.run("095_left_out", version=self._next_version(client))
            for part in range(slices):
                statements.run("145_entered", version=version, slice=part, slices=slices)
        note(slices + 1, slices + 2)
        while self._growing:
            self._settle_postponed(client)
        note(slices + 2, slices + 2)

    def _settle_postponed(self, client: Client) -> None:
        """Settle people of loads that came meanwhile; after the last ones the builds are grown."""
        statements = Statements(client, self._words, GROWING)
        with self.turn, statements.scratch():
            version = self._next_version(client)
            statements.run("000_builds", growing=self._growing, these=True)
            statements.run("021_seeds_of_postponed", at_once=_POSTPONED_AT_ONCE)
            statements.run(*_PEOPLE, "054_candidates", *_OWNERS)
            _settle_stages(statements, version)
            statements.run("135_stored_sessions", *_SWAPPED, version=version)
            statements.run("022_postponed", version=version, gone=1)
            if not statements.count("postponed_seeds FINAL"):
                self._growing = []

    def _next_version(self, client: Client) -> int:
        """Give a version above all that are stored, also where the clock was set back since."""
        with self.turn:
            if self._version is None:
                self._version = int(client.query(_STORED_VERSION).result_rows[0][0])
            ((now,),) = client.query("SELECT toUnixTimestamp64Micro(now64(6))").result_rows
            self._version = max(int(now), self._version + 1)
            return self._version


def _settle_stages(statements: Statements, version: int) -> None:
    # Whoever never reached a stage under any of their ids has no entry that could change.
    if statements.count("candidates"):
        statements.run("080_hits", into="hits", version=version, everybody=False)
        statements.run("090_entries", into="entries", version=version)
        statements.run("098_stored_hits", "100_stage_hits", version=version)
        statements.run("108_stored_entries", "110_stage_entries", version=version)
