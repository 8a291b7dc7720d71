"""Ordered and strict funnels against a reference that tries every beginning of a chain."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import pytest

from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring

STEPS = ("applied", "passed", "joined")
WINDOW_DAYS = 10
FIRST = datetime.fromisoformat("2024-08-01 00:00:00")
ASKED = "funnel = 'course', first_day = '2024-08-01', last_day = '2024-08-31'"
Hits = Sequence[tuple[datetime, int]]
"""When a person came to which step, counted from 0, in order of time."""


def ordered(hits: Hits) -> int:
    """Count the steps of the longest chain that begins with any first step."""
    longest = 0
    for place, (start, first) in enumerate(hits):
        if first != 0:
            continue
        reached = 1
        for at, step in hits[place + 1 :]:
            if step == reached and at - start <= timedelta(days=WINDOW_DAYS):
                reached += 1
        longest = max(longest, reached)
    return longest


def strict(hits: Hits) -> int:
    """Count the same in what comes before the first step that nothing led to."""
    for place, (_, step) in enumerate(hits):
        before = ordered(hits[:place])
        if before and step > before:
            return before
    return ordered(hits)


@pytest.fixture(scope="module")
def people(
    warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Hits]:
    """Load random steps of two hundred people, in two sessions each, and give what was told."""
    random = Random(11)
    warehouse.empty()
    bring(warehouse.client, COURSE)
    told: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
    history = []
    for number in range(200):
        person = f"p{number}"
        for at in sorted(random.sample(range(29 * 24 * 60), random.randint(1, 7))):
            step, session = random.randrange(len(STEPS)), random.choice(["", "s-1", "s-2"])
            moment = FIRST + timedelta(minutes=at)
            told.setdefault((person, session), []).append((moment, step))
            id_ = len(history) + 1
            history.append(
                Told(
                    id=id_,
                    came=id_,
                    name=STEPS[step],
                    at=str(moment),
                    user=person,
                    session=session and f"{session}-{person}",
                )
            )
    random.shuffle(history)
    Road(warehouse.place, tmp_path_factory.mktemp("ordered")).load([history])
    return told


def expected(chains: Sequence[Hits]) -> list[tuple[str, int, int]]:
    """Count how many chains came at least to each step, ordered and strict."""
    far = Counter((ordered(hits), strict(hits)) for hits in chains)
    return [
        (
            name,
            sum(n for (reached, _), n in far.items() if reached > step),
            sum(n for (_, reached), n in far.items() if reached > step),
        )
        for step, name in enumerate(STEPS)
    ]


def found(warehouse: PreparedWarehouse, view: str, what: str) -> list[tuple[object, ...]]:
    """Read a view's counts in the order of steps."""
    rows = warehouse.client.query(
        f"SELECT stage, {what}_ordered, {what}_strict"
        f" FROM {view}({ASKED}, window_days = {WINDOW_DAYS}) ORDER BY stage_position"
    ).result_rows
    return [tuple(row) for row in rows]


def test_people_come_as_far_as_their_steps_in_order(
    warehouse: PreparedWarehouse, people: dict[tuple[str, str], list[tuple[datetime, int]]]
) -> None:
    """Each person's longest chain within the window is counted, whatever the sessions."""
    whole: dict[str, list[tuple[datetime, int]]] = {}
    for (person, _), hits in people.items():
        whole.setdefault(person, []).extend(hits)
    chains = [sorted(hits) for hits in whole.values()]
    assert found(warehouse, "funnel_ordered", "people") == expected(chains)
    assert expected(chains)[2][1] > expected(chains)[2][2] > 0


def test_sessions_come_as_far_as_their_own_steps(
    warehouse: PreparedWarehouse, people: dict[tuple[str, str], Hits]
) -> None:
    """Each session is counted by its own steps alone, and steps without a session in none."""
    chains = [hits for (_, session), hits in people.items() if session]
    assert found(warehouse, "funnel_ordered_sessions", "sessions") == expected(chains)


def test_another_time_is_not_looked_at(warehouse: PreparedWarehouse, people: object) -> None:
    """Events outside the days asked for count for nobody."""
    rows = warehouse.client.query(
        "SELECT sum(people_ordered) FROM funnel_ordered(funnel = 'course',"
        " first_day = '2025-08-01', last_day = '2025-08-31', window_days = 10)"
    ).result_rows
    assert rows == [(0,)]
