"""What verification finds: parts that are damaged or gone, and counts that do not agree."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.processes.verification import Verification
from funnelhouse.settings import Settings
from funnelhouse.sql.parts import Part, lost, parts_of
from funnelhouse.sql.verify import Scope, findings_of_counts, findings_of_parts
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring

ALL = Scope(2**63, {})


@pytest.fixture
def client(warehouse: PreparedWarehouse, tmp_path: Path) -> Client:
    """Give a warehouse with four events, a copy and a rejected one."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    events = [Told(id=one, came=one, name="applied", user=f"u{one}") for one in range(1, 5)]
    copy = Told(id=1, came=9, name="applied", user="u1")
    rejected = Told(id=6, came=6, name="applied", user="u6", reason="schema")
    Road(warehouse.place, tmp_path).load([[*events, rejected], [copy]])
    return warehouse.client


def test_a_sound_warehouse(client: Client) -> None:
    """Where nothing is wrong nothing is found."""
    assert list(findings_of_parts(client, is_local=True)) == []
    assert list(findings_of_counts(client, ALL)) == []


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("events_raw", "Of 2024-08-19 events_raw holds 0 events, and 4 arrived"),
        ("rejected_raw", "Of 2024-08-19 rejected_raw holds 0 events, and 1 arrived"),
        ("arrivals", "Of 2024-08-19 the ledger accounts for "),
    ],
)
def test_rows_that_are_gone(client: Client, table: str, told: str) -> None:
    """A table that lost its rows is told by the day, with what to do."""
    client.command(f"TRUNCATE TABLE {table}")
    found = list(findings_of_counts(client, ALL))
    assert told in " ".join(found)
    assert all("import" in finding for finding in found)


def test_what_retention_dropped_is_no_fault(client: Client) -> None:
    """Days up to the last one that retention may have touched are not counted; the next one is."""
    client.command("TRUNCATE TABLE events_raw")
    same, before = date(2024, 8, 19), date(2024, 8, 18)
    assert list(findings_of_counts(client, Scope(2**63, {"events": same}))) == []
    assert list(findings_of_counts(client, Scope(2**63, {"events": before}))) != []


def test_a_part_that_is_gone_from_the_disk(client: Client) -> None:
    """A folder that somebody removed is told, whatever table it is of."""
    (part,) = {p for p in parts_of(client) if p.table == "sessions_raw"} or {None}
    assert part is not None
    shutil.move(part.path, f"{part.path.rstrip('/')}.away")
    try:
        (found,) = findings_of_parts(client, is_local=True)
    finally:
        shutil.move(f"{part.path.rstrip('/')}.away", part.path)
    assert found.startswith(f"A part of sessions_raw with {part.rows} rows is gone from the disk;")


def test_a_damaged_part(client: Client) -> None:
    """A changed byte is found by the engine's checksums."""
    client.command("OPTIMIZE TABLE received_raw FINAL")
    (part,) = (p for p in parts_of(client) if p.table == "received_raw")
    data = max(Path(part.path).glob("data.bin"))
    before = data.read_bytes()
    data.write_bytes(before[:20] + bytes([before[20] ^ 1]) + before[21:])
    try:
        found = list(findings_of_parts(client, is_local=True))
    finally:
        data.write_bytes(before)
    assert [finding for finding in found if finding.startswith("Rows of received_raw cannot")]
    assert list(findings_of_parts(client, is_local=True)) == []


def part(first: int, last: int, table: str = "t") -> Part:
    """A part of the blocks from first to last."""
    return Part(table, "all", first, last, 1, "")


@pytest.mark.parametrize(
    ("now", "is_lost"),
    [
        ([part(2, 3)], False),
        ([part(1, 9)], False),
        ([part(2, 2)], True),
        ([part(3, 9)], True),
        ([part(1, 9, "other")], True),
        ([], True),
    ],
)
def test_a_part_is_held_by_what_it_was_merged_into(now: list[Part], *, is_lost: bool) -> None:
    """Blocks that a larger part holds are there; ones that no single part holds are lost."""
    assert bool(lost([part(2, 3)], now, {"t", "other"})) == is_lost


def test_a_table_that_is_gone_loses_no_part() -> None:
    """A table that was dropped on purpose is not missed by its parts."""
    assert lost([part(2, 3)], [], set()) == []


@pytest.fixture
def verification(warehouse: PreparedWarehouse, tmp_path: Path) -> Iterator[Verification]:
    """Give a verification with a run folder of its own."""
    settings = Settings(data=tmp_path / "data")
    settings.run_folder.mkdir(parents=True)
    (tmp_path / "data" / "secret").write_text("s" * 32)
    warehouse.client.command("TRUNCATE TABLE secret_fingerprints")
    yield Verification(settings, warehouse.refresh)
    warehouse.client.command("TRUNCATE TABLE secret_fingerprints")


def test_a_part_that_a_start_misses(client: Client, verification: Verification) -> None:
    """What was there at the last look and is not at the next start is told until it is accepted."""
    verification.opened(client)
    assert verification.verify(client).findings == []
    client.command("TRUNCATE TABLE stage_hits_raw")
    verification.opened(client)
    verification.opened(client)
    (told,) = verification.verify(client).findings
    assert told.startswith("A part of stage_hits_raw with 4 rows is gone")
    assert verification.verify(client, accept=True).findings == []
    verification.opened(client)
    assert verification.verify(client).findings == []


def test_another_secret_and_a_damaged_segment(
    client: Client, verification: Verification, tmp_path: Path
) -> None:
    """Findings of the spool and of the secret stand beside those of the tables."""
    assert verification.verify(client).findings == []
    (tmp_path / "data" / "secret").write_text("t" * 32)
    road = Road(Settings(data=tmp_path / "data").warehouse_place, tmp_path / "data")
    path = road.lay(1, [Told(id=9, came=9, name="applied", user="u9")])
    whole = bytearray(path.read_bytes())
    whole[-200] ^= 1
    path.write_bytes(bytes(whole))
    found = verification.verify(client).findings
    assert any(finding.startswith(f"{path.name} is damaged at byte ") for finding in found)
    assert any(finding.startswith("The secret is not the one") for finding in found)
