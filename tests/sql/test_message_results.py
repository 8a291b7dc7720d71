"""What messages did: a published interval, border cases, and a plain reference on any history."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import PreparedWarehouse
from tests.sql.history import ARRANGED, ARRANGEMENTS, COURSE, READS, Road, Told, bring, rule

MESSAGE: dict[str, Any] = {
    "kind": "measure",
    "reenter": "always",
    "reads": READS | {"detail": "campaign", "cluster": "cluster"},
}
RULES = [
    *COURSE,
    rule(0, "message_sent", **MESSAGE),
    rule(0, "message_clicked", **MESSAGE),
]
ASKED = (
    "funnel = 'course', audience = 'passed', stage = 'joined', first_day = '2024-08-05',"
    " last_day = '2024-08-07', within_days = 1"
)


@pytest.fixture(scope="module", autouse=True)
def _messages(warehouse: PreparedWarehouse) -> None:
    """Let the funnel `course` measure messages."""
    warehouse.empty()
    intake = ("course", 1, "", "closed", date(2024, 7, 1), date(2024, 8, 4))
    bring(warehouse.client, RULES, intakes=[intake])


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse, which is empty."""
    warehouse.empty()
    return Road(warehouse.place, tmp_path)


def shown(warehouse: PreparedWarehouse, columns: str, view: str = "message_results") -> list[Any]:
    """Read columns of a view, sorted."""
    text = f"SELECT {columns} FROM {view}({ASKED}) ORDER BY ALL"
    return list(warehouse.client.query(text).result_rows)


def sent(number: int, user: str, at: str, campaign: str = "d-1", **changes: Any) -> Told:
    """Tell of a message as the sending system does; its link clicked where `name` says so."""
    cluster = changes.pop("cluster", "a")
    name = changes.pop("name", "message_sent")
    told: dict[str, Any] = {
        "id": number,
        "came": number,
        "server": True,
        "track": "",
        "source": "crm",
    }
    properties = {"campaign": campaign, "cluster": cluster}
    return Told(name=name, user=user, at=at, properties=properties, **told | changes)


def step(number: int, name: str, user: str, at: str, **changes: Any) -> Told:
    """Tell of a step as a server does."""
    return Told(id=number, came=number, name=name, user=user, at=at, server=True, **changes)


def test_difference_and_interval(warehouse: PreparedWarehouse, road: Road) -> None:
    """56 of 70 beside 48 of 80 are 20 %p more, from 5.24 to 33.39 (Newcombe 1998)."""
    history = []
    for n in range(150):
        user, messaged = f"user-{n}", n < 70
        reached = n % 70 < 56 if messaged else n - 70 < 48
        history.append(step(3 * n, "passed", user, "2024-08-05 10:00:00"))
        if messaged:
            history.append(sent(3 * n + 1, user, "2024-08-05 17:00:00"))
        if reached:
            history.append(step(3 * n + 2, "joined", user, "2024-08-05 20:00:00"))
    road.load([history])
    columns = (
        "campaign, cluster, toString(send_hour), several, complete, sent, people, residents,"
        " reached, unsent, unsent_reached, round(difference, 4), round(difference_low, 4),"
        " round(difference_high, 4)"
    )
    assert shown(warehouse, columns) == [
        (
            *("d-1", "a", "2024-08-05 17:00:00", False, True, 70, 70, 70),
            *(56, 80, 48, 0.2, 0.0524, 0.3339),
        )
    ]


OUTCOMES = [
    # the message at noon of 2024-08-06; what else happened -> several, clicked, resided, reached
    ([], (False, False, True, False)),
    ([sent(8, "kim", "2024-08-07 11:59:59", "d-2")], (True, False, True, False)),
    ([sent(8, "kim", "2024-08-05 12:00:01", "d-2")], (True, False, True, False)),
    ([sent(8, "kim", "2024-08-07 12:00:00", "d-2")], (False, False, True, False)),
    ([sent(8, "kim", "2024-08-06 12:00:00", name="message_clicked")], (False, True, True, False)),
    ([sent(8, "kim", "2024-08-06 11:59:59", name="message_clicked")], (False, False, True, False)),
    (
        [sent(8, "kim", "2024-08-06 12:00:01", "d-2", name="message_clicked")],
        (False, False, True, False),
    ),
    ([step(8, "joined", "kim", "2024-08-07 12:00:00")], (False, False, True, True)),
    ([step(8, "joined", "kim", "2024-08-07 12:00:01")], (False, False, True, False)),
    ([step(8, "joined", "kim", "2024-08-06 12:00:00")], (False, False, False, False)),
    ([step(8, "joined", "kim", "2024-08-06 13:00:00", track="node")], (False, False, True, False)),
    ([step(8, "withdrawn", "kim", "2024-08-06 11:00:00")], (False, False, False, False)),
]


def test_outcome_of_a_message(warehouse: PreparedWarehouse, road: Road) -> None:
    """Whether it was one of several, clicked, to a resident, and followed by the goal in time."""
    history: list[Told] = []
    for n, (others, _) in enumerate(OUTCOMES):
        user = {"user": f"kim-{n:02}"}
        passed = step(1, "passed", "", "2024-08-05 08:00:00")
        mine = [passed, sent(2, "", "2024-08-06 12:00:00"), *others]
        history += [replace(one, id=one.id + 10 * n, **user) for one in mine]
    road.load([history])
    text = (
        "SELECT several, clicked, resided, reached"
        f" FROM message_outcomes({ASKED}) WHERE campaign = 'd-1'"
        " AND sent_at = toDateTime64('2024-08-06 12:00:00', 6, 'Asia/Seoul') ORDER BY person_id"
    )
    found = warehouse.client.query(text).result_rows
    assert found == [outcome for _, outcome in OUTCOMES]


def test_whose_intake_is_closed_is_no_resident(warehouse: PreparedWarehouse, road: Road) -> None:
    """Who still stands there when the intake is over is neither written to nor left out."""
    history = [
        step(1, "passed", "kim", "2024-08-01 08:00:00", cohort="closed"),
        step(2, "passed", "lee", "2024-08-01 08:00:00", cohort="closed"),
        step(3, "passed", "park", "2024-08-01 08:00:00", cohort="open"),
        sent(4, "kim", "2024-08-05 12:00:00"),
    ]
    road.load([history])
    assert shown(warehouse, "people, residents, unsent") == [(1, 0, 1)]


@pytest.mark.parametrize("arrangement", ARRANGED)
def test_a_device_proves_to_be_a_user(
    warehouse: PreparedWarehouse, road: Road, arrangement: str
) -> None:
    """A click and a goal of a device that logs in late, and copies, are the user's, once."""
    history = [
        [
            step(1, "passed", "kim", "2024-08-05 08:00:00"),
            sent(2, "kim", "2024-08-06 00:00:00"),
            sent(2, "lee", "2024-08-06 00:00:00", came=9),
            sent(3, "", "2024-08-06 00:10:00", name="message_clicked", anonymous="a"),
        ],
        [
            Told(id=4, came=4, name="joined", at="2024-08-06 00:20:00", anonymous="a"),
            Told(id=5, came=5, name="applied", at="2024-08-08 00:00:00", user="kim", anonymous="a"),
        ],
    ]
    road.load(ARRANGEMENTS[arrangement](history))
    columns = "toString(send_hour), sent, people, clicked, click_rate, residents, reached, unsent"
    assert shown(warehouse, columns) == [("2024-08-06 00:00:00", 1, 1, 1, 1, 1, 1, 0)]


TIMES = [f"2024-08-{day:02} {time}:00" for day in (5, 6, 7) for time in ("09:00", "09:30", "21:00")]
EVENTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    name=st.sampled_from(
        ["passed", "passed", "joined", "withdrawn", *["message_sent"] * 3, "message_clicked"]
    ),
    at=st.sampled_from(TIMES),
    user=st.sampled_from(["kim", "lee", "park", "choi", "jung"]),
    track=st.sampled_from(["kotlin", "node"]),
    campaign=st.sampled_from(["d-1", "d-2"]),
    cluster=st.sampled_from(["a", "b"]),
)
DAY = timedelta(days=1)
NEVER = datetime.fromisoformat("9999-12-31")


def time(one: Told) -> datetime:
    """Return the time of an event on Seoul's clock."""
    return datetime.fromisoformat(one.at)


def stays_and_goals(told: list[Told]) -> tuple[list[Any], list[Any]]:
    """Find stays at `passed` as (user, track, since, until) and goals as (user, track, at)."""
    first: dict[tuple[str, str, str], datetime] = {}
    for one in told:
        key = (one.name, one.user, one.track)
        first[key] = min(time(one), first.get(key, NEVER))
    stays = [
        (
            user,
            track,
            since,
            min(first.get((end, user, track), NEVER) for end in ("joined", "withdrawn")),
        )
        for (name, user, track), since in first.items()
        if name == "passed"
    ]
    goals = [(user, track, at) for (name, user, track), at in first.items() if name == "joined"]
    return stays, goals


def reference(told: list[Told]) -> dict[Any, tuple[int, ...]]:
    """Count by campaign, cluster, hour and whether there were several, in plain Python."""
    stays, goals = stays_and_goals(told)

    def standing(moment: datetime) -> list[tuple[str, str, bool]]:
        return [
            (
                user,
                track,
                any(g[:2] == (user, track) and moment < g[2] <= moment + DAY for g in goals),
            )
            for user, track, since, until in stays
            if since <= moment < until
        ]

    messages = sorted(
        (m for m in told if m.name == "message_sent"),
        key=lambda m: (time(m), m.properties["cluster"]),
    )
    clicks = [c for c in told if c.name == "message_clicked"]
    hours: dict[Any, list[Told]] = defaultdict(list)
    rows: dict[Any, list[Any]] = defaultdict(lambda: [0, set(), 0, set(), set()])
    for one in messages:
        campaign, hour = one.properties["campaign"], time(one).replace(minute=0)
        mine = [m for m in messages if m.user == one.user]
        several = sum(abs(time(m) - time(one)) < DAY for m in mine) > 1
        hours[campaign, hour].append(one)
        row = rows[campaign, one.properties["cluster"], hour, several]
        row[0] += 1
        row[1].add(one.user)
        row[2] += any(clicked(click, one, mine) for click in clicks)
        there = [stay for stay in standing(time(one)) if stay[0] == one.user]
        row[3] |= {user for user, _, _ in there}
        row[4] |= {user for user, _, reached in there if reached}
    written = {(m.properties["campaign"], m.user) for m in messages}
    unsent = {
        (campaign, hour): [
            stay for stay in standing(min(map(time, those))) if (campaign, stay[0]) not in written
        ]
        for (campaign, hour), those in hours.items()
    }
    return {
        key: (
            *(len(part) if isinstance(part, set) else part for part in row),
            len(unsent[key[0], key[2]]),
            sum(reached for *_, reached in unsent[key[0], key[2]]),
        )
        for key, row in rows.items()
    }


def clicked(click: Told, message: Told, mine: list[Told]) -> bool:
    """Say whether a click is of a message: the last of its campaign by then, among the person's.

    Of those at one moment it is the one whose cluster comes last.
    """
    campaign = click.properties["campaign"]
    before = [m for m in mine if m.properties["campaign"] == campaign and time(m) <= time(click)]
    return bool(before) and click.user == message.user and same(before[-1], message)


def same(one: Told, other: Told) -> bool:
    """Say whether two messages cannot be told apart by time, campaign and cluster."""
    return (one.at, one.properties) == (other.at, other.properties)


@pytest.mark.usefixtures("rounds")
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(EVENTS, min_size=10, max_size=60), st.randoms())
def test_messages_agree_with_a_plain_reference(
    warehouse: PreparedWarehouse, road: Road, events: list[dict[str, Any]], chance: Any
) -> None:
    """Whatever happened in whatever order, counts are those of the reference."""
    warehouse.empty()
    told = []
    for number, one in enumerate(events):
        properties = {"campaign": one.pop("campaign"), "cluster": one.pop("cluster")}
        told.append(Told(id=number, came=number, server=True, properties=properties, **one))
    expected = reference(told)
    chance.shuffle(told)
    road.load([told])
    found = {
        (campaign, cluster, datetime.fromisoformat(hour), several): tuple(counts)
        for campaign, cluster, hour, several, *counts in shown(
            warehouse,
            "campaign, cluster, toString(send_hour), several, sent, people, clicked, residents,"
            " reached, unsent, unsent_reached",
        )
    }
    assert found == expected
