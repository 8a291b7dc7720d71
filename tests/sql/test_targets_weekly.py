"""Targets beside figures: periods, versions and status, and a plain reference of the figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelhouse.processes.jobs import JOBS
from tests.conftest import PreparedWarehouse
from tests.sql.history import (
    ARRANGED,
    ARRANGEMENTS,
    READS,
    Road,
    Told,
    bring,
    rule,
    spend_rows,
    today,
)
from tests.sql.test_any_history import first_copies, monday, person

MEASURE: dict[str, Any] = {"kind": "measure", "reenter": "always"}
COURSE = [
    rule(1, "applied"),
    rule(2, "passed", lead=True),
    rule(3, "joined"),
    rule(4, "withdrawn", kind="withdrawn"),
    rule(0, "revenue", "paid", reads=READS | {"amount": "amount"}, **MEASURE),
    rule(0, "inquiry", "asked", **MEASURE),
]


def target(metric: str, value: float, **changes: Any) -> tuple[Any, ...]:
    """Return a row of `targets` of the funnel `course`."""
    plain: dict[str, Any] = {
        "funnel": "course",
        "product": "camp",
        "track": "",
        "cohort": "",
        "metric": metric,
        "from_stage": "",
        "stage": "",
        "period": "week",
        "role": "target",
        "direction": "at_least",
        "value": value,
        "valid_from": date(2024, 1, 1),
    }
    return tuple((plain | changes).values())


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse, which is empty."""
    warehouse.empty()
    return Road(warehouse.place, tmp_path)


def told(counts: Mapping[tuple[str, str], int], first: int = 0, **changes: Any) -> list[Told]:
    """Tell of so many people for each event and time, each a person of their own."""
    events = [key for key, count in counts.items() for _ in range(count)]
    return [
        Told(id=n, came=n, name=name, at=at, user=f"user-{n}", server=True, **changes)
        for n, (name, at) in enumerate(events, start=first)
    ]


def shown(
    warehouse: PreparedWarehouse, columns: str, where: str = "complete AND this_count > 0"
) -> list[Any]:
    """Read columns of the view in order of the period."""
    text = f"SELECT {columns} FROM targets_weekly WHERE {where} ORDER BY first_day"
    return list(warehouse.client.query(text).result_rows)


# Three weeks of Slack -> payment, the last one as on 2024-07-01: 52.8 % (19 of 36).
WEEKS = ["2024-06-10 12:00:00", "2024-06-17 12:00:00", "2024-06-30 23:59:59"]
JOINED = {
    ("passed", WEEKS[0]): 40,
    ("joined", WEEKS[0]): 24,
    ("passed", WEEKS[1]): 10,
    ("joined", WEEKS[1]): 7,
    ("passed", WEEKS[2]): 36,
    ("joined", WEEKS[2]): 19,
    # after midnight: another week
    ("joined", "2024-07-01 00:00:00"): 3,
}
CONVERSION: dict[str, Any] = {"from_stage": "passed", "stage": "joined"}


def test_a_week_stands_beside_two_before(warehouse: PreparedWarehouse, road: Road) -> None:
    """Each row has its week and the two before it with their counts, the change and attainment."""
    rows = [
        target("conversion", 0.65, **CONVERSION),
        target("conversion", 0.60, role="guardrail", **CONVERSION),
    ]
    bring(warehouse.client, COURSE, targets=rows)
    road.load([told(JOINED)])
    columns = (
        "toString(first_day), toString(last_day), this_period, this_count, this_base, last_period,"
        " last_count, last_base, period_before, before_count, before_base, round(change, 12),"
        " attainment, status, target, guardrail"
    )
    weeks = shown(warehouse, columns)
    assert weeks == [
        ("2024-06-10", "2024-06-16", 0.6, 24, 40, *[None] * 7, 0.6 / 0.65, "missed", 0.65, 0.6),
        (
            *("2024-06-17", "2024-06-23", 0.7, 7, 10, 0.6, 24, 40, None, None, None),
            *(0.1, 0.7 / 0.65, "met", 0.65, 0.6),
        ),
        (
            *("2024-06-24", "2024-06-30", 19 / 36, 19, 36, 0.7, 7, 10, 0.6, 24, 40),
            *(round(19 / 36 - 0.7, 12), 19 / 36 / 0.65, "guardrail broken", 0.65, 0.6),
        ),
        (
            *("2024-07-01", "2024-07-07", None, 3, 0, 19 / 36, 19, 36, 0.7, 7, 10),
            *(None, None, "no data", 0.65, 0.6),
        ),
    ]


STATUS = [
    # this week, last week, target, guardrail -> status
    (70, 70, 0.65, 0.6, "met"),
    (65, 60, 0.65, 0.6, "met"),
    (64, 66, 0.65, 0.6, "missed"),
    (59, 70, 0.65, 0.6, "guardrail broken"),
    # 8 points down once more would be 62 %
    (70, 78, 0.65, 0.6, "at risk"),
    (70, 75, 0.65, 0.6, "met"),
    (70, 78, None, 0.6, "met"),
    (62, 68, None, 0.6, "at risk"),
    (62, 68, 0.5, None, "met"),
    (0, 10, 0.5, None, "missed"),
]


def test_status(warehouse: PreparedWarehouse, road: Road) -> None:
    """A whole week broke the guardrail, missed, met, or met but would not after another change."""
    rows, history = [], []
    for n, (this, last, goal, guardrail, _) in enumerate(STATUS):
        on_track = {"track": f"track-{n}", **CONVERSION}
        bounds = {"target": goal, "guardrail": guardrail}
        rows += [
            target("conversion", value, role=role, **on_track)
            for role, value in bounds.items()
            if value is not None
        ]
        counts = {("passed", at): 100 for at in WEEKS[:2]}
        counts |= {("joined", WEEKS[0]): last, ("joined", WEEKS[1]): this}
        history += told(counts, 10_000 * n, track=f"track-{n}")
    bring(warehouse.client, COURSE, targets=rows)
    road.load([history])
    found = dict(shown(warehouse, "track, status", "first_day = '2024-06-17'"))
    assert found == {f"track-{n}": status for n, (*_, status) in enumerate(STATUS)}


def test_the_running_week_is_judged_by_the_last_one(
    warehouse: PreparedWarehouse, road: Road
) -> None:
    """This week's row shows what has come so far, and the status of the last whole week."""
    bring(warehouse.client, COURSE, targets=[target("entries", 3, stage="applied")])
    this = monday(today())
    counts = {
        ("applied", f"{this - timedelta(days=8)} 12:00:00"): 2,
        ("applied", f"{this - timedelta(days=1)} 23:59:59"): 4,
        ("applied", f"{this} 00:00:00"): 1,
    }
    road.load([told(counts)])
    columns = "this_period, last_period, period_before, change, attainment, status, complete"
    assert shown(warehouse, columns, f"first_day = '{this}'") == [(1, 4, 2, 2, 4 / 3, "met", False)]


def test_no_data_is_no_zero(warehouse: PreparedWarehouse, road: Road) -> None:
    """A week of which nothing is known is not missed, and spend not yet imported is not cheap."""
    rows = [
        target("entries", 1, stage="applied"),
        target("inquiries", 1),
        target("cost", 5, stage="applied", direction="at_most"),
        target("ad_spend", 5, direction="at_most"),
        target("roas", 1),
    ]
    bring(warehouse.client, COURSE, targets=rows)
    road.load([told({("applied", WEEKS[0]): 2, ("applied", WEEKS[2]): 2})])
    seen = shown(warehouse, "metric, status", "first_day = '2024-06-10'")
    assert dict(seen) == {
        "entries": "met",
        "inquiries": "missed",
        "cost": "no data",
        "ad_spend": "no data",
        "roas": "no data",
    }
    week = f"first_day = '{monday(today())}'"
    assert {status for (status,) in shown(warehouse, "status", week)} == {"no data"}


FIGURES = [
    ("entries", {"stage": "passed"}, 4, 4, None),
    ("conversion", {"from_stage": "applied", "stage": "passed"}, 0.8, 4, 5),
    ("cost", {"stage": "joined"}, 200, 600, 3),
    ("lac", {"stage": "passed"}, 150, 600, 4),
    ("ad_spend", {}, 600, 600, None),
    ("revenue", {}, 900, 900, None),
    ("roas", {}, 1.5, 900, 600),
    ("inquiries", {}, 2, 2, None),
    ("withdrawals", {"stage": "passed"}, 0.25, 1, 4),
    ("withdrawals", {"stage": "inquiry"}, 0.5, 1, 2),
    ("entries", {"stage": "passed", "track": "node"}, 1, 1, None),
    ("ad_spend", {"track": "kotlin"}, 500, 500, None),
]


STORY = {
    "jung": "asked applied passed withdrawn",
    "kim": "applied passed joined paid",
    "lee": "applied passed joined paid",
    "park": "applied passed joined",
    "choi": "applied asked",
}


def story() -> list[Told]:
    """Tell of five people of one intake on one day; kim is of another track."""
    events = [(user, name) for user, names in STORY.items() for name in names.split()]
    return [
        Told(
            id=n,
            came=n,
            name=name,
            user=user,
            at=f"2024-06-10 12:{n:02}:00",
            track="node" if user == "kim" else "kotlin",
            cohort="6",
            server=True,
            properties={"amount": 450} if name == "paid" else {},
        )
        for n, (user, name) in enumerate(events)
    ]


@pytest.mark.parametrize("period", ["week", "month", "intake", "total"])
def test_metrics(warehouse: PreparedWarehouse, road: Road, period: str) -> None:
    """Every metric is divided as it says, over a week, a month, an intake and all time."""
    rows = [target(metric, 1, period=period, **keys) for metric, keys, *_ in FIGURES]
    intake = ("course", 1, "", "6", date(2024, 6, 1), date(2024, 6, 30))
    bring(warehouse.client, COURSE, targets=rows, intakes=[intake])
    spent = [("kotlin", "2024-06-10", 500), ("node", "2024-06-16", 100)]
    lines = [("camp", track, "meta", day, day, amount) for track, day, amount in spent]
    JOBS["spend"](warehouse.client, spend_rows(lines))
    road.load([story()])
    columns = "metric, stage, track, this_period, this_count, this_base"
    found = {tuple(row[:3]): tuple(row[3:]) for row in shown(warehouse, columns, "this_count > 0")}
    assert found == {
        (metric, keys.get("stage", ""), keys.get("track", "")): tuple(figures)
        for metric, keys, *figures in FIGURES
    }


@pytest.mark.parametrize("arrangement", ARRANGED)
def test_targets_of_their_time(warehouse: PreparedWarehouse, road: Road, arrangement: str) -> None:
    """A month goes by the target and the version of its first day; what came late counts there."""
    rows = [
        target("conversion", value, period="month", valid_from=day, **CONVERSION)
        for day, value in ((date(2024, 2, 1), 0.5), (date(2025, 2, 2), 0.9))
    ]
    later = [
        rule(1, "applied", funnel_version=2),
        rule(2, "passed", "asked", funnel_version=2),
        rule(3, "joined", funnel_version=2),
    ]
    bring(warehouse.client, [*COURSE, *later], targets=rows)
    user: dict[str, Any] = {"user": "kim", "anonymous": "a"}
    history = [
        [
            Told(id=1, came=0, name="passed", at="2024-12-31 23:59:59", **user),
            Told(id=2, came=1, name="asked", at="2025-01-01 00:00:00", anonymous="a"),
            Told(id=2, came=2, name="joined", at="2025-01-02 00:00:00", anonymous="a"),
        ],
        [
            Told(id=3, came=3, name="joined", at="2024-12-30 12:00:00", user="kim"),
            Told(id=4, came=4, name="joined", at="2025-03-01 12:00:00", user="lee"),
            Told(id=5, came=5, name="asked", at="2025-02-28 12:00:00", user="lee"),
        ],
    ]
    road.load(ARRANGEMENTS[arrangement](history))
    columns = "toString(first_day), target, this_count, this_base, this_period, status"
    assert shown(warehouse, columns, "this_count IS NOT NULL") == [
        ("2024-12-01", 0.5, 1, 1, 1, "met"),
        ("2025-01-01", 0.5, 0, 1, 0, "missed"),
        ("2025-02-01", 0.5, 0, 1, 0, "missed"),
        ("2025-03-01", 0.9, 1, 0, None, "no data"),
    ]


INTAKES = [
    # opened so many days ago, closes in so many days, direction, target, entries -> status
    (20, -1, "at_least", 10, 10, "met"),
    (20, -1, "at_least", 10, 9, "missed"),
    # half of the days are past
    (10, 9, "at_least", 10, 5, "met"),
    (10, 9, "at_least", 10, 4, "at risk"),
    (10, 9, "at_most", 10, 5, "met"),
    (10, 9, "at_most", 10, 6, "at risk"),
    (10, 9, "at_most", 10, 11, "missed"),
]


def test_an_intake_adds_up(warehouse: PreparedWarehouse, road: Road) -> None:
    """An open intake's count is judged by where its pace leads to, a closed one as it stands."""
    rows, intakes, history, expected = [], [], [], {}
    for n, (opened, closes, direction, goal, entries, status) in enumerate(INTAKES):
        cohort = {"cohort": f"cohort-{n}"}
        opens, last_day = today() - timedelta(days=opened), today() + timedelta(days=closes)
        intakes.append(("course", 1, "", cohort["cohort"], opens, last_day))
        keys = {"stage": "applied", "period": "intake", "direction": direction}
        rows.append(target("entries", goal, **keys, **cohort))
        history += told({("applied", f"{opens} 12:00:00"): entries}, 100 * n, **cohort)
        expected[cohort["cohort"]] = (opens, last_day, entries, status, closes < 0)
    bring(warehouse.client, COURSE, targets=rows, intakes=intakes)
    road.load([history])
    columns = "cohort, first_day, last_day, this_period, status, complete"
    assert {cohort: tuple(row) for cohort, *row in shown(warehouse, columns, "true")} == expected


def test_a_total_grows_over_all_time(warehouse: PreparedWarehouse, road: Road) -> None:
    """500 notification requests are all of them; until then the total is at risk, never missed."""
    rows = [
        target("entries", value, stage=stage, period="total")
        for stage, value in (("applied", 5), ("passed", 5), ("joined", 5))
    ]
    bring(warehouse.client, COURSE, targets=rows)
    road.load([told({("applied", WEEKS[0]): 4, ("applied", WEEKS[2]): 1, ("passed", WEEKS[0]): 4})])
    columns = "stage, this_period, attainment, status, first_day"
    assert sorted(shown(warehouse, columns, "true")) == [
        ("applied", 5, 1, "met", None),
        ("joined", 0, 0, "at risk", None),
        ("passed", 4, 0.8, "at risk", None),
    ]


EVENTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    id=st.integers(1, 60),
    name=st.sampled_from(["applied", "passed", "passed", "joined", "withdrawn", "asked"]),
    at=st.sampled_from(
        ["2024-04-28 23:59:59", "2024-04-29 00:00:00", "2024-05-01 08:59:59", "2024-05-06 00:00:00"]
    ),
    user=st.sampled_from(["kim", "lee", "park", ""]),
    anonymous=st.sampled_from(["a", "b"]),
    track=st.sampled_from(["kotlin", "node"]),
)
WATCHED: list[tuple[str, str, str]] = [
    ("conversion", "applied", "passed"),
    ("withdrawals", "", "passed"),
    ("withdrawals", "", "inquiry"),
    ("inquiries", "", ""),
    ("entries", "", "joined"),
]


def entered(events: Sequence[Told]) -> tuple[dict[tuple[str, str, str], str], list[Told]]:
    """Find when each person entered each stage of a track first, and every inquiry, by person."""
    first = first_copies(list(events))
    owned = [replace(one, user=person(one, first)) for one in first]
    entries: dict[tuple[str, str, str], str] = {}
    for one in owned:
        key = (one.user, one.track, one.name)
        entries[key] = min(one.at, entries.get(key, one.at))
    return entries, [one for one in owned if one.name == "asked"]


def reference(events: Sequence[Told]) -> Counter[tuple[str, str, str]]:
    """Count, by week, track and what: entries into a stage, and withdrawals from one."""
    entries, asked = entered(events)
    counts: Counter[tuple[str, str, str]] = Counter()
    for (user, track, stage), at in entries.items():
        found = [stage] if stage != "asked" else []
        if stage == "withdrawn":
            steps = ("applied", "passed", "joined")
            passed = [s for s in steps if entries.get((user, track, s), "9") <= at]
            found += [f"left {step}" for step in passed[-1:]]
        counts.update((week(at), track, what) for what in found)
    counts.update((week(one.at), one.track, "inquiry") for one in asked)
    for user in {one.user for one in asked}:
        at, track = min((one.at, one.track) for one in asked if one.user == user)
        counts[week(at), track, "people inquiry"] += 1
        exits = [
            out for (who, _, stage), out in entries.items() if (who, stage) == (user, "withdrawn")
        ]
        after = sorted(out for out in exits if out >= at)
        counts.update((week(out), track, "left inquiry") for out in after[:1])
    return counts


def week(at: str) -> str:
    """Return the first day of the week of a time."""
    return str(monday(datetime.fromisoformat(at).date()))


def divided(metric: str, start: str, stage: str) -> tuple[str, str]:
    """Name what a metric counts and what it is divided by."""
    upper = {"withdrawals": f"left {stage}", "inquiries": "inquiry"}.get(metric, stage)
    lower = "people inquiry" if stage == "inquiry" else stage
    return upper, start or (lower if metric == "withdrawals" else "")


@pytest.mark.usefixtures("rounds")
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(EVENTS, min_size=1, max_size=60), st.randoms())
def test_figures_agree_with_a_plain_reference(
    warehouse: PreparedWarehouse, road: Road, events: list[dict[str, Any]], chance: Any
) -> None:
    """Whatever came in whatever order, each week's counts and bases are those of a few lines."""
    warehouse.empty()
    rows = [
        target(metric, 1, from_stage=start, stage=stage, track=track)
        for metric, start, stage in WATCHED
        for track in ("", "kotlin")
    ]
    bring(warehouse.client, COURSE, targets=rows)
    history = [Told(came=came, **one) for came, one in enumerate(events)]
    counts = reference(history)
    chance.shuffle(history)
    road.load([history])
    keys = "toString(first_day), track, metric, from_stage, stage"
    found = {
        row[:5]: (int(row[5] or 0), int(row[6] or 0))
        for row in shown(warehouse, f"{keys}, this_count, this_base", "true")
    }
    for (day, track, *watched), figures in found.items():
        tracks = [track] if track else ["kotlin", "node"]
        upper, lower = divided(*watched)
        expected = [sum(counts[day, one, what] for one in tracks) for what in (upper, lower)]
        assert figures == tuple(expected), (day, track, watched)
    assert {day for day, _, what in counts if what != "withdrawn"} <= {key[0] for key in found}
