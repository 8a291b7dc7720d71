"""The sums of an experiment over tiny histories: who counts, from when on, and what of it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from analysis.experiments import experiments_in_force, refresh
from funnelhouse.plan_tables import experiment_tables
from schemas.experiments import experiment_from
from tests.conftest import PreparedWarehouse
from tests.sql.history import Road, Told, bring, rule

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
    return Told(
        id=id, came=id, name="experiment_viewed", at=f"2024-08-{at}", properties=properties, **more
    )


def told(id: int, name: str, at: str, **more: Any) -> Told:  # noqa: A002 -- as Told has it
    """Tell any other event."""
    return Told(id=id, came=id, name=name, at=f"2024-08-{at}", **more)


@pytest.fixture(autouse=True)
def _course(warehouse: PreparedWarehouse) -> Iterator[None]:
    warehouse.empty()
    put(warehouse)
    yield
    warehouse.empty()
    warehouse.prepare()


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
        refresh(warehouse.client, experiment, AS_OF, "Asia/Seoul")
    rows = warehouse.client.query(
        "SELECT metric, variant, units, total, verdict, why FROM experiment_readouts"
        " WHERE as_of = '2024-08-09' ORDER BY position, variant"
    ).result_rows
    assert len(rows) == 8
    assert rows[1] == (
        "applied", "b", 1, 1, "keep running", "There is too little data to judge by.",
    )  # fmt: skip
