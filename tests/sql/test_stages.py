"""A funnel that changes: its stage events end as if the rules had always been so."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.schemas.rules import StageRule
from funnelhouse.sql.builds import apply_plan
from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.refresh import Refresh
from tests.conftest import PreparedWarehouse
from tests.faults.dying_loader import keeps
from tests.sql.history import COURSE, Road, Told, bring, first_views, rule, tables

OTHER = (
    # joined now comes before passed, with a condition, and a new stage stands between
    rule(1, "applied", funnel_version=2),
    rule(2, "joined", funnel_version=2, conditions=[("seat", "gte", ["1"])], lead=True),
    rule(3, "moved", "elsewhere", funnel_version=2),
)
ANOTHER = tuple(replace(rule, funnel="another") for rule in COURSE)
HISTORY = (
    (
        Told(id=1, came=0, name="applied", user="kim"),
        Told(id=2, came=1, name="joined", user="kim", properties={"seat": 1}),
        Told(id=3, came=2, name="elsewhere", user="kim"),
        # a copy under another name, which the later rules alone would let in
        Told(id=1, came=3, name="elsewhere", user="lee"),
    ),
    (
        Told(id=4, came=4, name="joined", user="lee", properties={"seat": 0}),
        Told(id=5, came=5, name="passed", user="lee"),
        Told(id=5, came=6, name="passed", user="lee"),
    ),
)


class Cut(Exception):  # noqa: N818 - what happens to the rebuild
    """The process died here."""


class Watched:
    """A client that calls `before` with the number of each statement, before it is sent.

    What is done to the scratch tables of a connection changes nothing that outlives it.
    """

    def __init__(self, client: Client, before: Callable[[int], None]) -> None:
        self.client = client
        self._before = before
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        """Hand on a method, counting it if it is one that sends a statement."""
        method = getattr(self.client, name)
        if name not in {"command", "insert", "query"}:
            return method

        def counted(statement: str, *arguments: Any, **options: Any) -> Any:
            if name != "command" or keeps(statement):
                self.statements += 1
                self._before(self.statements)
            return method(statement, *arguments, **options)

        return counted


class InTurn(Refresh):
    """Is watched between its shares alone: who loads within one waits for its turn."""

    def backfill(
        self, client: Any, builds: Sequence[str], note: Callable[[int, int], None]
    ) -> None:
        """Fill builds in several shares."""

        def between(done: int, of: int) -> None:
            client.query("SELECT 1")
            note(done, of)

        with mock.patch("funnelhouse.sql.refresh._EVENTS_A_SHARE", 2):
            super().backfill(client.client, builds, between)


def cut_at(client: Client, statement: int) -> Watched:
    """Return a client that dies at a statement."""

    def die(number: int) -> None:
        if number >= statement:
            raise Cut

    return Watched(client, die)


@pytest.fixture(autouse=True)
def _empty(warehouse: PreparedWarehouse) -> None:
    """Start empty."""
    warehouse.empty()


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse."""
    return Road(warehouse.place, tmp_path)


def seen_under(
    rules: Sequence[StageRule], warehouse: PreparedWarehouse, road: Road
) -> dict[str, list[Any]]:
    """Read what the views show when all was loaded under these rules, then empty the tables."""
    bring(warehouse.client, rules)
    road.load(HISTORY)
    seen = first_views(warehouse.client)
    warehouse.empty()
    return seen


@pytest.fixture(scope="module")
def expected(
    warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, list[Any]]]:
    """Read what the views show when all was loaded under `COURSE`, and under `OTHER`."""
    road = Road(warehouse.place, tmp_path_factory.mktemp("road"))
    warehouse.empty()
    return [seen_under(rules, warehouse, road) for rules in (COURSE, OTHER)]


def test_rules_changed_between_loads_are_as_if_always_there(
    warehouse: PreparedWarehouse, road: Road, expected: Sequence[dict[str, list[Any]]]
) -> None:
    """Events loaded before and after a change stand under the new rules alone."""
    bring(warehouse.client, COURSE)
    road.load(HISTORY[:1])
    assert bring(warehouse.client, OTHER)
    road.load(HISTORY[1:])
    assert first_views(warehouse.client) == expected[1]
    entries = warehouse.client.query("SELECT stage, person_id FROM stage_entries ORDER BY ALL")
    assert entries.result_rows == [("applied", "kim"), ("joined", "kim"), ("moved", "kim")]


def test_rules_as_they_were_rebuild_nothing(warehouse: PreparedWarehouse) -> None:
    """The same rules in another order are the same rules."""
    bring(warehouse.client, COURSE)
    assert not bring(warehouse.client, tuple(reversed(COURSE)))


def test_no_funnels_leave_no_stages(warehouse: PreparedWarehouse, road: Road) -> None:
    """A plan whose funnels are all gone empties the stages and keeps the events."""
    bring(warehouse.client, COURSE)
    road.load(HISTORY)
    assert bring(warehouse.client, [])
    counts = [
        warehouse.client.query(f"SELECT count() FROM {view}").result_rows
        for view in ("stage_entries", "funnel_weekly", "events")
    ]
    assert counts == [[(0,)], [(0,)], [(5,)]]


@pytest.mark.parametrize("taken_back", [False, True], ids=["again", "taken back"])
def test_a_rebuild_cut_short_is_made_good(
    warehouse: PreparedWarehouse,
    road: Road,
    expected: Sequence[dict[str, list[Any]]],
    *,
    taken_back: bool,
) -> None:
    """Whether the new rules come again at the next start or the old ones, nothing is mixed."""
    cut_short(warehouse, road, expected, taken_back=taken_back, every=11)


@pytest.mark.slow
@pytest.mark.parametrize("taken_back", [False, True], ids=["again", "taken back"])
def test_a_rebuild_cut_short_at_any_statement_is_made_good(
    warehouse: PreparedWarehouse,
    road: Road,
    expected: Sequence[dict[str, list[Any]]],
    *,
    taken_back: bool,
) -> None:
    """The same at each of its statements."""
    cut_short(warehouse, road, expected, taken_back=taken_back, every=1)


def cut_short(
    warehouse: PreparedWarehouse,
    road: Road,
    expected: Sequence[dict[str, list[Any]]],
    *,
    taken_back: bool,
    every: int,
) -> None:
    """Die at every n-th statement of a rebuild, bring a plan again, and compare what views show."""
    plans = (COURSE, OTHER)
    bring(warehouse.client, COURSE)
    road.load(HISTORY)
    statements, now, cut = 0, 0, True
    while cut:
        statements += every
        client = cut_at(warehouse.client, statements)
        with suppress(Cut):
            bring(client, plans[1 - now])  # type: ignore[arg-type]
        cut = client.statements == statements
        now = now if taken_back and cut else 1 - now
        bring(warehouse.client, plans[now])
        assert first_views(warehouse.client) == expected[now], f"cut at statement {statements}"
    assert statements > 8


def test_a_funnel_that_was_not_edited_is_not_rebuilt(
    warehouse: PreparedWarehouse, road: Road
) -> None:
    """Of two funnels the edited one has new entries, the other keeps those that it had."""
    expected = seen_under((*OTHER, *ANOTHER), warehouse, road)
    written = "SELECT * FROM stage_entries_raw FINAL WHERE funnel = 'another' ORDER BY ALL"
    bring(warehouse.client, (*COURSE, *ANOTHER))
    road.load(HISTORY)
    before = warehouse.client.query(written).result_rows
    bring(warehouse.client, (*OTHER, *ANOTHER))
    assert first_views(warehouse.client) == expected
    assert warehouse.client.query(written).result_rows == before != []


@pytest.mark.parametrize("every", [16, pytest.param(1, marks=pytest.mark.slow)])
def test_loads_between_statements_of_a_rebuild(
    warehouse: PreparedWarehouse, road: Road, every: int
) -> None:
    """Whenever an event is loaded while a funnel is rebuilt, it stands in the new states once.

    Until the end views show the plan before, with every event that has come by then.
    """
    road = replace(road, refresh=InTurn("Asia/Seoul"))
    rebuilt = "SELECT person_id FROM stage_entries WHERE stage = 'moved' ORDER BY ALL"
    bring(warehouse.client, COURSE)
    road.load(HISTORY)
    coming = [
        Told(id=number, came=number, name="elsewhere", user=f"u{number:02}")
        for number in range(10, 80)
    ]
    other = [replace(told, id=told.id + 100, name="passed") for told in coming]
    before: list[int] = []
    loads = []

    def load(number: int) -> None:
        if number % every:
            return
        ((passed,),) = warehouse.client.query(
            "SELECT count() FROM stage_entries WHERE stage = 'passed' AND person_id LIKE 'u%'"
        ).result_rows
        before.append(passed)
        loads.append([coming[number - 1], other[number - 1]])
        road.load(loads[-1:])

    client = Watched(warehouse.client, load)
    apply_plan(client, tables(OTHER), road.refresh, lambda *_: None)  # type: ignore[arg-type]
    moved = warehouse.client.query(rebuilt).result_rows
    assert moved == [("kim",), *((load[0].user,) for load in loads)]
    in_force = before.index(0, 1)
    assert before == [*range(in_force), *[0] * (len(before) - in_force)]
    assert in_force * every > 8
    seen = first_views(warehouse.client)
    warehouse.empty()
    road.load([*HISTORY, [told for load in loads for told in load]])
    assert first_views(warehouse.client) == seen


def test_progress_ends_with_all_people(warehouse: PreparedWarehouse, road: Road) -> None:
    """Progress tells of the events first, then of the people until all are done."""
    bring(warehouse.client, COURSE)
    road.load(HISTORY)
    noted: list[tuple[str, int, int]] = []
    plan = tables(OTHER)
    apply_plan(warehouse.client, plan, road.refresh, lambda *note: noted.append(note))
    assert noted == [("events", 0, 1), *(("people", done, 1) for done in range(2))]


@pytest.mark.parametrize(
    ("dropped", "told"),
    [
        ("arrival < (SELECT max(arrival) FROM events_raw)", "received before 2024-08-19 00:00 UTC"),
        ("true", "All events"),
    ],
)
def test_events_dropped(warehouse: PreparedWarehouse, road: Road, dropped: str, told: str) -> None:
    """An edited funnel is refused where events are dropped, by their horizon; views stay."""
    bring(warehouse.client, COURSE)
    road.load(HISTORY)
    warehouse.client.command(f"DELETE FROM events_raw WHERE {dropped}")
    before = first_views(warehouse.client)
    with pytest.raises(
        WarehouseError, match=f"{told}.* are dropped.*name an archive that holds them"
    ):
        bring(warehouse.client, OTHER)
    assert first_views(warehouse.client) == before
    assert len(before["stage_entries"]) == 4


def test_goals_need_no_events(warehouse: PreparedWarehouse, road: Road) -> None:
    """Where events are dropped, what rebuilds nothing still comes into force."""
    target = ("course", "camp", "", "", "entries", "", "passed", "week", "target", "at_least", 5.0)
    bring(warehouse.client, COURSE)
    road.load(HISTORY)
    warehouse.client.command("TRUNCATE TABLE events_raw")
    assert bring(warehouse.client, COURSE, targets=[(*target, date(2024, 1, 1))])
    assert warehouse.client.query("SELECT stage, value FROM targets").result_rows == [("passed", 5)]
