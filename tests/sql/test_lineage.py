"""The models of a refresh: their headers are true, their order follows, and a load runs few."""

import re
from collections.abc import Callable
from dataclasses import replace
from graphlib import CycleError
from pathlib import Path
from typing import Any

import pytest

from funnelhouse.sql.layout import sharding_keys
from funnelhouse.sql.lineage import Model, models, order, plan, scratch_tables, statement
from funnelhouse.sql.refresh import Refresh
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring

WORDS = {"timezone": "Asia/Seoul", "session_timeout_s": 1800, "devices": "devices"}
_READ = re.compile(r"\b(?<!ARRAY )(?:FROM|JOIN) (\w+)\b")
_DEFINED = re.compile(r"^    (\w+) AS$", re.MULTILINE)
_WITHIN = re.compile(r"\$\{(\w+)\}")
_MOST = 12


def read_by(model: Model) -> set[str]:
    """Name the tables that a model's own text reads, by what it says and not by its header."""
    return set(_READ.findall(model.text)) - set(_DEFINED.findall(model.text))


def within(model: Model) -> set[str]:
    """Name the models that stand within a model, at any depth."""
    names = set(_WITHIN.findall(model.text))
    owned = {name.removeprefix("owned_") for name in names} - {"events"}
    found = (names | owned | ({"owned_events"} if owned - names else set())) & set(models())
    return found.union(*(within(models()[name]) for name in found))


@pytest.mark.parametrize("name", sorted(models()))
def test_a_header_names_what_the_text_reads(name: str) -> None:
    """A model reads what its header says and nothing else, with the models that stand within it."""
    model = models()[name]
    if name == "owned_events":
        pytest.skip("its events are those of the model that it stands in")
    parts = [model, *(models()[one] for one in within(model))]
    given = {"devices", "asked_devices"}  # the table that a caller puts in the place of `devices`
    read = set().union(*map(read_by, parts))
    assert (set(model.reads) | set(model.stood)) - given == read - given


@pytest.mark.parametrize("name", [one.name for one in models().values() if one.writes])
def test_a_header_names_what_the_text_writes(name: str) -> None:
    """Where rows go, and by which columns they are told apart, stands on top of each file."""
    model = models()[name]
    assert model.key
    text = statement(model, WORDS)
    assert re.match(rf"(INSERT INTO|CREATE OR REPLACE TEMPORARY TABLE) {model.writes}\b", text)


def test_each_model_finds_what_it_reads() -> None:
    """Whatever is handed on in a temporary table is written before it is read."""
    written = {"batch_events"}
    for model in plan():
        needed = {table for table in model.reads if table in scratch_tables()}
        assert needed <= written, model.name
        written.add(model.writes)


def test_what_is_read_as_it_stood_is_written_after() -> None:
    """A refresh that dies finds the same differences when it is repeated."""
    names = [model.name for model in plan()]
    assert names[-1] == "device_ownership"


def test_headers_that_ask_for_no_order_are_refused() -> None:
    """Two models that each read what the other writes cannot be put in order."""
    one, other = plan()[:2]
    circle = [
        replace(one, reads=("there",), stood=(), writes="here"),
        replace(other, reads=("here",), stood=(), writes="there"),
    ]
    with pytest.raises(CycleError):
        order(circle)


@pytest.mark.parametrize("name", [one.name for one in plan() if one.swaps])
def test_rows_are_swapped_in_by_their_columns(warehouse: PreparedWarehouse, name: str) -> None:
    """A model gives the columns of its table in order, those of the key first."""
    model = models()[name]
    refresh = Refresh("Asia/Seoul")
    nobody: dict[str, Any] = {"version": 1, "builds": []}
    for first in ("batch_events", *(one.name for one in plan() if one.writes in scratch_tables())):
        refresh.run(warehouse.client, first, **nobody)
    made = statement(model, WORDS).partition("\nSELECT")[2].partition("\nSETTINGS optimize")[0]
    described = warehouse.client.query(
        f"DESCRIBE TABLE (SELECT{made})", parameters=nobody
    ).result_rows
    table = model.writes
    stored = warehouse.client.query(f"DESCRIBE TABLE {table}").result_rows
    assert [column for column, *_ in described] == [column for column, *_ in stored]
    keys = warehouse.client.query(
        "SELECT sorting_key FROM system.tables"
        " WHERE database = currentDatabase() AND name = {table:String}",
        parameters={"table": table},
    ).result_rows
    assert keys == [(", ".join(model.key),)]
    assert table in sharding_keys()


class Counting:
    """A client that counts what is sent to the engine."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sent = 0

    def __getattr__(self, name: str) -> Any:
        """Hand on a method, counting its calls."""
        method: Callable[..., Any] = getattr(self._client, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.sent += 1
            return method(*arguments, **options)

        return counted


def test_a_load_takes_few_statements(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """However many funnels there are, a load sends a dozen statements, scratch tables included."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    sent = []

    class Counted(Refresh):
        def load(self, client: Any, events: Any) -> None:
            counting = Counting(client)
            super().load(counting, events)  # type: ignore[arg-type]
            sent.append(counting.sent)

    told = [Told(id=n, came=n, name="applied", user="kim", anonymous="a") for n in (1, 2, 3)]
    Road(warehouse.place, tmp_path, Counted("Asia/Seoul")).load([[one] for one in told])
    assert max(sent[1:]) <= _MOST
