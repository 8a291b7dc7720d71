"""Each case file tells a tiny history and what the views make of it."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from clickhouse_connect.driver.client import Client

from funnelhouse.jobs import JOBS
from tests.conftest import PreparedWarehouse
from tests.sql.history import (
    ARRANGEMENTS,
    COURSE,
    Road,
    Told,
    all_views,
    bring,
    optimize_all,
    spend_rows,
)

CASES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
}


@pytest.fixture(autouse=True, scope="module")
def _course(warehouse: PreparedWarehouse) -> None:
    """Let the funnel `course` be the only one."""
    warehouse.empty()
    bring(warehouse.client, COURSE)


def load(warehouse: PreparedWarehouse, folder: Path, case: str, arrangement: str) -> None:
    """Empty the warehouse, import a case's spend and load its history."""
    told = CASES[case]
    warehouse.empty()
    for rows in told.get("spend", ()):
        JOBS["spend"](warehouse.client, spend_rows(rows))
    loads = [[Told(**event) for event in history] for history in told["loads"]]
    Road(warehouse.place, folder).load(ARRANGEMENTS[arrangement](loads))


def shown(client: Client, view: str, wanted: dict[str, Any]) -> list[list[Any]]:
    """Read a view's columns of interest as JSON values, sorted."""
    columns = ", ".join(f"{column} AS c{n}" for n, column in enumerate(wanted["columns"]))
    where = wanted.get("where", "true")
    text = client.raw_query(
        f"SELECT {columns} FROM {view} WHERE {where} ORDER BY ALL",
        fmt="JSONCompactEachRow",
        settings={"output_format_json_quote_64bit_integers": 0},
    )
    return [orjson.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("case", CASES)
def test_views_show_what_the_case_expects(
    warehouse: PreparedWarehouse, tmp_path: Path, case: str, arrangement: str
) -> None:
    """However the history is cut into loads, each view shows the rows that the case names."""
    load(warehouse, tmp_path, case, arrangement)
    found = {
        view: shown(warehouse.client, view, wanted)
        for view, wanted in CASES[case]["expect"].items()
    }
    assert found == {view: wanted["rows"] for view, wanted in CASES[case]["expect"].items()}


@pytest.mark.parametrize("case", CASES)
def test_merging_changes_no_view(warehouse: PreparedWarehouse, tmp_path: Path, case: str) -> None:
    """Every view shows the same before and after the engine has merged all copies it can."""
    load(warehouse, tmp_path, case, "an event a load, the last first")
    before = all_views(warehouse.client)
    optimize_all(warehouse.client)
    assert all_views(warehouse.client) == before
    assert before["events"]
