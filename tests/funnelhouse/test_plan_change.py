"""A change of plan in this process, begun and told of as the command line does it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from funnelhouse.plan import plan_change
from funnelhouse.plan.plan_change import PlanChange
from funnelhouse.settings import Settings
from funnelhouse.sql.refresh import Refresh
from tests.conftest import PreparedWarehouse

SHIPPED = Path(__file__).parents[2] / "schemas"
SCHEMA = "events/application/withdrawn/1-0-0.json"
FUNNEL = """funnel: leaving
title: Leaving
title_ko: 이탈
product: nbcamp
version: 1
valid_from: 2024-01-01
stages:
  - {stage: withdrawn, label_ko: 철회, event: withdrawn}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Give the folder of a small plan."""
    (tmp_path / SCHEMA).parent.mkdir(parents=True)
    shutil.copy(SHIPPED / SCHEMA, tmp_path / SCHEMA)
    (tmp_path / "funnels").mkdir()
    (tmp_path / "funnels/leaving.yaml").write_text(FUNNEL, encoding="utf-8")
    return tmp_path


@pytest.fixture
def changing(warehouse: PreparedWarehouse, plan: Path) -> Iterator[Callable[..., PlanChange]]:
    """Give a way to change the warehouse's plan, which is the shipped one again afterwards."""
    settings = Settings(data=warehouse.settings.data, plan=plan)
    changes: list[PlanChange] = []

    def change(refresh: Refresh | None = None) -> PlanChange:
        changes.append(PlanChange(settings, refresh or warehouse.refresh))
        return changes[-1]

    yield change
    for each in changes:
        each.stop()
    warehouse.prepare()


def ended(change: PlanChange, warehouse: PreparedWarehouse) -> dict[str, Any]:
    """Return what is told once the change has ended."""
    while (told := change.progress(warehouse.client))["what"]:
        pass
    return told


def funnels(warehouse: PreparedWarehouse) -> list[str]:
    """Name the funnels that views read."""
    rows = warehouse.client.query("SELECT DISTINCT funnel FROM funnels ORDER BY ALL").result_rows
    return [name for (name,) in rows]


@contextmanager
def held(refresh: Refresh) -> Iterator[Callable[[], None]]:
    """Hold a refresh's turn, as a load does, until the end or until the yielded call."""
    taken, done = Event(), Event()

    def hold() -> None:
        with refresh.turn:
            taken.set()
            done.wait()

    thread = Thread(target=hold)
    thread.start()
    taken.wait()
    try:
        yield done.set
    finally:
        done.set()
        thread.join()


@pytest.fixture
def refresh() -> Refresh:
    """Give a refresh of the test's own, whose turn it may hold."""
    return Refresh("Asia/Seoul")


def test_into_force(warehouse: PreparedWarehouse, changing: Callable[..., PlanChange]) -> None:
    """A plan that is not in force comes into it, and told once more it is in force already."""
    change = changing()
    told = []
    for _ in range(2):
        change.begin()
        told.append(ended(change, warehouse))
    assert [(one["changed"], one["error"]) for one in told] == [(True, ""), (False, "")]
    assert told[1]["since"].endswith(" UTC")
    assert funnels(warehouse) == ["leaving"]


def test_one_at_a_time(
    warehouse: PreparedWarehouse, changing: Callable[..., PlanChange], refresh: Refresh
) -> None:
    """While one change waits for a load, another is refused, and views read the plan before."""
    change = changing(refresh)
    with held(refresh):
        change.begin()
        with pytest.raises(ValueError, match="into force already; see `funnelhouse status`"):
            change.begin()
        assert change.progress(warehouse.client)["what"]
        assert "leaving" not in funnels(warehouse)
    assert ended(change, warehouse)["changed"]
    assert funnels(warehouse) == ["leaving"]


def test_stopped(
    warehouse: PreparedWarehouse,
    changing: Callable[..., PlanChange],
    refresh: Refresh,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A change stopped on its way leaves the plan before, and the next one makes it good."""
    change = changing(refresh)
    with held(refresh) as let_go:
        monkeypatch.setattr(plan_change, "stop_growing", lambda _client: let_go())
        change.begin()
        change.stop()
    assert "stopped" in ended(change, warehouse)["error"]
    assert "leaving" not in funnels(warehouse)
    again = changing()
    again.begin()
    assert ended(again, warehouse)["changed"]
    assert funnels(warehouse) == ["leaving"]


def test_faulty_file(
    warehouse: PreparedWarehouse, changing: Callable[..., PlanChange], plan: Path
) -> None:
    """A plan with faults is told with file, line and mend, and the plan before stays in force."""
    before = funnels(warehouse)
    (plan / "funnels/leaving.yaml").write_text(FUNNEL.replace("title:", "titel:"), encoding="utf-8")
    change = changing()
    change.begin()
    told = ended(change, warehouse)
    assert 'funnels/leaving.yaml:2: the key "titel" is unknown; write "title"' in told["error"]
    assert not told["changed"]
    assert funnels(warehouse) == before


def test_another_folder(changing: Callable[..., PlanChange], plan: Path) -> None:
    """Asked to apply a folder that is not its own, it refuses and names its own."""
    with pytest.raises(ValueError, match=f"works by the plan in {plan}, not by {SHIPPED}"):
        changing().begin(str(SHIPPED))
