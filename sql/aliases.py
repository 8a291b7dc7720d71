"""Users that alias calls joined: who they are together, kept in `aliased_users`."""

from collections.abc import Iterable

import pyarrow as pa
from clickhouse_connect.driver.client import Client

_TOUCHED = """
SELECT count() FROM aliases WHERE (source, event_id) IN (SELECT source, event_id FROM touched)
"""
_PAIRS = """
SELECT previous_id, user_id
FROM aliases FINAL
WHERE previous_id NOT IN ('', user_id) AND user_id != ''
    AND (source, event_id, arrival) NOT IN (
        SELECT source, event_id, arrival FROM duplicate_arrivals
        WHERE (source, event_id) IN (SELECT source, event_id FROM aliases)
    )
"""


def join_users(client: Client, version: int) -> set[str]:
    """Join users anew when the load in `touched` has alias calls; returns who is joined otherwise.

    `version` stands beside what is written; of two rows of a user the greater one counts.
    """
    if not client.query(_TOUCHED).result_rows[0][0]:
        return set()
    wanted = people_of((previous, user) for previous, user in client.query(_PAIRS).result_rows)
    rows = client.query("SELECT user_id, person_id FROM aliased_users FINAL").result_rows
    stored = {user: person for user, person in rows}  # noqa: C416 - what a row is
    wanted = {user: user for user in stored} | wanted
    changed = {user: person for user, person in wanted.items() if stored.get(user) != person}
    if changed:
        users, persons = list(changed), list(changed.values())
        versions = pa.array([version] * len(changed), pa.uint64())
        table = pa.table({"user_id": users, "person_id": persons, "changed_at": versions})
        client.insert_arrow("aliased_users", table)
    return changed.keys() | set(changed.values())


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
