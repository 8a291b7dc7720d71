"""What analysts and their tools ask is taken, and answered."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.console.statements.judge import Readable, judge
from funnelhouse.sql.client import DATABASE, connect
from tests.conftest import PreparedWarehouse
from tests.console.legitimate import ANALYSTS, TOOLS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SELECTS = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
PARAMETERS = {"day": "2024-01-01", "name": "it\\'s", "names": "['it\\'s', 'b']", "column": "source"}


@pytest.fixture(scope="module")
def reader(warehouse: PreparedWarehouse) -> Iterator[Client]:
    """Give a connection that can only read."""
    client = connect(warehouse.place, readonly=True)
    yield client
    client.close()


@pytest.mark.parametrize("written", [*ANALYSTS, *TOOLS])
def test_what_analysts_and_tools_send_is_answered(reader: Client, written: str) -> None:
    """The statement passes, and what passed is run by the engine without a fault."""
    statement = judge(reader, written, Readable(DATABASE, ()), PARAMETERS)
    fmt = None if statement.fmt else "JSON"
    reader.raw_query(statement.text, dict(statement.parameters), fmt=fmt)


def test_every_view_and_every_select_of_the_readme_is_taken(reader: Client) -> None:
    """Those with parameters too, in their short and in their full name."""
    rows = reader.query(
        "SELECT name, mapKeys(CAST(parameterized_view_parameters, 'Map(String, String)'))"
        " FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    ).result_rows
    readable = Readable(DATABASE, {name for name, parameters in rows if parameters})
    assert len(readable.views) > 5
    for name, parameters in rows:
        given = ", ".join(f"{parameter} = '1'" for parameter in parameters)
        source = f"{name}({given})" if given else name
        judge(reader, f"SELECT * FROM {source}", readable)
        judge(reader, f"SELECT count() FROM {DATABASE}.{source} AS v WHERE 1", readable)
    for select in SELECTS:
        judge(reader, select.strip(), readable)
