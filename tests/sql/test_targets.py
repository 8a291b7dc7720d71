"""The view `targets`: those of the plan in force, and those imported beside them."""

from datetime import date
from typing import Any

import pytest

from funnelhouse.processes.jobs import JOBS
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, bring, optimize_all

KEY = ("course", "camp", "", "", "conversion", "applied", "passed", "week")
DAY = date(2024, 1, 1)
TARGET = (*KEY, "target", "at_least", 0.3, DAY)
GUARDRAIL = (*KEY, "guardrail", "at_least", 0.2, DAY)


@pytest.fixture(autouse=True)
def _empty(warehouse: PreparedWarehouse) -> None:
    """Start empty."""
    warehouse.empty()


def columns(warehouse: PreparedWarehouse, table: str) -> list[tuple[str, str]]:
    """Name the columns of a table or view with their types."""
    rows = warehouse.client.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase()"
        " AND table = {table:String} ORDER BY position",
        parameters={"table": table},
    ).result_rows
    return [(name, kind) for name, kind in rows]


def bring_in(warehouse: PreparedWarehouse, *targets: tuple[Any, ...]) -> None:
    """Import targets as the command line does."""
    names = [name for name, _ in columns(warehouse, "targets")]
    rows = [dict(zip(names, target, strict=True)) for target in targets]
    JOBS["targets"](
        warehouse.client, [row | {"valid_from": row["valid_from"].isoformat()} for row in rows]
    )


def seen(warehouse: PreparedWarehouse) -> list[Any]:
    """Read the view."""
    return list(warehouse.client.query("SELECT * FROM targets ORDER BY ALL").result_rows)


def test_columns_are_those_of_the_plan(warehouse: PreparedWarehouse) -> None:
    """The view has the columns of a plan's targets, but for the plan's name."""
    assert [("plan", "String"), *columns(warehouse, "targets")] == (
        columns(warehouse, "plan_targets")
    )


def test_plan_in_force_alone(warehouse: PreparedWarehouse) -> None:
    """Targets of a plan go with it, imported ones stay."""
    bring(warehouse.client, COURSE, targets=[TARGET])
    imported = (*TARGET[:-1], date(2025, 1, 1))
    bring_in(warehouse, imported)
    assert seen(warehouse) == [TARGET, imported]
    bring(warehouse.client, COURSE, targets=[GUARDRAIL])
    assert seen(warehouse) == [GUARDRAIL, imported]


def test_imported_again(warehouse: PreparedWarehouse) -> None:
    """An imported target replaces the one of its key, imported or the plan's, merged or not."""
    bring(warehouse.client, COURSE, targets=[TARGET, GUARDRAIL])
    for value, direction in ((0.4, "at_least"), (0.5, "at_most")):
        bring_in(warehouse, (*KEY, "target", direction, value, DAY))
    expected = [GUARDRAIL, (*KEY, "target", "at_most", 0.5, DAY)]
    assert seen(warehouse) == expected
    optimize_all(warehouse.client)
    assert seen(warehouse) == expected


@pytest.mark.parametrize("place", [0, 2, 3, 4, 5, 6, 7, 8, 11])
def test_another_key_is_another_target(warehouse: PreparedWarehouse, place: int) -> None:
    """A target that differs in any part of its key stands beside the plan's."""
    other = list(TARGET)
    other[place] = date(2024, 1, 2) if place == 11 else "other"
    bring(warehouse.client, COURSE, targets=[TARGET])
    bring_in(warehouse, tuple(other))
    assert seen(warehouse) == sorted([TARGET, tuple(other)])
