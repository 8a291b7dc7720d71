"""The scenario of the views: none is left out."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from bench.scenarios.views import _ROWS_OF_EVENTS, _reports
from funnelhouse.sql.upgrade import VIEWS
from tests.conftest import PreparedWarehouse


def test_every_view_is_asked(warehouse: PreparedWarehouse) -> None:
    """Each view but those of single events stands in the scenario once, as a SELECT that is one."""
    asked = dict(_reports())
    assert sorted(asked) == sorted(Path(view).name for view in set(VIEWS) - set(_ROWS_OF_EVENTS))
    for statement in asked.values():
        warehouse.client.query("SELECT formatQuery({q:String})", parameters={"q": statement})


@pytest.mark.slow
def test_every_view_is_measured_over_a_crowd(tmp_path: Path) -> None:
    """A small crowd is filled in, and time, rows and memory of each view are told."""
    figures = tmp_path / "figures.json"
    subprocess.run(
        [
            *(sys.executable, "-m", "bench", "views"),
            *("--events", "5000", "--repeat", "1", "--folder", tmp_path, "--json", figures),
        ],
        check=True,
        capture_output=True,
    )
    told = orjson.loads(figures.read_bytes())["figures"]
    measured = {(one["contender"], one["quantity"]): one["values"] for one in told}
    for view in set(VIEWS) - set(_ROWS_OF_EVENTS):
        for quantity in ("time", "rows read", "memory"):
            assert len(measured[Path(view).name, quantity]) == 1
