"""A funnel that changes: its stage events end as if the rules had always been so."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rules import StageRule
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, all_views, bring, rule

OTHER = (
    # joined now comes before passed, with a condition, and a new stage stands between
    rule(1, "applied", funnel_version=2),
    rule(2, "joined", funnel_version=2, conditions=[("seat", "gte", ["1"])], lead=True),
    rule(3, "moved", "elsewhere", funnel_version=2),
)
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


class CutShort:
    """A client that dies at its n-th statement, before it is sent."""

    def __init__(self, client: Client, statement: int) -> None:
        self._client = client
        self._left = statement
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        """Hand on a method, counting it if it is one that sends a statement."""
        method = getattr(self._client, name)
        if name not in {"command", "insert", "query"}:
            return method

        def counted(*arguments: Any, **options: Any) -> Any:
            self._left -= 1
            self.cut = self._left <= 0
            if self.cut:
                raise Cut
            return method(*arguments, **options)

        return counted


@pytest.fixture(autouse=True)
def _shipped_again(warehouse: PreparedWarehouse) -> Iterator[None]:
    """Start empty, and leave the shipped funnels behind."""
    warehouse.empty()
    yield
    warehouse.empty()
    warehouse.prepare()


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
    seen = all_views(warehouse.client)
    warehouse.empty()
    return seen


def test_rules_changed_between_loads_are_as_if_always_there(
    warehouse: PreparedWarehouse, road: Road
) -> None:
    """Events loaded before and after a change stand under the new rules alone."""
    expected = seen_under(OTHER, warehouse, road)
    bring(warehouse.client, COURSE)
    road.load(HISTORY[:1])
    assert bring(warehouse.client, OTHER)
    road.load(HISTORY[1:])
    assert all_views(warehouse.client) == expected
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
    seen = all_views(warehouse.client)
    assert seen["stage_entries"] == seen["funnel_weekly"] == []
    assert len(seen["events"]) == 5


@pytest.mark.parametrize("taken_back", [False, True], ids=["again", "taken back"])
def test_a_rebuild_cut_short_at_any_statement_is_made_good(
    warehouse: PreparedWarehouse, road: Road, *, taken_back: bool
) -> None:
    """Whether the new rules come again at the next start or the old ones, nothing is mixed."""
    plans = (COURSE, OTHER)
    expected = [seen_under(rules, warehouse, road) for rules in plans]
    bring(warehouse.client, COURSE)
    road.load(HISTORY)
    statements, now, cut = 0, 0, True
    while cut:
        statements += 1
        client = CutShort(warehouse.client, statements)
        with suppress(Cut):
            bring(client, plans[1 - now])  # type: ignore[arg-type]
        cut = client.cut
        now = now if taken_back and cut else 1 - now
        bring(warehouse.client, plans[now])
        assert all_views(warehouse.client) == expected[now], f"cut at statement {statements}"
    assert statements > 8
