"""What the README says is run: its example, its first event, its SELECTs; and its lists hold."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from funnelhouse.command_line.options import settings_table
from funnelhouse.ingest.validation.rejection import Reason
from tests.conftest import RunningProduct, running_product

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SELECTS = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
BIN = Path(sys.executable).parent
NOT_IN_THE_EXAMPLE = ("rejected_events", "message_results", "guide_conversion")
"""Views of what nobody does in the demo's story."""


def section(name: str) -> str:
    """The fenced block between two marker comments."""
    marked = README.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    return marked.split("```")[1].split("\n", 1)[1]


def run(*command: str, **environment: str) -> str:
    """Standard output of a command that ends well, run from the repository."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Run the demo once: what it printed, and the data folder that it left."""
    data = tmp_path_factory.mktemp("demo")
    printed = run(str(BIN / "funnelhouse"), "demo", FUNNELHOUSE_DATA=str(data))
    return printed, str(data / "demo")


@pytest.fixture(scope="module")
def house(demo: tuple[str, str]) -> Iterator[RunningProduct]:
    """Run the product over what the demo left."""
    with running_product(Path(demo[1]), "dev:web") as running:
        yield running


def test_the_demo_prints_the_table_of_the_readme(demo: tuple[str, str]) -> None:
    """`funnelhouse demo` prints the weekly table to the letter."""
    assert section("demo") in demo[0]


@pytest.mark.parametrize("statement", SELECTS, ids=range(len(SELECTS)))
def test_every_select_answers(house: RunningProduct, statement: str) -> None:
    """Each SELECT of the README runs as it stands, and finds rows where the example has any."""
    rows = house.sql(statement.strip().rstrip(";"))
    assert bool(rows) == (not any(view in statement for view in NOT_IN_THE_EXAMPLE))


def test_the_first_select_gives_the_weekly_figures(house: RunningProduct) -> None:
    """Entries and conversions of the document pass are the sheet's, week by week."""
    command = (str(BIN / "funnelhouse"), "sql", SELECTS[0], "--format", "json")
    rows = [
        json.loads(line) for line in run(*command, **house.settings.as_environment()).splitlines()
    ]
    passed = [(row["week"], row["entries"], row["percent"]) for row in rows]
    for week in (("2024-07-29", 65, 57.52), ("2024-08-05", 30, 73.17), ("2024-08-12", 12, 100)):
        assert week in [(day, int(count), share) for day, count, share in passed]


def test_the_ledger_of_the_demo_adds_up(house: RunningProduct) -> None:
    """Nothing of the example is unaccounted, doubled or rejected."""
    (sums,) = house.sql(SELECTS[-1].strip().rstrip(";"))
    assert [int(value) for value in sums.values()] == [2862, 2862, 0, 0, 0]


def test_the_first_event_by_curl_stands_in_events(product: Any) -> None:
    """The curl command answers success, and the query below it shows the event."""
    block = section("first event").replace("http://127.0.0.1:8080", product.url)
    curl, query = block.split("\n.venv/bin/funnelhouse ")
    assert json.loads(run("sh", "-c", curl)) == {"success": True}
    product.wait_visible(
        lambda: product.sql("SELECT 1 FROM events WHERE anonymous_id = 'visitor-1'") != []
    )
    shown = run("sh", "-c", f"{BIN}/funnelhouse {query}", **product.settings.as_environment())
    assert "cta_clicked" in shown
    assert "visitor-1" in shown


def test_the_plan_check_of_the_readme_finds_no_fault() -> None:
    """The command that the README gives for checking a plan passes on the shipped one."""
    run(str(BIN / "funnelhouse"), "plan", "check", "schemas")


def test_every_setting_stands_in_the_readme() -> None:
    """The table of settings is the one that the settings themselves give."""
    table = README.split("<!-- settings -->")[1].split("<!-- /settings -->")[0]
    assert table.strip() == settings_table()


def test_every_reason_stands_in_the_readme() -> None:
    """The closed set of rejection reasons is listed whole."""
    listed = README.split("Reasons of rejected events: ")[1].split("\n")[0]
    assert re.findall(r"`([a-z_]+)`", listed) == list(Reason)
