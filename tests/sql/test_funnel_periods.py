"""Weeks and days of a funnel on both bases, against counts made person by person."""

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring, rule

STAGES = ("applied", "passed", "withdrawn", "joined")
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
            history.append(Told(id=id_, came=id_, name=stage, at=str(at), user=f"p{number}"))
            of = first.setdefault(f"p{number}", {})
            of[stage] = min(at, of.get(stage, at))
    random.shuffle(history)
    road = Road(warehouse.place, tmp_path_factory.mktemp("periods"))
    road.load([history[:250], history[250:], history[:50]])
    return first


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


def test_segments_add_up_to_the_week(warehouse: PreparedWarehouse, entries: Entries) -> None:
    """The finer view holds the same entries."""
    total = "SELECT week, stage, sum(entries) AS n FROM {} GROUP BY ALL HAVING n > 0 ORDER BY ALL"
    finer, whole = (
        warehouse.client.query(total.format(view)).result_rows
        for view in ("funnel_weekly_segments", "funnel_weekly")
    )
    assert finer == whole
    assert sum(row[2] for row in whole) == sum(map(len, entries.values()))


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
