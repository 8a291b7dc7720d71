"""Users that alias calls joined: who they are together, kept in `aliased_users`."""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

import pyarrow as pa
from clickhouse_connect.driver.client import Client

_AFFECTED = """
SELECT
    source,
    event_id,
    previous_id
FROM aliases
WHERE event_id IN (SELECT event_id FROM batch_events)
    OR previous_id IN (SELECT anonymous_id FROM batch_events)
"""
_PAIRS = """
WITH
    seen AS
    (
        SELECT anonymous_id, source, event_id, arrival
        FROM device_logins
        WHERE NOT former AND anonymous_id IN (SELECT previous_id FROM aliases)
        UNION ALL
        SELECT actor, source, event_id, arrival
        FROM session_events
        WHERE NOT known AND actor IN (SELECT previous_id FROM aliases)
    ),
    devices AS
    (
        SELECT anonymous_id
        FROM seen
        WHERE (source, event_id, arrival) NOT IN (
            SELECT source, event_id, arrival FROM duplicate_arrivals
            WHERE (source, event_id) IN (SELECT source, event_id FROM seen)
        )
    )
SELECT
    source,
    event_id,
    previous_id,
    user_id,
    previous_id NOT IN (SELECT anonymous_id FROM devices)
        AND (source, event_id, arrival) NOT IN (
            SELECT source, event_id, arrival FROM duplicate_arrivals
            WHERE (source, event_id) IN (SELECT source, event_id FROM aliases)
        ) AS joins
FROM aliases
"""


class AliasPair(NamedTuple):
    """A copy of an alias call, and whether it joins its two users."""

    source: str
    event_id: UUID
    previous_id: str
    user_id: str
    joins: bool


def join_users(client: Client, version: int) -> Collection[str]:
    """Join users anew whose alias calls the batch affects; returns all who may be joined otherwise.

    `batch_events` holds the batch. `version` stands beside what is written; of two rows of a user
    the greater one counts. Those returned are the same when the work is repeated.
    """
    affected = client.query(_AFFECTED).result_rows
    if not affected:
        return frozenset()
    calls = {(source, event_id) for source, event_id, _ in affected}
    devices = {previous_id for _, _, previous_id in affected}
    pairs = [AliasPair(*row) for row in client.query(_PAIRS).result_rows]
    of_any_copy = people_of(pair[2:4] for pair in pairs)
    groups = {
        of_any_copy[pair.user_id]
        for pair in pairs
        if pair[:2] in calls or pair.previous_id in devices
    }
    users = {user for user, group in of_any_copy.items() if group in groups}
    person = people_of(pair[2:4] for pair in pairs if pair.joins)
    rows = client.query("SELECT user_id, person_id FROM aliased_users FINAL").result_rows
    stored = {user: person for user, person in rows}  # noqa: C416 - what a row is
    changed = [u for u in sorted(users) if person.get(u, u) != stored.get(u, u)]
    if changed:
        persons = [person.get(user, user) for user in changed]
        versions = pa.array([version] * len(changed), pa.uint64())
        table = pa.table({"user_id": changed, "person_id": persons, "changed_at": versions})
        client.insert_arrow("aliased_users", table)
    return users


def people_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give for each user of (previous id, user id) pairs the person that they are.

    Users joined by any chain of aliases are one person, called by the id that is nobody's previous
    one; where there are several of these, or none as in a circle, by the first in order of text.
    """
    pairs = list(pairs)
    parent: dict[str, str] = {}

    def root(user: str) -> str:
        parent.setdefault(user, user)
        while parent[user] != user:
            parent[user] = parent[parent[user]]
            user = parent[user]
        return user

    for previous, user in pairs:
        parent[root(previous)] = root(user)
    former = {previous for previous, _ in pairs}
    name: dict[str, tuple[bool, str]] = {}
    for user in list(parent):
        candidate = (user in former, user)
        name[root(user)] = min(candidate, name.get(root(user), candidate))
    return {user: name[root(user)][1] for user in list(parent)}
