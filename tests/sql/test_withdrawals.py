"""Who withdrew from where and why: a worked history with targets, and a counted crowd."""

from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import PreparedWarehouse
from tests.sql.crowd import SEEDS, Crowd, day_of, gathered, monday
from tests.sql.history import COURSE, Road, Told, bring, rule
from tests.sql.reference import Entry

ASKING = (*COURSE, rule(0, "inquiry", "asked", kind="measure", reenter="always"))


class Bound(NamedTuple):
    """A row of the plan's targets."""

    funnel: str
    product: str
    track: str
    cohort: str
    metric: str
    from_stage: str
    stage: str
    period: str
    role: str
    direction: str
    value: float
    valid_from: date


def bound(stage: str, value: float, **changes: Any) -> Bound:
    """Return a target of withdrawals from a stage of the course."""
    plain = Bound(
        "course", "camp", "", "", "withdrawals", "", stage, "week", "target", "at_most", value,
        date(2024, 1, 1),
    )  # fmt: skip
    return plain._replace(**changes)


TARGETS = (
    bound("applied", 0.3),
    bound("passed", 0.15),
    bound("inquiry", 0.05),
    # no targets of these
    bound("applied", 0.9, role="guardrail"),
    bound("applied", 0.9, metric="cost"),
    bound("applied", 0.9, funnel="other"),
)


@pytest.fixture
def course(warehouse: PreparedWarehouse) -> PreparedWarehouse:
    """Give the warehouse, emptied, to bring a plan into."""
    warehouse.empty()
    return warehouse


def story() -> list[Told]:
    """Tell of ten who apply and four who are passed, some of whom ask or give up."""
    events: list[tuple[str, int, str, dict[str, Any]]] = [
        *[("applied", n, "2024-08-05 12:00:00", {}) for n in range(10)],
        *[("passed", n, "2024-08-06 12:00:00", {}) for n in range(4)],
        # from applied: two for their work, one without a word, the last one in the next week
        ("withdrawn", 9, "2024-08-07 12:00:00", {"reason": "work"}),
        ("withdrawn", 8, "2024-08-11 23:59:59.999999", {"reason": "work"}),
        ("withdrawn", 7, "2024-08-12 00:00:00", {}),
        # from passed
        ("withdrawn", 3, "2024-08-08 12:00:00", {"reason": "money"}),
        # from nowhere
        ("withdrawn", 20, "2024-08-08 12:00:00", {"reason": "work"}),
        # one gives up after asking twice, one asks after giving up, one only asks
        ("asked", 3, "2024-08-07 12:00:00", {}),
        ("asked", 3, "2024-08-07 13:00:00", {}),
        ("asked", 9, "2024-08-08 12:00:00", {}),
        ("asked", 0, "2024-08-12 00:00:00", {}),
    ]
    return [
        Told(id=n, came=n, name=name, user=f"user-{who}", at=at, properties=properties)
        for n, (name, who, at, properties) in enumerate(events, start=1)
    ]


def test_withdrawals_stand_beside_those_who_entered(
    course: PreparedWarehouse, tmp_path: Path
) -> None:
    """Each stage has those who entered it, who left from it and why, and whether that is much."""
    bring(course.client, ASKING, targets=TARGETS)
    history = story()
    Road(course.place, tmp_path).load([history[1::2], history[::2], history[:5]])
    rows = course.client.query(
        "SELECT stage, entries, withdrawals, share, reasons, target, target_met FROM withdrawals"
    ).result_rows
    assert sorted(rows, key=repr) == [
        ("", 0, 1, None, {"work": 1}, None, None),
        ("applied", 10, 3, 0.3, {"": 1, "work": 2}, 0.3, True),
        ("inquiry", 3, 1, pytest.approx(1 / 3), {"money": 1}, 0.05, False),
        ("passed", 4, 1, 0.25, {"money": 1}, 0.15, False),
    ]
    rows = course.client.query(
        "SELECT week, stage, entries_period, withdrawals_period, share_period, reasons_period,"
        " target_met FROM withdrawals_weekly WHERE stage != ''"
    ).result_rows
    first, second = date(2024, 8, 5), date(2024, 8, 12)
    assert sorted(rows, key=lambda row: tuple(row[:2])) == [
        (first, "applied", 10, 2, 0.2, {"work": 2}, True),
        (first, "inquiry", 2, 1, 0.5, {"money": 1}, False),
        (first, "passed", 4, 1, 0.25, {"money": 1}, False),
        (second, "applied", 0, 1, None, {"": 1}, None),
        (second, "inquiry", 1, 0, 0.0, {}, True),
    ]


BOUNDS: list[tuple[list[Bound], float | None]] = [
    ([], None),
    ([bound("applied", 0.3)], 0.3),
    ([bound("applied", 0.3), bound("applied", 0.2, valid_from=date(2024, 8, 5))], 0.2),
    ([bound("applied", 0.3), bound("applied", 0.2, valid_from=date(2024, 8, 6))], 0.3),
    ([bound("applied", 0.3, track="kotlin"), bound("applied", 0.2)], 0.3),
    ([bound("applied", 0.3, track="node")], None),
    ([bound("applied", 0.3, cohort="6"), bound("applied", 0.2, track="kotlin")], 0.3),
    ([bound("applied", 0.3, cohort="7")], None),
    (
        [
            bound("applied", 0.3, track="kotlin"),
            bound("applied", 0.2, valid_from=date(2024, 8, 5)),
        ],
        0.3,
    ),
]
"""Targets, and which of them holds."""


def test_the_nearest_target_holds(course: PreparedWarehouse, tmp_path: Path) -> None:
    """A target of the intake comes before one of the track, that before one of all."""
    bring(course.client, COURSE)
    told = Told(id=1, came=1, name="applied", user="kim", cohort="6", at="2024-08-05 00:00:00")
    Road(course.place, tmp_path).load([[told]])
    for bounds, target in BOUNDS:
        bring(course.client, COURSE, targets=bounds)
        for view in ("withdrawals", "withdrawals_weekly"):
            rows = course.client.query(f"SELECT stage, target FROM {view}").result_rows
            assert rows == [("applied", target)], bounds


def test_funnels_that_nobody_can_leave_have_no_rows(
    course: PreparedWarehouse, tmp_path: Path
) -> None:
    """Where the plan knows of no withdrawal there is no share of it."""
    bring(course.client, [rule for rule in ASKING if rule.kind != "withdrawn"])
    Road(course.place, tmp_path).load([story()])
    assert course.client.query("SELECT * FROM withdrawals").result_rows == []


def test_each_reason_has_its_share(course: PreparedWarehouse, tmp_path: Path) -> None:
    """A reason's share is of those who entered the stage, and of those who withdrew from it."""
    bring(course.client, ASKING)
    Road(course.place, tmp_path).load([story()])
    rows = course.client.query(
        "SELECT stage, reason, withdrawals, share, share_of_withdrawals FROM withdrawal_reasons"
        " ORDER BY ALL"
    ).result_rows
    third = pytest.approx(1 / 3)
    assert rows == [
        ("", "work", 1, None, 1.0),
        ("applied", "", 1, 0.1, third),
        ("applied", "work", 2, 0.2, pytest.approx(2 / 3)),
        ("inquiry", "money", 1, third, 1.0),
        ("passed", "money", 1, 0.25, 1.0),
    ]


@pytest.fixture(scope="module", params=SEEDS)
def crowd(
    request: pytest.FixtureRequest,
    warehouse: PreparedWarehouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> Crowd:
    """Load a random crowd."""
    return gathered(warehouse, tmp_path_factory.mktemp("crowd"), request.param)


Key = tuple[Any, ...]
"""Funnel, version, track, intake, week and stage."""


def counted(crowd: Crowd) -> dict[Key, tuple[int, Counter[str]]]:
    """Count by week and stage who entered, and who withdrew for which reason."""
    entries: Counter[Key] = Counter()
    reasons: dict[Key, Counter[str]] = defaultdict(Counter)
    people: dict[Key, list[Entry]] = defaultdict(list)
    for one in crowd.entries:
        if one.funnel == "tour":
            continue
        version = (one.funnel, one.funnel_version)
        people[*version, one.person_id, one.known].append(one)
        key = (*version, one.track, one.cohort, monday(day_of(one.entered_at)))
        if one.kind == "step" and not one.repeated:
            entries[*key, one.stage] += 1
        if one.kind == "withdrawn":
            reasons[*key, one.left_stage][one.detail] += 1
    for (funnel, version, *_), mine in people.items():
        asked = [one for one in mine if one.stage == "inquiry"]
        if asked:
            first = min(asked, key=lambda one: (one.entered_at, one.track, one.cohort))
            sorting = (funnel, version, first.track, first.cohort)
            entries[*sorting, monday(day_of(first.entered_at)), "inquiry"] += 1
            gone = [one for one in mine if one.kind == "withdrawn"]
            after = [one for one in gone if one.entered_at >= first.entered_at]
            for one in sorted(after, key=lambda one: (one.entered_at, one.detail))[:1]:
                reasons[*sorting, monday(day_of(one.entered_at)), "inquiry"][one.detail] += 1
    return {key: (entries[key], reasons[key]) for key in {*entries, *reasons}}


def test_weeks_of_a_crowd(crowd: Crowd, warehouse: PreparedWarehouse) -> None:
    """Each week and stage of each version has those who entered, and those who left by reason."""
    rows = warehouse.client.query(
        "SELECT funnel, funnel_version, track, cohort, week, stage, entries_period,"
        " withdrawals_period, share_period, reasons_period, in_force"
        " FROM withdrawals_weekly_versions"
    ).result_rows
    expected = counted(crowd)
    assert {row[:6]: row[6:] for row in rows} == {
        key: (
            entries,
            reasons.total(),
            reasons.total() / entries if entries else None,
            dict(reasons),
            key[1] == 1,
        )
        for key, (entries, reasons) in expected.items()
    }
    plain = warehouse.client.query("SELECT sum(withdrawals_period) FROM withdrawals_weekly")
    of_first = [reasons.total() for key, (_, reasons) in expected.items() if key[1] == 1]
    assert plain.result_rows == [(sum(of_first),)] != [(0,)]


def test_all_time_of_a_crowd(crowd: Crowd, warehouse: PreparedWarehouse) -> None:
    """Over all time each stage has what its weeks have together, by the version of today."""
    together: dict[Key, tuple[int, Counter[str]]] = {}
    for (*key, _, stage), (entries, reasons) in counted(crowd).items():
        before = together.get((*key, stage), (0, Counter()))
        together[*key, stage] = (before[0] + entries, before[1] + reasons)
    columns = "funnel, funnel_version, track, cohort, stage, entries, withdrawals, reasons"
    rows = warehouse.client.query(f"SELECT {columns}, in_force FROM withdrawals_versions")
    assert {row[:5]: row[5:] for row in rows.result_rows} == {
        key: (entries, reasons.total(), dict(reasons), key[1] == 2)
        for key, (entries, reasons) in together.items()
    }
    plain = warehouse.client.query(f"SELECT {columns} FROM withdrawals").result_rows
    of_today = [row[:-1] for row in rows.result_rows if row[-1]]
    assert sorted(plain, key=repr) == sorted(of_today, key=repr)
    assert plain
