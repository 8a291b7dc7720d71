"""A follower is told of every event once, in whatever order events land."""

from itertools import cycle
from pathlib import Path

import pytest

from funnelhouse.console.pages.live_position import LivePosition
from tests.conftest import PreparedWarehouse
from tests.sql.history import Road, Told

BEFORE_ALL = LivePosition(Told(id=0, came=-1, name="none").arrival)


class Follower:
    """Asks again and again, as the live page does; what it was told stands in `told`."""

    def __init__(self, warehouse: PreparedWarehouse, run: str = "") -> None:
        self.told: list[str] = []
        self._warehouse = warehouse
        self._run = run
        self._place = BEFORE_ALL

    def ask(self) -> int:
        """Ask once more, from a place that went to a browser and back; give how many were told."""
        place = LivePosition.read(self._place.text())
        assert place is not None
        events = place.events(self._warehouse.client, self._run)
        for event in events:
            place = place.after(event)
        self._place = place
        self.told += [event["event"] for event in events]
        return len(events)


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give the road into a warehouse that holds nothing."""
    warehouse.empty()
    warehouse.prepare()
    return Road(warehouse.place, tmp_path)


def test_one_worker_overtakes_another(warehouse: PreparedWarehouse, road: Road) -> None:
    """What a worker received before another's events, and what landed after them, is told."""
    follower = Follower(warehouse)
    for load in (
        [Told(id=1, came=5, name="second", worker=7)],
        [Told(id=2, came=2, name="late", worker=9), Told(id=3, came=6, name="third", worker=7)],
        [Told(id=4, came=3, name="later", worker=9)],
    ):
        road.load([load])
        follower.ask()
    assert follower.told == ["second", "late", "third", "later"]
    assert follower.ask() == 0


@pytest.mark.parametrize("run", ["", "qa"])
def test_good_ones_after_rejected_ones(warehouse: PreparedWarehouse, road: Road, run: str) -> None:
    """An accepted event that lands after a later one was rejected is told, and the other way."""
    if run:
        statement = "INSERT INTO runs_raw (run, starts_at, ends_at, note) VALUES"
        warehouse.client.command(f"{statement} ('qa', '2024-08-19', '2025-01-01', '')")
    follower = Follower(warehouse, run)
    for told in (
        Told(id=1, came=2, name="rejected", reason="schema", run=run),
        Told(id=2, came=1, name="good", run=run),
        Told(id=3, came=4, name="better", run=run),
        Told(id=4, came=3, name="worse", reason="schema", run=run),
    ):
        road.load([[told]])
        follower.ask()
    assert follower.told == ["rejected", "good", "better", "worse"]
    assert follower.ask() == 0


def test_many_are_told_in_pieces(warehouse: PreparedWarehouse, road: Road) -> None:
    """Of two workers' 250 events, a third rejected, none is missed or told twice."""
    names = [f"event {number:03}" for number in range(250)]
    events = [
        Told(id=300 - number, came=number, name=name, worker=number % 2, reason=reason)
        for number, (name, reason) in enumerate(zip(names, cycle(["", "", "schema"]), strict=False))
    ]
    road.load([events])
    follower = Follower(warehouse)
    assert [follower.ask() for _ in range(4)] == [100, 100, 50, 0]
    assert follower.told == names


def test_a_place_of_another_text() -> None:
    """A browser that says something else of where it is begins anew."""
    assert [LivePosition.read(text) for text in ("", "17", "{}", '{"since":"x"}')] == [None] * 4
