"""Test runs are seen by nothing but what shows runs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from funnelhouse.sql.builds import apply_plan
from tests.conftest import PreparedWarehouse
from tests.sql.crowd import RULES
from tests.sql.history import Road, Told
from tests.sql.tale import cases, plan, views

SHOW_RUNS = {"runs", "run_events", "ledger_minutely", "duplicate_events"}
"""Views that tell of runs: which there are, what they received, that all received is accounted."""


SOME = (
    *SHOW_RUNS,
    *("events", "people", "stage_hits", "stage_entries", "sessions"),
    *("funnel_weekly", "funnel_ordered", "message_results", "spend_weekly", "attribution"),
    *("experiment_units", "experiment_outcomes", "traffic_sources", "targets_weekly"),
)
"""Views of the ordinary run: those of people, sessions and stages, and a report of each kind."""


def of_a_run(told: Told) -> Told:
    """Tell the same of a run: another event, a day's half later, of the same people."""
    return replace(told, id=told.id + 5_000_000, came=told.came + 50_000, run="qa")


@pytest.mark.parametrize(
    "names", [pytest.param(SOME, id="some"), pytest.param((), id="all", marks=pytest.mark.slow)]
)
def test_a_run_stands_in_no_report(
    warehouse: PreparedWarehouse, tmp_path: Path, names: Sequence[str]
) -> None:
    """Whatever its events tell of people, sessions, stages and money, no other view changes."""
    client = warehouse.client
    warehouse.empty()
    apply_plan(client, plan(RULES), warehouse.refresh, lambda *_: None)
    run = ["qa", datetime(2024, 8, 19, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC), ""]
    client.insert("runs_raw", [run], column_names=["run", "starts_at", "ends_at", "note"])
    loads = cases()
    Road(warehouse.place, tmp_path / "people").load(loads)
    before = views(client, names)
    Road(warehouse.place, tmp_path / "run").load([list(map(of_a_run, load)) for load in loads])
    after = views(client, names)
    changed = {name for name, rows in after.items() if rows != before[name]}
    assert set(names) <= after.keys()
    assert "run_events" in changed
    assert changed <= SHOW_RUNS
