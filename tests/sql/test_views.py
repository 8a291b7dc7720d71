"""Each case file tells a tiny history and what the views make of it."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from clickhouse_connect.driver.client import Client

from funnelhouse.processes.jobs import JOBS
from tests.conftest import PreparedWarehouse
from tests.sql.history import (
    ARRANGEMENTS,
    COURSE,
    IN_THREE,
    ONE_BY_ONE,
    Road,
    Told,
    bring,
    first_views,
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


@pytest.fixture(scope="module")
def loaded(
    request: pytest.FixtureRequest,
    warehouse: PreparedWarehouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """Empty the warehouse, import a case's spend, load its history as arranged; gives its name."""
    case, arrangement = request.param
    told = CASES[case]
    warehouse.empty()
    for rows in told.get("spend", ()):
        JOBS["spend"](warehouse.client, spend_rows(rows))
    loads = [[Told(**event) for event in history] for history in told["loads"]]
    road = Road(warehouse.place, tmp_path_factory.mktemp("road"))
    road.load(ARRANGEMENTS[arrangement](loads))
    return str(case)


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


_IN_ORDER = {"bots", "conversion_past_one", "spend", "week_border"}
"""The cases that the order of loads is least likely to touch."""
_ONE_BY_ONE = {"overtaken_copies"}
"""The case that is told event by event in the ordinary run, too."""


def is_ordinary(case: str, arrangement: str) -> bool:
    """Say whether a case in an arrangement belongs to the ordinary run."""
    if arrangement == IN_THREE:
        return case not in _IN_ORDER
    return arrangement == "one load" or (arrangement == ONE_BY_ONE and case in _ONE_BY_ONE)


def arranged(case: str, arrangement: str, *, ordinary: bool) -> Any:
    """Give a case in an arrangement as a parameter."""
    marks = () if ordinary else pytest.mark.slow
    return pytest.param((case, arrangement), marks=marks, id=f"{case}-{arrangement}")


@pytest.mark.parametrize(
    "loaded",
    [
        arranged(case, one, ordinary=is_ordinary(case, one))
        for case in CASES
        for one in ARRANGEMENTS
    ],
    indirect=True,
)
def test_views_show_what_the_case_expects(warehouse: PreparedWarehouse, loaded: str) -> None:
    """However the history is cut into loads, each view shows the rows that the case names."""
    expected = CASES[loaded]["expect"]
    found = {view: shown(warehouse.client, view, wanted) for view, wanted in expected.items()}
    assert found == {view: wanted["rows"] for view, wanted in expected.items()}


_MERGED = {"aliases", "people_and_groups", "rejected_and_replayed"}
"""Other cases with many copies to merge; all the others belong to the long run."""


@pytest.mark.parametrize(
    "loaded",
    [
        *(arranged(case, IN_THREE, ordinary=True) for case in sorted(_MERGED)),
        *(arranged(case, ONE_BY_ONE, ordinary=case in _ONE_BY_ONE) for case in CASES),
    ],
    indirect=True,
)
def test_merging_changes_no_view(warehouse: PreparedWarehouse, loaded: str) -> None:
    """The views of which all others follow show the same when all copies that can be are merged."""
    before = first_views(warehouse.client)
    optimize_all(warehouse.client)
    assert first_views(warehouse.client) == before, loaded
    assert before["events"]
