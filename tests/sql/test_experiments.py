"""The sums of an experiment over tiny histories: who counts, from when on, and what of it."""

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from funnelhouse.analysis.experiments import experiments_in_force, refresh
from funnelhouse.plan.plan_tables import experiment_tables
from funnelhouse.schemas.experiments import experiment_from
from tests.conftest import PreparedWarehouse
from tests.sql.history import ARRANGED, ARRANGEMENTS, Road, Told, bring, rule

FUNNEL = (
    rule(1, "applied"),
    rule(2, "paid"),
    rule(0, "revenue", "paid", kind="measure", reenter="always", reads={"amount": "amount"}),
)
EXPERIMENT: dict[str, Any] = {
    "experiment": "guide",
    "title": "Guide",
    "title_ko": "가이드",
    "hypothesis": "Readers apply.",
    "owner": "growth",
    "starts_on": "2024-08-05",
    "ends_on": "2024-08-11",
    "unit": "device",
    "traffic": 1,
    "variants": [{"variant": "a"}, {"variant": "b"}],
    "primary": {"metric": "applied", "kind": "stage", "funnel": "course", "stage": "applied"},
    "secondary": [
        {"metric": "money", "kind": "revenue", "funnel": "course"},
        {"metric": "quick", "kind": "stage_within", "funnel": "course", "stage": "paid", "days": 3},
        {"metric": "clicks", "kind": "count", "event": "cta_clicked"},
    ],
    "minimum_effect": 0.1,
}
AS_OF = date(2024, 8, 9)


def put(warehouse: PreparedWarehouse, **changes: Any) -> None:
    """Bring the experiment into force, some of its keys changed."""
    document = EXPERIMENT | changes
    bring(warehouse.client, FUNNEL, **experiment_tables([experiment_from(document)]))


def viewed(id: int, variant: str, at: str, **more: Any) -> Told:  # noqa: A002 -- as Told has it
    """Tell an exposure."""
    properties = {"experiment_id": "guide", "variation_id": variant}
    return told(id, "experiment_viewed", at, properties=properties, **more)


def told(id: int, name: str, at: str, **more: Any) -> Told:  # noqa: A002 -- as Told has it
    """Tell any other event."""
    return Told(id=id, name=name, at=f"2024-08-{at}", **{"came": id} | more)


@pytest.fixture(autouse=True)
def _course(warehouse: PreparedWarehouse) -> None:
    warehouse.empty()
    put(warehouse)


def read(warehouse: PreparedWarehouse, view: str, columns: str) -> list[tuple[Any, ...]]:
    """Read columns of a view of the experiment, sorted."""
    statement = f"SELECT {columns} FROM {view}(experiment = 'guide', as_of = '{AS_OF}')"
    return sorted(map(tuple, warehouse.client.query(statement).result_rows))


def test_outcomes_after_the_first_exposure_count(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """A server's payment of who logged in later is the device's; what came before it is not."""
    load = [
        told(1, "applied", "05 10:00:00", anonymous="d1"),
        viewed(2, "a", "06 10:00:00", anonymous="d1"),
        told(3, "applied", "06 11:00:00", anonymous="d2"),
        viewed(4, "b", "06 10:00:00", anonymous="d2"),
        told(5, "cta_clicked", "06 12:00:00", anonymous="d2"),
        told(6, "identified", "07 10:00:00", anonymous="d2", user="lee"),
        told(
            7, "paid", "08 10:00:00", user="lee", source="app", server=True,
            properties={"amount": 500},
        ),
        told(8, "cta_clicked", "08 12:00:00", anonymous="d2", user="lee"),
    ]  # fmt: skip
    Road(warehouse.place, tmp_path).load([load])
    rows = read(warehouse, "experiment_sums", "metric, variant, units, amounts, amounts_squared")
    assert rows == [
        (1, "a", 1, 0, 0),
        (1, "b", 1, 1, 1),
        (2, "a", 1, 0, 0),
        (2, "b", 1, 500, 250000),
        (3, "a", 1, 0, 0),
        (3, "b", 1, 1, 1),
        (4, "a", 1, 0, 0),
        (4, "b", 1, 2, 4),
    ]


def test_a_readout_is_kept_as_rows(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """Each metric and variant has one row, of the readout computed last; too little says so."""
    load = [
        viewed(1, "a", "06 10:00:00", anonymous="d1"),
        viewed(2, "b", "06 10:00:00", anonymous="d2"),
        told(3, "applied", "06 11:00:00", anonymous="d2"),
    ]
    Road(warehouse.place, tmp_path).load([load])
    (experiment,) = experiments_in_force(warehouse.client)
    for _ in range(2):
        refresh(warehouse.client, experiment, AS_OF)
    rows = warehouse.client.query(
        "SELECT metric, variant, units, total, verdict, why FROM experiment_readouts"
        " WHERE as_of = '2024-08-09' ORDER BY position, variant"
    ).result_rows
    assert len(rows) == 8
    assert rows[1] == (
        "applied", "b", 1, 1, "keep running", "There is too little data to judge by.",
    )  # fmt: skip


SCROLLED = {"event": "scroll_depth_reached", "where": [{"property": "depth", "gte": 80}]}
COVERAGE = {
    "steps": ["page_viewed"],
    "pairs": [{"browser": "form_submitted", "server": "applied"}],
}
STORY = [
    [
        viewed(1, "a", "06 10:00:00", anonymous="d1"),
        viewed(2, "b", "06 10:00:00", anonymous="d2"),
        told(3, "page_viewed", "06 09:59:00", anonymous="d2"),
        told(4, "form_submitted", "06 11:00:00", anonymous="d2"),
    ],
    [
        viewed(2, "b", "06 09:00:00", anonymous="d2", came=102),
        told(5, "identified", "07 10:00:00", anonymous="d2", user="lee"),
        told(6, "applied", "07 09:00:00", user="lee", source="app", server=True),
        viewed(7, "b", "07 12:00:00", anonymous="d1"),
        viewed(8, "a", "06 10:00:00", anonymous="d3"),
    ],
    [
        viewed(8, "b", "06 10:00:00", anonymous="d4", came=108),
        viewed(9, "b", "04 10:00:00", anonymous="d5"),
        viewed(10, "z", "06 10:00:00", anonymous="d6"),
        viewed(11, "a", "10 00:00:00", anonymous="d7"),
        viewed(12, "a", "09 23:59:59", anonymous="d8"),
    ],
]
"""d1 sees both variants, d2 is lee's. Of 2 a copy comes late, of 8 one that names another device;
9 is before the start, 10 of no variant, 11 past the day."""


@pytest.mark.parametrize("arrangement", ARRANGED)
def test_units_are_the_same_however_events_arrive(
    warehouse: PreparedWarehouse, tmp_path: Path, arrangement: str
) -> None:
    """First copies count: whoever saw two variants is contaminated, others keep their first."""
    put(warehouse, coverage=COVERAGE)
    Road(warehouse.place, tmp_path).load(ARRANGEMENTS[arrangement](STORY))
    units = read(warehouse, "experiment_units", "unit, variant, contaminated, person_id")
    assert units == [
        ("d1", "a", True, "d1"),
        ("d2", "b", False, "lee"),
        ("d3", "a", False, "d3"),
        ("d8", "a", False, "d8"),
    ]
    checked = read(warehouse, "experiment_checks", "gate, variant, units, having")
    assert [check for check in checked if check[0] != "recent"] == [
        ("contaminated", "a", 3, 1),
        ("contaminated", "b", 1, 0),
        ("followed", "a", 3, 0),
        ("followed", "b", 1, 1),
        ("pair", "a", 0, 0),
        ("pair", "b", 1, 1),
        ("rejected", "a", 3, 0),
        ("rejected", "b", 1, 0),
        ("step", "a", 3, 0),
        ("step", "b", 1, 1),
    ]
    sums = read(warehouse, "experiment_sums", "metric, variant, units, amounts")
    assert sums[:2] == [(1, "a", 2, 0), (1, "b", 1, 1)]


@pytest.mark.parametrize("planned", ["before", "after"])
def test_a_triggered_experiment_counts_from_the_meeting_of_its_condition(
    warehouse: PreparedWarehouse, tmp_path: Path, planned: str
) -> None:
    """Who scrolled to 80 % counts from then on, in both variants; who did not is left out.

    So it is when the plan is told only after all has happened.
    """
    if planned == "before":
        put(warehouse, trigger=SCROLLED)
    depths = {"d1": 80, "d2": 50, "d3": 90, "d4": 100}
    load = [viewed(n, "ab"[n % 2], "06 10:00:00", anonymous=f"d{n}") for n in range(1, 5)]
    load += [
        told(
            10 + n, "scroll_depth_reached", "06 11:00:00", anonymous=f"d{n}",
            properties={"depth": depths[f"d{n}"]},
        )
        for n in range(1, 5)
    ]  # fmt: skip
    load += [told(21, "applied", "06 10:30:00", anonymous="d3")]
    load += [told(22, "applied", "06 11:30:00", anonymous="d4")]
    Road(warehouse.place, tmp_path).load([load])
    if planned == "after":
        put(warehouse, trigger=SCROLLED)
    rows = read(warehouse, "experiment_outcomes", "unit, variant, amount, metric")
    assert [row[:3] for row in rows if row[3] == 1] == [
        ("d1", "b", 0),
        ("d3", "b", 0),
        ("d4", "a", 1),
    ]


def test_an_event_is_its_device_s_or_else_its_user_s(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """A form sent from another device is the user's unit's; one from an exposed device is not.

    Clicks count the same way: d1 and d2 are lee's and exposed, d9 is lee's and was shown nothing.
    """
    put(warehouse, coverage=COVERAGE)
    load = [
        viewed(1, "a", "06 10:00:00", anonymous="d1", user="lee"),
        viewed(2, "b", "06 10:00:00", anonymous="d2", user="lee"),
        told(3, "applied", "06 12:00:00", user="lee", source="app", server=True),
        told(4, "form_submitted", "06 12:00:00", anonymous="d1", user="lee"),
        told(5, "cta_clicked", "06 12:00:00", anonymous="d9", user="lee"),
        told(6, "cta_clicked", "06 12:00:00", anonymous="d2", user="lee"),
        told(6, "cta_clicked", "06 12:00:01", anonymous="d2", user="lee", came=106),
    ]
    Road(warehouse.place, tmp_path).load([load])
    checked = read(warehouse, "experiment_checks", "gate, variant, units, having")
    assert [check for check in checked if check[0] == "pair"] == [
        ("pair", "a", 1, 1),
        ("pair", "b", 1, 0),
    ]
    sums = read(warehouse, "experiment_sums", "metric, variant, amounts")
    assert [row[1:] for row in sums if row[0] == 4] == [("a", 1), ("b", 2)]


def test_a_server_may_tell_the_exposure(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """What a server shows to a device is the device's, and its later user's, like any exposure."""
    put(warehouse, unit="user")
    road = Road(warehouse.place, tmp_path)
    road.load([[viewed(1, "a", "06 10:00:00", anonymous="d1", source="app", server=True)]])
    assert read(warehouse, "experiment_units", "unit, known") == [("d1", False)]
    road.load([[told(2, "identified", "07 10:00:00", anonymous="d1", user="kim")]])
    assert read(warehouse, "experiment_units", "unit, known") == [("kim", True)]


def test_units_may_be_people_or_sessions(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """A person over two devices is one unit; each session is one, and outcomes are the last's."""
    load = [
        told(1, "identified", "06 12:00:00", anonymous="d1", user="kim"),
        told(2, "identified", "06 13:00:00", anonymous="d2", user="kim"),
        viewed(3, "a", "06 10:00:00", anonymous="d1", session="s1"),
        viewed(4, "b", "06 11:00:00", anonymous="d2", session="s2"),
        viewed(5, "b", "06 11:00:00", anonymous="d9"),
        told(6, "applied", "07 10:00:00", user="kim", source="app", server=True),
    ]
    Road(warehouse.place, tmp_path).load([load])
    put(warehouse, unit="user")
    people = read(warehouse, "experiment_units", "unit, variant, contaminated")
    assert people == [("d9", "b", False), ("kim", "a", True)]
    put(warehouse, unit="session")
    rows = read(warehouse, "experiment_outcomes", "metric, unit, variant, amount")
    assert [row[1:] for row in rows if row[0] == 1] == [("s1", "a", 0), ("s2", "b", 1)]


@pytest.mark.parametrize(("lost", "verdict"), [(0.2, "not trustworthy"), (0.0, "keep running")])
def test_lost_form_events_end_not_trustworthy(
    warehouse: PreparedWarehouse, tmp_path: Path, lost: float, verdict: str
) -> None:
    """A fifth of B's forms lost breaks trust; a true effect with whole logs does not."""
    put(warehouse, coverage=COVERAGE)
    random, load = Random(6), []
    for n in range(400):
        variant, device = "ab"[n % 2], f"d{n}"
        load.append(told(10 * n, "page_viewed", "06 09:00:00", anonymous=device))
        load.append(viewed(10 * n + 1, variant, "06 10:00:00", anonymous=device))
        if random.random() < (0.6 if variant == "b" else 0.5):
            load.append(told(10 * n + 2, "applied", "06 12:00:00", anonymous=device, server=True))
            if variant == "a" or random.random() >= lost:
                load.append(told(10 * n + 3, "form_submitted", "06 12:00:00", anonymous=device))
    Road(warehouse.place, tmp_path).load([load])
    (experiment,) = experiments_in_force(warehouse.client)
    readout = refresh(warehouse.client, experiment, AS_OF)
    assert readout.verdict.verdict == verdict
    assert ("lost form_submitted" in readout.verdict.why) == (lost > 0)


def test_rejects_count_by_variant(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """A unit whose event was rejected is counted, unless it passed in a replay since."""
    load = [
        viewed(1, "a", "06 10:00:00", anonymous="d1"),
        viewed(2, "b", "06 10:00:00", anonymous="d2"),
        told(3, "form_submitted", "06 11:00:00", anonymous="d2", reason="schema"),
        told(4, "form_submitted", "06 12:00:00", anonymous="d2", reason="schema"),
    ]
    Road(warehouse.place, tmp_path).load([load])
    checked = read(warehouse, "experiment_checks", "gate, variant, units, having")
    assert checked[-2:] == [("rejected", "a", 1, 0), ("rejected", "b", 1, 1)]


def test_metrics_by_session_divide_by_the_sessions_after_the_exposure(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Clicks of a unit stand beside its sessions; what came 28 days before stands as earlier."""
    clicks = {"metric": "clicks", "kind": "count", "event": "cta_clicked", "per": "session"}
    put(warehouse, primary=clicks, secondary=[])
    load = [
        told(1, "cta_clicked", "01 10:00:00", anonymous="d1"),
        viewed(2, "a", "06 10:00:00", anonymous="d1"),
        told(3, "cta_clicked", "06 10:10:00", anonymous="d1"),
        told(4, "cta_clicked", "07 10:00:00", anonymous="d1"),
        told(5, "page_viewed", "08 10:00:00", anonymous="d1"),
        viewed(6, "b", "06 10:00:00", anonymous="d2"),
    ]
    Road(warehouse.place, tmp_path).load([load])
    rows = read(warehouse, "experiment_outcomes", "unit, amount, sessions, earlier")
    assert rows == [("d1", 2, 3, 1), ("d2", 0, 1, 0)]
