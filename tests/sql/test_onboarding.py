"""Onboarding: a worked story of one week, and a counted crowd."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from tests.conftest import PreparedWarehouse
from tests.sql.crowd import SEEDS, Crowd, day_of, gathered, monday, quantile
from tests.sql.history import Road, Told
from tests.sql.reference import Entry

DAY = 24 * 3600 * 1_000_000
WEEK = date(2024, 8, 5)


@pytest.fixture(scope="module")
def shipped(
    warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PreparedWarehouse]:
    """Give the warehouse with the shipped onboarding and the people of the story."""
    warehouse.empty()
    history = story()
    Road(warehouse.place, tmp_path_factory.mktemp("story")).load([history[::-1], history[:5]])
    yield warehouse
    warehouse.empty()


def story() -> list[Told]:
    """Tell of four who join on Monday or later in the week, and of one who never does."""
    events: list[tuple[str, str, str, dict[str, Any]]] = [
        ("joined", "kim", "2024-08-05 00:00:00", {}),
        ("joined", "lee", "2024-08-05 12:00:00", {}),
        ("joined", "park", "2024-08-06 12:00:00", {}),
        ("joined", "choi", "2024-08-11 23:59:59.999999", {}),
        # kim: at home after two days, in the last moment of the seven, and done on the eighth
        ("feature_used", "kim", "2024-08-07 00:00:00", {"feature": "guide", "core": False}),
        ("feature_used", "kim", "2024-08-12 00:00:00", {"feature": "review", "core": True}),
        ("onboarding_completed", "kim", "2024-08-13 12:00:00", {}),
        ("inquiry_opened", "kim", "2024-08-13 11:00:00", {}),
        ("inquiry_opened", "kim", "2024-08-14 00:00:00", {}),
        ("page_viewed", "kim", "2024-08-14 09:00:00", {}),
        # lee: a moment too late to be activated, and never done
        ("feature_used", "lee", "2024-08-12 12:00:00.000001", {"feature": "review", "core": True}),
        ("inquiry_opened", "lee", "2024-08-13 12:00:00", {}),
        ("inquiry_opened", "lee", "2024-08-13 13:00:00", {}),
        # park: used it before joining
        ("feature_used", "park", "2024-08-01 12:00:00", {"feature": "guide", "core": False}),
        ("page_viewed", "park", "2024-08-06 18:00:00", {}),
        # jung looks around and asks, but never joins
        ("page_viewed", "jung", "2024-08-06 12:00:00", {}),
        ("inquiry_opened", "jung", "2024-08-06 12:00:00", {}),
        *[
            ("survey_answered", who, "2024-08-08 12:00:00", {"effort_score": score, "step": step})
            for who, score, step in [
                ("kim", 1, "join"),
                ("lee", 2, "join"),
                ("park", 6, "join"),
                ("jung", 7, "guide"),
            ]
        ],
        ("survey_answered", "kim", "2024-08-12 00:00:00", {"effort_score": 5, "step": "join"}),
    ]
    return [
        Told(
            id=n,
            came=n,
            name=name,
            user=user,
            at=at,
            product="nbonline",
            properties=properties | ({"survey_id": "effort"} if name == "survey_answered" else {}),
        )
        for n, (name, user, at, properties) in enumerate(events, start=1)
    ]


def asked(shipped: PreparedWarehouse, statement: str) -> list[Any]:
    """Read rows of a statement."""
    return shipped.client.query(statement).result_rows  # type: ignore[return-value]


def test_time_to_value_is_from_joining_to_the_first_use(shipped: PreparedWarehouse) -> None:
    """Of those who joined in a week: 2 days, 7.00 days, and none for who came with it."""
    rows = asked(
        shipped,
        "SELECT week, people_cohort, reached_cohort, share_cohort, days_mean_cohort,"
        " days_median_cohort FROM onboarding_time_to_value",
    )
    assert rows == [(WEEK, 4, 3, 0.75, pytest.approx(3), pytest.approx(2))]


def test_activation_is_within_the_days_of_the_plan(shipped: PreparedWarehouse) -> None:
    """Seven days of 24 hours count, their last moment included."""
    rows = asked(
        shipped,
        "SELECT week, within_days, people_cohort, activated_cohort, activation_rate_cohort,"
        " complete FROM onboarding_activation",
    )
    assert rows == [(WEEK, 7, 4, 1, 0.25, True)]


def test_completion_is_a_share_of_all_who_joined(shipped: PreparedWarehouse) -> None:
    """One of four is done, after eight and a half days."""
    rows = asked(
        shipped,
        "SELECT week, people_cohort, completed_cohort, completion_rate_cohort, days_median_cohort"
        " FROM onboarding_completion",
    )
    assert rows == [(WEEK, 4, 1, 0.25, 8.5)]


def test_retention_returns_and_remains(shipped: PreparedWarehouse) -> None:
    """In the week itself two are active, in the next one two, of whom one was away."""
    rows = asked(
        shipped,
        "SELECT units_since, people_cohort, returned_cohort, return_retention_cohort,"
        " remained_cohort, rolling_retention_cohort FROM onboarding_retention"
        " WHERE unit = 'week' AND units_since < 3 ORDER BY units_since",
    )
    assert rows == [(0, 4, 2, 0.5, 3, 0.75), (1, 4, 2, 0.5, 2, 0.5), (2, 4, 0, 0.0, 0, 0.0)]
    rows = asked(
        shipped,
        "SELECT units_since, returned_cohort, remained_cohort FROM onboarding_retention"
        " WHERE unit = 'day' AND first_day = '2024-08-05' AND returned_cohort > 0"
        " ORDER BY units_since",
    )
    assert rows == [(2, 1, 2), (7, 2, 2), (9, 1, 1)]
    months = asked(
        shipped,
        "SELECT first_day, units_since, people_cohort, remained_cohort FROM onboarding_retention"
        " WHERE unit = 'month' AND remained_cohort > 0",
    )
    assert months == [(date(2024, 8, 1), 0, 4, 3)]


def test_adoption_counts_users_of_a_feature(shipped: PreparedWarehouse) -> None:
    """Beside those active in the week and those who joined in it; uses before joining are none."""
    rows = asked(
        shipped,
        "SELECT week, feature, active_period, users_period, adoption_period, people_cohort,"
        " users_cohort, adoption_cohort FROM feature_adoption ORDER BY ALL",
    )
    assert rows == [
        (WEEK, "guide", 2, 1, 0.5, 4, 1, 0.25),
        (WEEK, "review", 2, 0, 0.0, 4, 2, 0.5),
        (WEEK + timedelta(7), "review", 2, 2, 1.0, 0, 0, None),
    ]


def test_effort_has_a_mean_and_a_distribution(shipped: PreparedWarehouse) -> None:
    """Answers of a week stand beside their mean, by the step that was asked about."""
    scores = ", ".join(f"answers_{n}_period" for n in range(1, 8))
    rows = asked(
        shipped,
        f"SELECT week, step, answers_period, score_mean_period, score_median_period, {scores}"
        " FROM effort_score ORDER BY ALL",
    )
    assert rows == [
        (WEEK, "guide", 1, 7.0, 7.0, 0, 0, 0, 0, 0, 0, 1),
        (WEEK, "join", 3, 3.0, 2.0, 1, 1, 0, 0, 0, 1, 0),
        (WEEK + timedelta(7), "join", 1, 5.0, 5.0, 0, 0, 0, 0, 1, 0, 0),
    ]


def test_tickets_are_counted_during_onboarding_and_after(shipped: PreparedWarehouse) -> None:
    """The day of completion is the last one of onboarding; who never joined is in neither phase."""
    rows = asked(
        shipped,
        "SELECT week, phase, active_period, tickets_period, tickets_per_active_period"
        " FROM ticket_rate ORDER BY ALL",
    )
    assert rows == [
        (WEEK, "onboarding", 2, 0, 0.0),
        (WEEK + timedelta(7), "after", 1, 1, 1.0),
        (WEEK + timedelta(7), "onboarding", 2, 3, 1.5),
    ]


@dataclass(frozen=True, slots=True)
class Start:
    """A person's start, and all that goes together with it."""

    entry: Entry
    others: list[Entry]

    @property
    def day(self) -> date:
        """The day of the start."""
        return day_of(self.entry.entered_at)

    def days(self, stage: str) -> list[float]:
        """Give the days until a stage was reached, in a list that is empty where it never was."""
        times = [one.entered_at for one in self.others if one.stage == stage]
        return [max(min(times) - self.entry.entered_at, 0) / DAY] if times else []

    def since(self, measure: str) -> list[tuple[date, str]]:
        """Give day and detail of each event of a measure from the start's day on."""
        told = [(day_of(o.entered_at), o.detail) for o in self.others if o.stage == measure]
        return [(day, detail) for day, detail in told if day >= self.day]


def starts_of(crowd: Crowd) -> list[Start]:
    """Find every start of the tour."""
    people: dict[Any, list[Entry]] = defaultdict(list)
    for one in crowd.entries:
        if one.funnel == "tour":
            people[one.person_id, one.known].append(one)
    return [
        Start(start, [one for one in mine if together(one, start)])
        for mine in people.values()
        for start in mine
        if start.stage == "joined"
    ]


def together(one: Entry, other: Entry) -> bool:
    """Tell whether two are of one track and intake, as far as they tell it."""
    pairs = ((one.track, other.track), (one.cohort, other.cohort))
    return all(mine == theirs or "" in {mine, theirs} for mine, theirs in pairs)


Row = tuple[Any, ...]


def by_week(crowd: Crowd, figures: Callable[[list[Start]], Row]) -> dict[Row, Row]:
    """Give the figures of those who started in a week, track and intake."""
    groups: dict[Row, list[Start]] = defaultdict(list)
    for start in starts_of(crowd):
        groups[start.entry.track, start.entry.cohort, monday(start.day)].append(start)
    return {key: figures(starts) for key, starts in groups.items()}


def time_to_value(starts: list[Start]) -> Row:
    """Count those who got to the value, and how long they took."""
    days = [taken for start in starts for taken in start.days("used")]
    levels = (0.25, 0.5, 0.75, 0.9)
    quantiles = [pytest.approx(quantile(days, n)) if days else None for n in levels]
    mean = pytest.approx(sum(days) / len(days)) if days else None
    return (len(starts), len(days), len(days) / len(starts), mean, *quantiles)


def activation(starts: list[Start]) -> Row:
    """Count those who were activated within seven days."""
    activated = sum(taken <= 7 for start in starts for taken in start.days("used_core"))
    return (7, len(starts), activated, activated / len(starts), True)


def completion(starts: list[Start]) -> Row:
    """Count those who completed it."""
    days = [taken for start in starts for taken in start.days("paid")]
    median = pytest.approx(quantile(days, 0.5)) if days else None
    return (len(starts), len(days), len(days) / len(starts), median)


@pytest.fixture(scope="module", params=SEEDS)
def crowd(
    request: pytest.FixtureRequest,
    warehouse: PreparedWarehouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> Crowd:
    """Load a random crowd."""
    return gathered(warehouse, tmp_path_factory.mktemp("crowd"), request.param)


@pytest.mark.parametrize(
    ("view", "figures"),
    [
        ("onboarding_time_to_value", time_to_value),
        ("onboarding_activation", activation),
        ("onboarding_completion", completion),
    ],
)
def test_weeks_of_a_crowd(
    crowd: Crowd, warehouse: PreparedWarehouse, view: str, figures: Callable[[list[Start]], Row]
) -> None:
    """Each week has what became of those who started in it."""
    rows = warehouse.client.query(
        "SELECT track, cohort, week,"
        " * EXCEPT (funnel, funnel_version, product, track, cohort, week)"
        f" FROM {view} WHERE (funnel, funnel_version, product) = ('tour', 1, 'camp')"
    ).result_rows
    assert {row[:3]: row[3:] for row in rows} == by_week(crowd, figures)
    assert rows


UNITS: dict[str, tuple[int, Callable[[date], date], Callable[[date, date], int]]] = {
    "day": (31, lambda day: day, lambda start, day: (day - start).days),
    "week": (13, monday, lambda start, day: (monday(day) - monday(start)).days // 7),
    "month": (
        13,
        lambda day: day.replace(day=1),
        lambda start, day: 12 * (day.year - start.year) + day.month - start.month,
    ),
}


@pytest.mark.parametrize("unit", UNITS)
def test_retention_of_a_crowd(crowd: Crowd, warehouse: PreparedWarehouse, unit: str) -> None:
    """Each unit since the start has those active in it, and those active in it or later."""
    followed, first_day, units_between = UNITS[unit]
    people: Counter[Row] = Counter()
    returned: Counter[Row] = Counter()
    remained: Counter[Row] = Counter()
    for start in starts_of(crowd):
        active = {units_between(start.day, day) for day, _ in start.since("activity")}
        for nth in range(followed):
            key = (start.entry.track, start.entry.cohort, first_day(start.day), nth)
            people[key] += 1
            returned[key] += nth in active
            remained[key] += any(unit >= nth for unit in active)
    rows = warehouse.client.query(
        "SELECT track, cohort, first_day, units_since, people_cohort, returned_cohort,"
        " return_retention_cohort, remained_cohort, rolling_retention_cohort, complete"
        f" FROM onboarding_retention WHERE unit = '{unit}'"
    ).result_rows
    assert {row[:4]: row[4:] for row in rows} == {
        key: (n, returned[key], returned[key] / n, remained[key], remained[key] / n, True)
        for key, n in people.items()
    }


def test_adoption_of_a_crowd(crowd: Crowd, warehouse: PreparedWarehouse) -> None:
    """Each week and feature has its users beside the active ones and beside those who started."""
    active: Counter[Row] = Counter()
    started: Counter[Row] = Counter()
    users: Counter[Row] = Counter()
    adopters: Counter[Row] = Counter()
    for start in starts_of(crowd):
        sorting = (start.entry.track, start.entry.cohort)
        started[*sorting, monday(start.day)] += 1
        active.update({(*sorting, monday(day)) for day, _ in start.since("activity")})
        uses = [(day, name) for day, name in start.since("feature") if name]
        users.update({(*sorting, monday(day), name) for day, name in uses})
        adopters.update({(*sorting, monday(start.day), name) for _, name in uses})
    rows = warehouse.client.query(
        "SELECT track, cohort, week, feature, active_period, users_period, adoption_period,"
        " people_cohort, users_cohort, adoption_cohort FROM feature_adoption"
    ).result_rows
    assert {row[:4]: row[4:] for row in rows} == {
        (*week, name): (
            active[week],
            users[*week, name],
            users[*week, name] / active[week] if active[week] else None,
            started[week],
            adopters[*week, name],
            adopters[*week, name] / started[week] if started[week] else None,
        )
        for *of_week, name in {*users, *adopters}
        for week in [tuple(of_week)]
    }


def test_tickets_of_a_crowd(crowd: Crowd, warehouse: PreparedWarehouse) -> None:
    """Each week and phase has its tickets beside those active in it."""
    active: Counter[Row] = Counter()
    tickets: Counter[Row] = Counter()
    for start in starts_of(crowd):
        done = [start.day + timedelta(n) for n in _days_until_done(start)]

        def key(day: date, start: Start = start, done: list[date] = done) -> Row:
            phase = "after" if done and day > done[0] else "onboarding"
            return start.entry.track, start.entry.cohort, monday(day), phase

        active.update({key(day) for day, _ in start.since("activity")})
        tickets.update(key(day) for day, _ in start.since("ticket"))
    rows = warehouse.client.query(
        "SELECT track, cohort, week, phase, active_period, tickets_period,"
        " tickets_per_active_period FROM ticket_rate"
    ).result_rows
    assert {row[:4]: row[4:] for row in rows} == {
        key: (active[key], tickets[key], tickets[key] / active[key] if active[key] else None)
        for key in {*active, *tickets}
    }


def _days_until_done(start: Start) -> list[int]:
    """Give the calendar days from the start to its completion, if there is one."""
    times = [one.entered_at for one in start.others if one.stage == "paid"]
    return [max((day_of(min(times)) - start.day).days, 0)] if times else []


def test_effort_of_a_crowd(crowd: Crowd, warehouse: PreparedWarehouse) -> None:
    """Each week and step has its answers from 1 to 7; others are none."""
    answers: dict[Row, list[int]] = defaultdict(list)
    for one in crowd.entries:
        if one.stage == "effort" and one.amount is not None and 1 <= one.amount <= 7:
            key = (one.track, one.cohort, monday(day_of(one.entered_at)), one.detail)
            answers[key].append(int(one.amount))
    scores = ", ".join(f"answers_{n}_period" for n in range(1, 8))
    rows = warehouse.client.query(
        "SELECT track, cohort, week, step, answers_period, score_mean_period,"
        f" score_median_period, {scores} FROM effort_score"
    ).result_rows
    assert {row[:4]: row[4:] for row in rows} == {
        key: (
            len(given),
            pytest.approx(sum(given) / len(given)),
            quantile([float(n) for n in given], 0.5),
            *(given.count(n) for n in range(1, 8)),
        )
        for key, given in answers.items()
    }
