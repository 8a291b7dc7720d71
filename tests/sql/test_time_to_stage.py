"""How long people take from stage to stage: a worked history, and a counted crowd."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PreparedWarehouse
from tests.sql.crowd import RULES, SEEDS, Crowd, day_of, gathered, quantile
from tests.sql.history import COURSE, Road, Told, bring
from tests.sql.reference import Entry

DAY = 24 * 3600 * 1_000_000
"""Microseconds."""

WITHIN = (1, 3, 7, 14, 30)
SHARES = ", ".join(f"share_within_{n}_day{'s' * (n > 1)}_cohort" for n in WITHIN)
FIGURES = f"people, reached, share_cohort, days_p25, days_median, days_p75, days_p90, {SHARES}"
PERIODS = (
    ("2024-01-01", "2024-12-31", 5),
    ("2024-08-05", "2024-08-11", 2),
    ("2024-08-12", "2024-08-12", 10),
    ("2025-01-01", "2025-12-31", 1),
)


@pytest.fixture
def course(warehouse: PreparedWarehouse) -> PreparedWarehouse:
    """Give the warehouse with the funnel `course` alone."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    return warehouse


def test_of_those_who_joined_some_paid_within_three_days(
    course: PreparedWarehouse, tmp_path: Path
) -> None:
    """Eight of a hundred are passed within 3 days of applying, their last moment included."""
    applied = datetime.fromisoformat("2024-08-05 00:00:00")
    after = [timedelta(days=n) for n in (0, 1, 1, 2, 2, 2, 3, 3, 4, 40)]
    late = timedelta(days=3, microseconds=1)
    history = [
        Told(id=n + 1, came=n, name="applied", user=f"user-{n}", at=str(applied))
        for n in range(100)
    ]
    for n, taken in enumerate([*after, late]):
        told = Told(
            id=200 + n, came=200 + n, name="passed", user=f"user-{n}", at=str(applied + taken)
        )
        history.append(told)
    # passed before applying is not passed after it, and a second time counts no more
    before = str(applied - timedelta(days=1))
    history.append(Told(id=300, came=300, name="passed", user="user-50", at=before))
    history.append(Told(id=301, came=301, name="passed", user="user-50", at=str(applied + late)))
    Road(course.place, tmp_path).load([history[::-1], history[:20]])
    rows = course.client.query(
        f"SELECT {FIGURES} FROM time_to_stage WHERE from_stage = 'applied' AND stage = 'passed'"
    ).result_rows
    assert rows == [
        (
            *(100, 11, 0.11),
            *(pytest.approx(1.5), 2.0, pytest.approx(3, abs=1e-4), pytest.approx(4)),
            *(0.03, 0.08, 0.1, 0.1, 0.1),
        )
    ]
    rows = course.client.query(
        "SELECT from_stage, stage, people, reached, days_median FROM time_to_stage"
        " WHERE stage = 'joined' ORDER BY ALL"
    ).result_rows
    assert rows == [("applied", "joined", 100, 0, None), ("passed", "joined", 12, 0, None)]


def test_a_period_is_of_those_who_entered_in_it(course: PreparedWarehouse, tmp_path: Path) -> None:
    """A day begins at midnight in Seoul; what followed it counts whenever it came."""
    history = [
        Told(id=1, came=1, name="applied", user="kim", at="2024-08-04 23:59:59.999999"),
        Told(id=2, came=2, name="applied", user="lee", at="2024-08-05 00:00:00"),
        Told(id=3, came=3, name="applied", user="park", at="2024-08-11 23:59:59.999999"),
        Told(id=4, came=4, name="applied", user="choi", at="2024-08-12 00:00:00"),
        *[
            Told(id=10 + n, came=10 + n, name="passed", user=user, at="2024-09-01 00:00:00")
            for n, user in enumerate(["kim", "lee", "park", "choi"])
        ],
    ]
    Road(course.place, tmp_path).load([history])
    rows = course.client.query(
        "SELECT people, reached, share_within_cohort FROM time_to_stage_between("
        "first_day = '2024-08-05', last_day = '2024-08-11', days = 22)"
        " WHERE stage = 'passed'"
    ).result_rows
    assert rows == [(2, 2, 0.5)]


@pytest.fixture(scope="module", params=SEEDS)
def crowd(
    request: pytest.FixtureRequest,
    warehouse: PreparedWarehouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> Crowd:
    """Load a random crowd."""
    return gathered(warehouse, tmp_path_factory.mktemp("crowd"), request.param)


Way = tuple[Any, ...]
"""Funnel, version, track, intake, earlier stage and later stage."""


def ways(crowd: Crowd, first: date, last: date) -> dict[Way, tuple[int, list[float]]]:
    """Find who entered each stage in a period, and the days that they took to each later one."""
    journeys: dict[Any, list[Entry]] = defaultdict(list)
    for one in crowd.entries:
        if one.kind == "step":
            journeys[one.funnel, one.funnel_version, one.person_id, one.known].append(one)
    steps = {
        (r.funnel, r.funnel_version, r.stage_position, r.stage) for r in RULES if r.kind == "step"
    }
    people: Counter[Way] = Counter()
    days: dict[Way, list[float]] = defaultdict(list)
    for mine in journeys.values():
        for one in mine:
            if one.repeated or not first <= day_of(one.entered_at) <= last:
                continue
            for funnel, version, position, stage in steps:
                version_fits = (funnel, version) == (one.funnel, one.funnel_version)
                if version_fits and position > one.stage_position:
                    way = (funnel, version, one.track, one.cohort, one.stage, stage)
                    people[way] += 1
                    days[way] += took(one, [other for other in mine if other.stage == stage])
    return {way: (people[way], days[way]) for way in people}


def took(one: Entry, later: list[Entry]) -> list[float]:
    """Give the days to the first of the later entries, or nothing where none follows."""
    times = [
        other.entered_at
        for other in later
        if other.entered_at >= one.entered_at
        and (other.track == one.track or "" in {other.track, one.track})
        and (other.cohort == one.cohort or "" in {other.cohort, one.cohort})
    ]
    return [(min(times) - one.entered_at) / DAY] if times else []


def figures(people: int, days: list[float]) -> tuple[Any, ...]:
    """Give what the view shows of the days that some of so many people took."""
    quantiles = [quantile(days, level) for level in (0.25, 0.5, 0.75, 0.9)] if days else [None] * 4
    shares = [sum(taken <= n for taken in days) / people for n in WITHIN]
    return people, len(days), len(days) / people, *quantiles, *shares


KEYS = "funnel, funnel_version, track, cohort, from_stage, stage"


@pytest.mark.parametrize(("first", "last", "days"), PERIODS)
def test_ways_of_a_crowd(
    crowd: Crowd, warehouse: PreparedWarehouse, first: str, last: str, days: int
) -> None:
    """Each way of each version has the people, the days and the shares of its period."""
    asked = f"(first_day = '{first}', last_day = '{last}', days = {days})"
    rows = warehouse.client.query(
        f"SELECT {KEYS}, {FIGURES}, share_within_cohort, in_force"
        f" FROM time_to_stage_versions_between{asked}"
    ).result_rows
    period = (date.fromisoformat(first), date.fromisoformat(last))
    expected = {
        way: (
            *figures(people, taken),
            sum(n <= days for n in taken) / people,
            way[0] == "tour" or (way[1] == 2) == (first >= "2025"),
        )
        for way, (people, taken) in ways(crowd, *period).items()
    }
    assert {row[:6]: row[6:] for row in rows} == {
        way: tuple(pytest.approx(n) if isinstance(n, float) else n for n in row)
        for way, row in expected.items()
    }
    plain = warehouse.client.query(f"SELECT {KEYS}, {FIGURES} FROM time_to_stage_between{asked}")
    assert sorted(plain.result_rows, key=repr) == sorted(
        (row[:-2] for row in rows if row[-1]), key=repr
    )


def test_all_time_goes_by_the_version_of_today(crowd: Crowd, warehouse: PreparedWarehouse) -> None:
    """Without a period everybody counts, under the version in force today or under all."""
    period = (date(2024, 1, 1), date(2024, 12, 31))
    expected = {way: row[:2] for way, row in ways(crowd, *period).items()}
    counts = f"SELECT {KEYS}, people, reached FROM"
    versions = warehouse.client.query(f"{counts} time_to_stage_versions").result_rows
    assert {row[:6]: row[6:] for row in versions} == {
        way: (people, len(days)) for way, (people, days) in expected.items()
    }
    plain = warehouse.client.query(f"{counts} time_to_stage").result_rows
    of_today = [row for row in versions if row[:2] in {("course", 2), ("tour", 1)}]
    assert sorted(plain, key=repr) == sorted(of_today, key=repr) != []
