"""What readers see of the owner's tables: the same, and whatever changes within two seconds."""

import time
from collections.abc import Iterator

import pytest

from tests.conftest import PreparedWarehouse
from tests.console.readers.asking import Asked, asked
from tests.sql.history import COURSE, Road, Told, bring

SEEN_S = 2.0
TABLE = """
CREATE TABLE reading (day Date, number UInt64) ENGINE = MergeTree
PARTITION BY day ORDER BY number
"""
_TOTALS = "SELECT count(), sum(number) FROM reading"


@pytest.fixture(scope="module")
def readers(warehouse: PreparedWarehouse) -> Iterator[Asked]:
    """Give readers of the warehouse of this process, one of which has answered."""
    with asked(warehouse.place) as given:
        given.text("SELECT 1")
        yield given


@pytest.fixture
def table(warehouse: PreparedWarehouse) -> Iterator[PreparedWarehouse]:
    """Give a warehouse with a table of two partitions, and a view of it."""
    for name in ("reading", "other"):
        warehouse.client.command(f"DROP TABLE IF EXISTS {name} SYNC")
    warehouse.client.command(TABLE)
    warehouse.client.command(TABLE.replace("reading", "other"))
    warehouse.client.command(
        "INSERT INTO reading SELECT toDate('2024-01-01') + number % 2, number FROM numbers(10)"
    )
    warehouse.client.command("INSERT INTO other VALUES ('2024-02-01', 1000)")
    yield warehouse
    for name in ("reading", "other", "renamed"):
        warehouse.client.command(f"DROP TABLE IF EXISTS {name} SYNC")


def sees(readers: Asked, statement: str, wanted: str) -> bool:
    """Ask until the answer is as wanted, and say whether it was in time.

    An answer that a process had to be slow for is still judged by when it was asked.
    """
    changed = time.monotonic()
    while True:
        begun = time.monotonic()
        if readers.told(statement) == wanted:
            return True
        if begun - changed > SEEN_S:
            return False


CHANGES = {
    "insert": ("INSERT INTO reading VALUES ('2024-01-01', 100)", _TOTALS, "11\t145"),
    "merge": ("OPTIMIZE TABLE reading FINAL", _TOTALS, "10\t45"),
    "drop partition": ("ALTER TABLE reading DROP PARTITION '2024-01-01'", _TOTALS, "5\t25"),
    "truncate": ("TRUNCATE TABLE reading", _TOTALS, "0\t0"),
    "delete": ("DELETE FROM reading WHERE number < 5", _TOTALS, "5\t35"),
    "mutation": (
        "ALTER TABLE reading DELETE WHERE number < 5 SETTINGS mutations_sync = 2",
        *(_TOTALS, "5\t35"),
    ),
    "column": (
        "ALTER TABLE reading ADD COLUMN twice UInt64 DEFAULT number * 2",
        *("SELECT sum(twice) FROM reading", "90"),
    ),
    "ttl": (
        "ALTER TABLE reading MODIFY TTL day + INTERVAL 1 DAY SETTINGS mutations_sync = 2",
        *(_TOTALS, "0\t0"),
    ),
    "rename": ("RENAME TABLE reading TO renamed", "SELECT count() FROM renamed", "10"),
    "exchange": ("EXCHANGE TABLES reading AND other", _TOTALS, "1\t1000"),
    "new table": ("CREATE TABLE renamed AS reading", "SELECT count() FROM renamed", "0"),
    "moved": (
        "ALTER TABLE reading MOVE PARTITION '2024-01-01' TO TABLE other",
        *("SELECT sum(number) FROM other", "1020"),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen_within_two_seconds(
    table: PreparedWarehouse, readers: Asked, what: str
) -> None:
    """Whatever happens to a table, the next answers are of what it holds then."""
    assert sees(readers, _TOTALS, "10\t45")
    assert readers.text("SELECT sum(number) FROM other") == "1000"
    change, statement, wanted = CHANGES[what]
    table.client.command(change)
    assert sees(readers, statement, wanted)


def test_a_dropped_table_and_a_new_view_are_seen(table: PreparedWarehouse, readers: Asked) -> None:
    """A table that is gone is unknown; a view is there as soon as it is made, or made anew."""
    table.client.command("CREATE OR REPLACE VIEW read_of AS SELECT count() AS n FROM reading")
    assert sees(readers, "SELECT n FROM read_of", "10")
    table.client.command("CREATE OR REPLACE VIEW read_of AS SELECT 2 * count() AS n FROM reading")
    assert sees(readers, "SELECT n FROM read_of", "20")
    table.client.command("DROP VIEW read_of")
    table.client.command("DROP TABLE reading SYNC")
    assert "UNKNOWN_TABLE" in readers.told(_TOTALS)
    assert "UNKNOWN_TABLE" in readers.told("SELECT n FROM read_of")


def test_views_give_the_owners_totals(
    warehouse: PreparedWarehouse, readers: Asked, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every view without parameters has the same rows in a reader as in the owner's process."""
    bring(warehouse.client, COURSE)
    history = [
        Told(id=number, came=number, name="applied", user=f"u{number}") for number in range(1, 9)
    ]
    Road(warehouse.place, tmp_path_factory.mktemp("road")).load([history])
    names = warehouse.client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
        " AND empty(parameterized_view_parameters) ORDER BY name"
    ).result_rows
    counts = " UNION ALL ".join(
        f"SELECT '{name}' AS name, count() AS n FROM {name}" for (name,) in names
    )
    statement = f"SELECT name, n FROM ({counts}) WHERE n > 0 ORDER BY name"
    owners = warehouse.client.query(statement).result_rows
    assert len(owners) > 5
    assert sees(readers, statement, "\n".join(f"{name}\t{n}" for name, n in owners))
