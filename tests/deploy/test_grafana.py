"""The Grafana dashboards ask for metrics and views that are there, and their queries run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PreparedWarehouse

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
CHOSEN = {"funnel": "bootcamp_short", "track": "kotlin"}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every panel with the names of its board and its own."""
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            yield f"{name}: {panel['title']}", panel


def statements() -> Iterator[tuple[str, str]]:
    """Give every SQL of panels and variables, with the variables' values put in."""
    for name, panel in panels():
        yield from ((name, target["rawSql"]) for target in panel["targets"] if "rawSql" in target)
    for name, board in BOARDS.items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{name}: ${variable['name']}", variable["query"]


def test_there_are_the_three_boards() -> None:
    """Pipeline health, funnel and targets, coverage; each with an address of its own."""
    assert set(BOARDS) == {"coverage", "funnel", "health"}
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap_and_have_numbers_of_their_own(name: str) -> None:
    """Each panel has cells of the grid of 24 columns for itself."""
    found = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in found)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("name", BOARDS)
def test_every_source_of_a_panel_is_a_variable_of_its_board(name: str) -> None:
    """Whoever imports a board chooses its sources; none is written in."""
    board = BOARDS[name]
    kinds = {
        f"${{{variable['name']}}}": variable["query"]
        for variable in board["templating"]["list"]
        if variable["type"] == "datasource"
    }
    sources = [panel["datasource"] for panel in board["panels"]]
    sources += [target["datasource"] for panel in board["panels"] for target in panel["targets"]]
    assert all(kinds[source["uid"]] == source["type"] for source in sources)


@pytest.mark.parametrize(("name", "statement"), list(statements()), ids=lambda value: value[:40])
def test_every_query_runs(name: str, statement: str, warehouse: PreparedWarehouse) -> None:
    """The engine answers each statement over the product's own views."""
    for variable, value in CHOSEN.items():
        statement = statement.replace(f"${{{variable}}}", value)
    assert "$" not in statement, name
    warehouse.client.query(statement)


def test_every_metric_is_exposed(product: Any) -> None:
    """Each metric of a panel stands in /metrics of a running product."""
    product.wait_visible(lambda: "funnelhouse_loader_lag" in product.client.get("/metrics").text)
    asked = " ".join(t.get("expr", "") for _, panel in panels() for t in panel["targets"])
    named = set(re.findall(r"funnelhouse_\w+", asked))
    told = product.client.get("/metrics").text
    exposed = set(re.findall(r"^# TYPE (\w+)", told, re.MULTILINE))
    exposed |= {
        f"{name}_bucket" for name in re.findall(r"^# TYPE (\w+) histogram", told, re.MULTILINE)
    }
    assert named
    assert named <= exposed


def test_the_sources_are_of_the_kinds_that_boards_want() -> None:
    """The file of data sources names one of each kind that some board asks for."""
    sources = yaml.safe_load((FOLDER / "datasources.yaml").read_text())["datasources"]
    wanted = {
        v["query"]
        for board in BOARDS.values()
        for v in board["templating"]["list"]
        if v["type"] == "datasource"
    }
    assert {source["type"] for source in sources} == wanted
