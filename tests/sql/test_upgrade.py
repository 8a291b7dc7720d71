from collections.abc import Iterator

import pytest

from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.upgrade import migrate, shipped, status
from tests.conftest import PreparedWarehouse

TIMEZONE = "Asia/Seoul"
FIRST = shipped()[0]


def note(warehouse: PreparedWarehouse, name: str, checksum: str) -> None:
    """Note a migration as applied."""
    rows = [[name, checksum]]
    warehouse.client.insert("schema_migrations", rows, column_names=["name", "checksum"])


@pytest.fixture
def notes(warehouse: PreparedWarehouse) -> Iterator[PreparedWarehouse]:
    """Give the warehouse, and set its notes of migrations right again."""
    yield warehouse
    warehouse.client.command("TRUNCATE TABLE schema_migrations")
    for migration in shipped():
        note(warehouse, migration.name, migration.checksum)


def test_numbers_leave_no_gap() -> None:
    """Migrations are numbered from 1 without a gap, so that two never claim one place."""
    numbers = [int(migration.name.split("_")[0]) for migration in shipped()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    ("name", "state"), [(FIRST.name, "changed"), ("9999_of_tomorrow", "unknown")]
)
def test_another_history_is_refused(notes: PreparedWarehouse, name: str, state: str) -> None:
    """A warehouse of an edited or a newer migration is told by its name and left as it is."""
    note(notes, name, "of another text")
    states = {entry.name: entry.state for entry in status(notes.client, shipped())}
    assert states.pop(name) == state
    assert set(states.values()) == {"applied"}
    with pytest.raises(WarehouseError, match=f"{name} .* {state} .* run the version"):
        list(migrate(notes.client, TIMEZONE))


def test_a_death_before_the_note_is_made_good(notes: PreparedWarehouse) -> None:
    """What was applied and never noted is applied again, and harms nothing."""
    notes.client.command("TRUNCATE TABLE schema_migrations")
    names = [migration.name for migration in shipped()]
    assert list(migrate(notes.client, TIMEZONE)) == names
    assert list(migrate(notes.client, TIMEZONE)) == []


def test_every_table_is_durable_and_knows_repeats(warehouse: PreparedWarehouse) -> None:
    """Segments go once an insert is on the disk, and a repeated insert is known in each target."""
    tables = warehouse.client.query(
        "SELECT name, create_table_query FROM system.tables"
        " WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    ).result_rows
    assert len(tables) > 5
    for setting in ("fsync_after_insert = 1", "fsync_part_directory = 1"):
        assert [name for name, text in tables if setting not in text] == []
    window = "non_replicated_deduplication_window = "
    loaded = {"events_raw", "arrivals", "rejected_raw", "received_raw", "stage_events"}
    assert loaded <= {name for name, text in tables if window in text}
