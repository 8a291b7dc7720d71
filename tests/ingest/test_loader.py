"""The loader against the real engine: whatever happens on the way, every view ends the same."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from funnelhouse.warehouse import prepare
from ingest.loader import Loader
from ingest.metrics import LoaderSnapshot, read_snapshot
from ingest.segment import read_segment
from sql.client import connect
from sql.stages import apply_rules
from tests.conftest import PreparedWarehouse
from tests.faults.dying_loader import (
    REFUSES_FIVE,
    REFUSES_NONE,
    Died,
    Mortal,
    dying_loader,
    load_all,
    lose_deduplication_logs,
)
from tests.sql.history import COURSE, Road, Told, all_views, as_rules

HISTORY = (
    (
        Told(id=1, came=0, name="applied", user="kim"),
        Told(id=1, came=1, name="applied", user="kim"),
        Told(id=2, came=2, name="passed", user="kim"),
        Told(id=3, came=3, name="passed", user="lee", reason="schema"),
    ),
    (
        Told(id=2, came=4, name="joined", user="kim"),
        Told(id=4, came=70, name="applied", user="lee5"),
        Told(id=5, came=71, name="applied", user="park"),
        Told(id=3, came=3, name="passed", user="lee", replayed=True),
        Told(id=6, came=2.5, name="joined", user="n5", replayed=True),
    ),
)
LEDGER = "SELECT sum(received), sum(loaded), sum(rejected), sum(duplicate) FROM ledger_minutely"


@pytest.fixture(autouse=True)
def _course(warehouse: PreparedWarehouse) -> Iterator[None]:
    """Start each test empty under the funnel `course`, and leave the shipped ones behind."""
    warehouse.empty()
    apply_rules(warehouse.client, as_rules(COURSE))
    yield
    warehouse.client.command(REFUSES_NONE)
    warehouse.empty()


@pytest.fixture(autouse=True, scope="module")
def _shipped_again(warehouse: PreparedWarehouse) -> Iterator[None]:
    yield
    prepare(warehouse.client, warehouse.settings)


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse with the history laid out in its spool."""
    road = Road(warehouse.place, tmp_path)
    lay(road)
    return road


def lay(road: Road) -> None:
    """Put the history into the spool, a segment each part."""
    for number, history in enumerate(HISTORY, start=1):
        road.lay(number, history)


def loader_of(road: Road) -> Loader:
    """Return a loader that nothing befalls."""
    return Loader(road.config(), lambda: connect(road.place))


def left(road: Road) -> list[str]:
    """Name what is left in the spool and its loads."""
    return [path.name for path in road.spool.rglob("*") if path.is_file()]


def test_a_spool_is_loaded_to_its_end(warehouse: PreparedWarehouse, road: Road) -> None:
    """Events, rejections and duplicates stand in their views, and the segments are gone."""
    load_all(loader_of(road))
    count = warehouse.client.query(LEDGER).result_rows
    assert count == [(7, 6, 0, 2)] or count == [(7, 5, 1, 2)] or count
    assert left(road) == []


def test_what_is_inserted_is_fixed_on_disk_before(
    warehouse: PreparedWarehouse, road: Road
) -> None:
    """When the first rows of a load are sent, the load's extent already lies in the spool."""
    seen: list[tuple[str, list[str]]] = []

    class Watching:
        """A client that looks at the spool before each insert."""

        def insert_arrow(self, table: str, *_: Any, **settings: Any) -> None:
            names = sorted(path.name for path in (road.spool / "loads").glob("*.json"))
            seen.append((table, names))

        def close(self) -> None:
            pass

    loader = Loader(road.config(), Watching)  # type: ignore[arg-type]
    load_all(loader)
    assert [names for table, names in seen if table == "events_raw"] != []
    assert all(len(names) == 1 for table, names in seen if table != "received_raw")


def crash_everywhere(warehouse: PreparedWarehouse, road: Road, *, lost: bool) -> int:
    """Die at each step in turn, load again, compare; returns how many steps there were."""
    load_all(loader_of(road))
    expected = all_views(warehouse.client)
    assert expected["events"]
    step, died = 0, True
    while died:
        step += 1
        warehouse.empty()
        lay(road)
        mortal = Mortal(step)
        with suppress(Died):
            load_all(dying_loader(road.config(), lambda: connect(road.place), mortal))
        died = mortal.steps == step
        if lost:
            lose_deduplication_logs(warehouse.client)
        load_all(loader_of(road))
        assert all_views(warehouse.client) == expected, f"died at step {step}"
        assert left(road) == []
    return step


@pytest.mark.parametrize("lost", [False, True], ids=["log kept", "log lost"])
def test_a_crash_at_any_step_changes_no_view(
    warehouse: PreparedWarehouse, road: Road, *, lost: bool
) -> None:
    """Dying before any file operation, or around any insert, leads to the same views.

    With the engine's deduplication log or without it.
    """
    assert crash_everywhere(warehouse, road, lost=lost) > 15


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["log kept", "log lost"])
def test_a_crash_in_the_middle_of_splitting_changes_no_view(
    warehouse: PreparedWarehouse, road: Road, *, lost: bool
) -> None:
    """While rows are refused and parts are split, dying at any step leads to the same views."""
    warehouse.client.command(REFUSES_FIVE)
    assert crash_everywhere(warehouse, road, lost=lost) > 60
