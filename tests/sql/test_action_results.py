"""What became of an action: the Slack -> payment one of the team, and its states."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import PreparedWarehouse
from tests.sql.history import ARRANGED, ARRANGEMENTS, COURSE, Road, Told, bring, today

START = date(2024, 7, 1)


def action(starts_on: date = START, window_days: int = 14, **changes: Any) -> tuple[Any, ...]:
    """Return a row of `actions`: who was passed should join."""
    plain: dict[str, Any] = {
        "action": "message",
        "title": "Message",
        "title_ko": "메시지",
        "hypothesis": "They do not see the deadline.",
        "funnel": "course",
        "product": "camp",
        "track": "",
        "starts_on": starts_on,
        "window_days": window_days,
        "audience": "passed",
        "from_stage": "passed",
        "stage": "joined",
        "success": 0.65,
        "guardrail": 0.60,
    }
    return tuple((plain | changes).values())


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse, which is empty."""
    warehouse.empty()
    return Road(warehouse.place, tmp_path)


def shown(warehouse: PreparedWarehouse, columns: str) -> list[Any]:
    """Read columns of the view."""
    text = f"SELECT {columns} FROM action_results ORDER BY action"
    return list(warehouse.client.query(text).result_rows)


def steps(name: str, users: range, at: str, **changes: Any) -> list[Told]:
    """Tell of a step of each user of a range."""
    base = {"passed": 0, "joined": 1000, "withdrawn": 2000}[name]
    return [
        Told(id=base + n, came=base + n, name=name, user=f"user-{n}", at=at, server=True, **changes)
        for n in users
    ]


def test_the_action_of_the_team(warehouse: PreparedWarehouse, road: Road) -> None:
    """53.77 % before, 52.8 % in the two weeks, 20 % of the audience moved on: harm."""
    bring(warehouse.client, COURSE, actions=[action()])
    history = [
        *steps("passed", range(1), "2024-06-01 12:00:00"),
        *steps("passed", range(1, 107), "2024-06-17 00:00:00"),
        *steps("joined", range(1, 58), "2024-06-30 23:59:59.999999"),
        # 50 stand there as July begins, ten of whom move on; 53 come, 18 of whom do
        *steps("joined", range(57 + 1, 57 + 11), "2024-07-01 00:00:01"),
        *steps("passed", range(200, 253), "2024-07-14 23:59:59"),
        *steps("joined", range(200, 218), "2024-07-14 23:59:59"),
        # a day too late, and a withdrawal that comes after the window
        *steps("joined", range(220, 225), "2024-07-15 00:00:00"),
        *steps("withdrawn", range(90, 95), "2024-07-15 00:00:00"),
    ]
    road.load([history])
    columns = (
        "entries_before, from_entries_before, round(conversion_period_before, 4), entries,"
        " from_entries, round(conversion_period, 3), round(change, 4), audience, moved_on,"
        " moved_on_share, toString(ends_on), status"
    )
    assert shown(warehouse, columns) == [
        (57, 106, 0.5377, 28, 53, 0.528, -0.0094, 50, 10, 0.2, "2024-07-14", "guardrail broken")
    ]


STATES = [
    # starts in so many days, joined of 100, guardrail -> status
    (1, 0, 0.6, "planned"),
    (0, 0, 0.6, "running"),
    (-13, 10, 0.6, "running"),
    (-14, 65, 0.6, "met"),
    (-14, 64, 0.6, "missed"),
    (-14, 59, 0.6, "guardrail broken"),
    (-14, 59, None, "missed"),
    (-14, None, None, "no data"),
]


def test_status(warehouse: PreparedWarehouse, road: Road) -> None:
    """An action is planned, running, or judged by its figure once its last day is over."""
    actions, history = [], []
    for n, (starts_in, joined, guardrail, _) in enumerate(STATES):
        start, on_track = today() + timedelta(days=starts_in), {"track": f"track-{n}"}
        actions.append(action(start, action=f"action-{n}", guardrail=guardrail, **on_track))
        users, at = range(5000 * n, 5000 * n + 100), f"{start} 00:00:00"
        history += [] if joined is None else steps("passed", users, at, **on_track)
        history += steps("joined", users[: joined or 0], at, **on_track)
    bring(warehouse.client, COURSE, actions=actions)
    road.load([history])
    assert shown(warehouse, "status") == [(status,) for *_, status in STATES]


@pytest.mark.parametrize("arrangement", ARRANGED)
def test_the_audience(warehouse: PreparedWarehouse, road: Road, arrangement: str) -> None:
    """Residents of an open intake as the action starts; a late login and a copy change nobody."""
    intakes = [
        ("course", 1, "", "5", date(2024, 6, 1), date(2024, 6, 30)),
        ("course", 1, "", "6", date(2024, 6, 1), date(2024, 7, 31)),
    ]
    bring(warehouse.client, COURSE, actions=[action(track="kotlin")], intakes=intakes)
    before: dict[str, Any] = {"name": "passed", "at": "2024-06-20 12:00:00"}
    history = [
        [
            Told(id=1, came=1, user="kim", cohort="5", **before),
            Told(id=2, came=2, anonymous="a", cohort="6", **before),
            Told(id=3, came=3, user="park", track="node", cohort="6", **before),
            Told(id=4, came=4, user="choi", name="passed", at="2024-07-01 00:00:01"),
            Told(id=5, came=5, user="jung", **before),
            Told(id=5, came=9, user="jung", name="joined"),
            Told(id=6, came=6, user="jung", name="withdrawn", at="2024-07-01 00:00:00"),
        ],
        [
            Told(id=7, came=7, user="lee", name="joined", cohort="6", at="2024-07-02 12:00:00"),
            Told(id=8, came=8, user="lee", anonymous="a", name="applied"),
        ],
    ]
    road.load(ARRANGEMENTS[arrangement](history))
    assert shown(warehouse, "audience, moved_on") == [(1, 1)]


DAYS = st.sampled_from(
    [
        f"2024-0{day} {at}"
        for day in ("6-28", "6-29", "6-30", "7-01", "7-02", "7-03")
        for at in ("00:00:00", "15:00:00")
    ]
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["passed", "passed", "joined", "withdrawn"]),
        st.sampled_from([f"user-{n}" for n in range(6)]),
        st.sampled_from(["kotlin", "node"]),
        DAYS,
    ),
    min_size=5,
    max_size=60,
)


@pytest.mark.usefixtures("rounds")
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(EVENTS, st.randoms())
def test_actions_agree_with_a_plain_reference(
    warehouse: PreparedWarehouse, road: Road, events: list[tuple[str, str, str, str]], chance: Any
) -> None:
    """Whatever happened in whatever order, figures and audience are those of a few lines."""
    warehouse.empty()
    bring(warehouse.client, COURSE, actions=[action(window_days=2)])
    told = [
        Told(id=n, came=n, name=name, user=user, track=track, at=at, server=True)
        for n, (name, user, track, at) in enumerate(events)
    ]
    first: dict[tuple[str, str, str], str] = {}
    for name, user, track, at in events:
        first[name, user, track] = min(at, first.get((name, user, track), "9"))
    start, before, end = "2024-07-01", "2024-06-29", "2024-07-03"
    counts = [
        sum(key[0] == name and low <= at < high for key, at in first.items())
        for low, high in ((before, start), (start, end))
        for name in ("joined", "passed")
    ]
    residents = [
        (user, track)
        for (name, user, track), at in first.items()
        if name == "passed"
        and at <= f"{start} 00:00:00"
        and all(
            first.get((out, user, track), "9") > f"{start} 00:00:00"
            for out in ("joined", "withdrawn")
        )
    ]
    moved = sum(start <= first.get(("joined", *one), "9") < end for one in residents)
    chance.shuffle(told)
    road.load([told])
    columns = "entries_before, from_entries_before, entries, from_entries, audience, moved_on"
    assert shown(warehouse, columns) == [(*counts, len(residents), moved)]
