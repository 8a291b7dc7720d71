"""What a stranger may ask: statements that read, judged by the engine's own parser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.console.statements.allow_list import is_allowed
from funnelhouse.console.statements.judge import Readable, StatementError, judge
from funnelhouse.sql.client import DATABASE, connect
from tests.conftest import PreparedWarehouse
from tests.console.statements import ALLOWED_TABLE_FUNCTIONS, HOSTILE, of_table_functions

ROOM = Path(__file__).parents[2] / "console" / "statements"
READABLE = Readable(DATABASE, {"coverage_between", "funnel_ordered"})
HARMLESS = (
    "SELECT 1",
    "select count(*) from events",
    "SELECT 1;",
    "(SELECT 1)",
    "SELECT * FROM funnelhouse.events FINAL LIMIT 10 BY source LIMIT 5 OFFSET 1",
    "WITH x AS (SELECT source, count() AS n FROM events GROUP BY 1) SELECT * FROM x WHERE n > 1",
    "SELECT toDate(event_time) AS d, uniqExactIf(user_id, user_id != '') FROM events GROUP BY d",
    "SELECT source FROM events GROUP BY 1 WITH ROLLUP HAVING 1 ORDER BY 1 WITH FILL",
    "SELECT arrayMap(x -> x + 1, [1, 2]), tuple(1, 'a').1, CAST(1 AS Nullable(Float64)), 1::Int8",
    "SELECT sum(number) OVER (PARTITION BY number % 2 ORDER BY 1 ROWS 1 PRECEDING) FROM numbers(9)",
    "SELECT * EXCEPT (payload) REPLACE (lower(source) AS source) FROM events",
    "SELECT COLUMNS('utm_.*') FROM events",
    "SELECT * FROM coverage_between(run = '', since = '2024-01-01', until = '2024-01-02')",
    "SELECT * FROM events ARRAY JOIN [1, 2] AS n",
    "SELECT a.source FROM events AS a ASOF JOIN events AS b USING (source, event_time)",
    "SELECT source IN ('web', 'app'), source IN (SELECT source FROM events), 1 IN [1] FROM events",
    "SELECT event_id FROM events WHERE source IN sources",
    "SELECT quantiles(0.5, 0.9)(zero), sumMapState([1], [zero]), argMaxIf(1, 2, 3) FROM zeros(1)",
    "SELECT 1 UNION DISTINCT SELECT 2 EXCEPT SELECT 3 INTERSECT SELECT 4",
    "SELECT {n:UInt8} + 1",
    "SELECT 'INTO OUTFILE', 'DROP TABLE x; --', `source` FROM events FORMAT JSONEachRow",
    "SELECT 1 FORMAT TSVRaw",
    "SELECT 1 FORMAT Native",
    "SELECT version(), timezone(), currentUser(), currentDatabase()",
    "SELECT name, value, readonly FROM system.settings",
    "SELECT * FROM system.tables WHERE database = 'funnelhouse'",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM INFORMATION_SCHEMA.TABLES",
    "SHOW TABLES",
    "SHOW TABLES FROM funnelhouse LIKE 'fun%'",
    "SHOW DATABASES",
    "SHOW COLUMNS FROM events",
    "SHOW CREATE TABLE events",
    "SHOW CREATE TABLE funnelhouse.events_raw",
    "DESCRIBE TABLE events",
    "DESC events FORMAT JSON",
    "DESCRIBE TABLE (SELECT * FROM coverage_between(run = '', since = '2024', until = '2025'))",
    "EXISTS TABLE events",
    "EXISTS DATABASE other",
    "EXPLAIN SELECT * FROM events",
    "EXPLAIN PIPELINE SELECT 1",
    "EXPLAIN ESTIMATE SELECT * FROM events",
    "EXPLAIN AST SELECT 1",
    "EXPLAIN SYNTAX SELECT 1",
    "SELECT CASE WHEN 1 = 2 THEN 'a' ELSE 'b' END, 1 BETWEEN 0 AND 2, 'a' LIKE '%', NOT 1, -1",
    "SELECT INTERVAL 1 DAY + now(), DATE '2024-01-01', extract(YEAR FROM now()), toMonday(now())",
    "SELECT COUNT(DISTINCT source), Sum(1), LOWER('A'), concat('a', 'b') || 'c' FROM events",
)


@pytest.fixture(scope="module")
def reader(warehouse: PreparedWarehouse) -> Iterator[Client]:
    """Give a connection that can only read."""
    client = connect(warehouse.place, readonly=True)
    yield client
    client.close()


@pytest.mark.parametrize("written", HARMLESS, ids=range(len(HARMLESS)))
def test_what_reads_is_let_through(reader: Client, written: str) -> None:
    """Ordinary statements of analysts and of their tools are run as they are meant."""
    judge(reader, written, READABLE, {"n": "1"})


def test_no_hostile_statement_passes(reader: Client) -> None:
    """Whatever writes, leaves the product's tables, changes settings or stops others is refused."""
    assert len(set(HOSTILE)) >= 500
    passed = [written for written in HOSTILE if not _refused(reader, written)]
    assert passed == []


@pytest.mark.parametrize(
    "all_targets", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["by turns", "all"]
)
def test_no_table_function_reaches_out(reader: Client, *, all_targets: bool) -> None:
    """Of all table functions that the engine lists only those without a source are let through."""
    names = [row[0] for row in reader.query("SELECT name FROM system.table_functions").result_rows]
    assert len(names) > 80
    statements = of_table_functions(names, all_targets=all_targets)
    passed = [written for written in statements if not _refused(reader, written)]
    assert passed == []
    for name in ALLOWED_TABLE_FUNCTIONS & set(names):
        given = {"values": "'a UInt8', 1", "null": "'a UInt8'", "SQLStandardValues": "(1, 2)"}
        judge(reader, f"SELECT * FROM {name}({given.get(name, '1, 2')})", READABLE)


def test_every_function_of_the_engine_is_on_one_list(reader: Client) -> None:
    """A new engine brings new functions, which somebody looks at before they may be asked."""
    lists = {
        kind: {
            line
            for line in (ROOM / f"{kind}_functions.txt").read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")
        }
        for kind in ("allowed", "denied")
    }
    names = {row[0] for row in reader.query("SELECT name FROM system.functions").result_rows}
    assert lists["allowed"] & lists["denied"] == set()
    assert names <= lists["allowed"] | lists["denied"]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("sumIf", True),
        ("uniqExactStateIf", True),
        ("SUM", True),
        ("file", False),
        ("fileIf", False),
        ("sleepEachRow", False),
        ("unheardOf", False),
    ],
)
def test_combinators_are_looked_through(name: str, *, allowed: bool) -> None:
    """An aggregate function is allowed with any combinators, a harmful one never."""
    assert is_allowed(name) == allowed


def test_what_is_judged_is_what_is_run(reader: Client) -> None:
    """The statement comes back in the engine's own writing, with the format that it names."""
    statement = judge(reader, "select  1 /* ; */ format CSV -- x", READABLE)
    assert (statement.text, statement.fmt) == ("SELECT 1\nFORMAT CSV", "CSV")


def _refused(reader: Client, written: str) -> bool:
    try:
        judge(reader, written, READABLE, {"name": "users", "database": "system"})
    except StatementError:
        return True
    return False
