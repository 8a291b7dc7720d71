"""Weeks and days of a funnel on both bases, against counts made person by person."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring, rule

STAGES = ("applied", "passed", "withdrawn", "joined")
PREVIOUS = {"passed": "applied", "joined": "passed"}
JOBS = ("student", "employee", "")
FIRST = datetime.fromisoformat("2024-07-29 00:00:00")
Entries = dict[str, dict[str, datetime]]
"""When each person entered each stage first, on Seoul's clock."""


@pytest.fixture(scope="module")
def entries(warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Entries:
    """Load random stages of two hundred people over six weeks, and give the first of each."""
    random = Random(5)
    warehouse.empty()
    bring(warehouse.client, COURSE)
    first: Entries = {}
    history = []
    for number in range(200):
        for _ in range(random.randint(1, 6)):
            stage = random.choice(STAGES)
            at = FIRST + timedelta(hours=random.randrange(42 * 24))
            id_ = len(history) + 1
            history.append(
                Told(
                    id=id_,
                    came=id_,
                    name=stage,
                    at=str(at),
                    user=f"p{number}",
                    properties={"occupation": job(f"p{number}")},
                )
            )
            of = first.setdefault(f"p{number}", {})
            of[stage] = min(at, of.get(stage, at))
    random.shuffle(history)
    road = Road(warehouse.place, tmp_path_factory.mktemp("periods"))
    road.load([history[:250], history[250:], history[:50]])
    return first


def job(person: str) -> str:
    """Return the occupation that all events of the person tell."""
    return JOBS[int(person[1:]) % len(JOBS)]


def monday(at: datetime) -> date:
    """Return the first day of the week."""
    return at.date() - timedelta(days=at.weekday())


def test_entries_of_a_week_are_first_entries(
    warehouse: PreparedWarehouse, entries: Entries
) -> None:
    """On period basis each person counts once a stage, in the week of the first time."""
    expected = Counter((monday(at), stage) for of in entries.values() for stage, at in of.items())
    rows = warehouse.client.query("SELECT week, stage, entries FROM funnel_weekly").result_rows
    assert {(week, stage): n for week, stage, n in rows if n} == expected
    assert len(rows) == len({row[0] for row in rows}) * len(STAGES)


def test_days_add_up_to_their_weeks(warehouse: PreparedWarehouse, entries: Entries) -> None:
    """The same entries stand in the days, at Seoul's midnights."""
    rows = warehouse.client.query("SELECT day, stage, entries FROM funnel_daily").result_rows
    expected = Counter((at.date(), stage) for of in entries.values() for stage, at in of.items())
    assert {(day, stage): n for day, stage, n in rows if n} == expected


@pytest.mark.parametrize(
    ("column", "within"),
    [("reached_cohort", None), ("reached_7d_cohort", 7), ("reached_30d_cohort", 30)],
)
def test_a_cohort_is_followed_wherever_it_gets(
    warehouse: PreparedWarehouse, entries: Entries, column: str, within: int | None
) -> None:
    """On cohort basis people count in the week of their start, for every stage that they reach."""
    expected: Counter[tuple[date, str]] = Counter()
    started: Counter[date] = Counter()
    for of in entries.values():
        start = of.get("applied")
        if start is None:
            continue
        started[monday(start)] += 1
        for stage, at in of.items():
            if within is None or at < start + timedelta(days=within):
                expected[monday(start), stage] += 1
    rows = warehouse.client.query(
        f"SELECT week, stage, {column}, started_cohort FROM funnel_weekly"
    ).result_rows
    assert {(week, stage): n for week, stage, n, _ in rows if n} == expected
    assert {row[0]: row[3] for row in rows if row[3]} == started


@pytest.mark.parametrize(
    ("view", "period", "begins"),
    [("funnel_weekly_segments", "week", monday), ("funnel_daily_segments", "day", datetime.date)],
)
def test_segments_have_both_conversions(
    warehouse: PreparedWarehouse,
    entries: Entries,
    view: str,
    period: str,
    begins: Callable[[datetime], date],
) -> None:
    """A segment has entries and those of the step before, and its own cohorts."""
    entered: Counter[tuple[str, date, str]] = Counter()
    reached: Counter[tuple[str, date, str]] = Counter()
    for person, of in entries.items():
        entered.update((job(person), begins(at), stage) for stage, at in of.items())
        if start := of.get("applied"):
            reached.update(
                (job(person), begins(start), stage)
                for stage, at in of.items()
                if at < start + timedelta(days=14)
            )
    rows = warehouse.client.query(
        f"SELECT segment, {period}, stage, entries, previous_entries, step_conversion_period,"
        f" started_cohort, reached_14d_cohort, share_14d_cohort FROM {view}"
    ).result_rows
    for of, begin, stage, n, before, conversion, started, soon, share in rows:
        previous = PREVIOUS.get(stage) and entered[of, begin, PREVIOUS[stage]]
        assert (n, before) == (entered[of, begin, stage], previous)
        assert conversion == (n / previous if previous else None)
        assert (started, soon) == (reached[of, begin, "applied"], reached[of, begin, stage])
        assert share == (soon / started if started else None)
    assert {(row[0], row[1]) for row in rows} == {key[:2] for key in entered | reached}
    assert len(rows) == len({(row[0], row[1], row[2]) for row in rows})


def test_segments_add_up_to_the_week(warehouse: PreparedWarehouse, entries: Entries) -> None:
    """Every count of the finer view adds up to that of the whole."""
    del entries
    counts = (
        "entries, previous_entries, started_cohort, reached_cohort, reached_7d_cohort,"
        " reached_14d_cohort, reached_30d_cohort"
    )
    sums = ", ".join(f"sum({one})" for one in counts.split(", "))
    finer = f"SELECT week, stage, {sums} FROM funnel_weekly_segments GROUP BY ALL ORDER BY ALL"
    whole = f"SELECT week, stage, {counts} FROM funnel_weekly ORDER BY ALL"
    rows = warehouse.client.query(whole).result_rows
    assert rows
    assert warehouse.client.query(finer).result_rows == rows


def test_a_changed_segment(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """An entry counts under the segment of then, what a cohort reached under that of its start."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    told = [
        Told(id=1, came=1, name="applied", user="p", properties={"occupation": "student"}),
        Told(
            id=2,
            came=2,
            name="passed",
            at="2024-08-06 12:00:00",
            user="p",
            properties={"occupation": "employee"},
        ),
    ]
    Road(warehouse.place, tmp_path).load([told])
    rows = warehouse.client.query(
        "SELECT segment, entries, previous_entries, started_cohort, reached_cohort"
        " FROM funnel_weekly_segments WHERE stage = 'passed' ORDER BY ALL"
    ).result_rows
    assert rows == [("employee", 1, 0, 0, 0), ("student", 0, 1, 1, 1)]


def test_a_week_goes_by_the_version_of_then(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """A version counts from the first Monday on which it is in force; the others show on demand."""
    warehouse.empty()
    later = [rule(1, "applied", funnel_version=2), rule(2, "joined", funnel_version=2)]
    bring(
        warehouse.client,
        [*COURSE, *later],
        funnels=[
            ("course", 1, "camp", "t", "t", date(2024, 1, 1), None, 30),
            ("course", 2, "camp", "t", "t", date(2024, 8, 7), None, 30),
        ],
    )
    times = ("2024-08-08 12:00:00", "2024-08-12 00:00:00", "2024-08-11 23:59:59")
    told = [
        Told(id=n, came=n, name="applied", at=at, user=f"p{n}") for n, at in enumerate(times, 1)
    ]
    Road(warehouse.place, tmp_path).load([told])
    query = "SELECT week, funnel_version, entries FROM {} WHERE stage = 'applied' ORDER BY ALL"
    rows = warehouse.client.query(query.format("funnel_weekly")).result_rows
    assert rows == [(date(2024, 8, 5), 1, 2), (date(2024, 8, 12), 2, 1)]
    assert len(warehouse.client.query(query.format("funnel_weekly_versions")).result_rows) == 4
