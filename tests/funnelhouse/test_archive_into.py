"""Archives meet warehouses with other events, with some dropped, or under another plan."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from funnelhouse.archive.export import export
from funnelhouse.archive.loading import load_archive, read_archive
from funnelhouse.archive.manifest import ArchiveError, Manifest
from funnelhouse.archive.work import archive_jobs
from funnelhouse.command_line.warehouse_access import Direct
from funnelhouse.sql.refresh import Refresh
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring, first_views, rule

OTHER = (rule(1, "joined", funnel_version=2),)
ARCHIVED = [
    [
        Told(id=1, came=10, name="applied", user="kim", anonymous="d"),
        Told(id=2, came=11, name="page_viewed", anonymous="d"),
        Told(id=3, came=12, name="passed", user="kim"),
        Told(id=4, came=13, name="applied", user="lee", at="2024-08-07 12:00:00"),
        Told(id=4, came=14, name="applied", user="park", at="2024-08-08 12:00:00"),
        Told(id=5, came=15, name="page_viewed", anonymous="e", at="2024-08-06 12:00:00"),
    ],
    [Told(id=6, came=16, name="", call="alias", user="kim", previous="lee")],
]
ALREADY = [
    [
        # an earlier and a later copy of what the archive brings, a login, another alias
        Told(id=3, came=1, name="passed", user="choi", at="2024-08-06 12:00:00"),
        Told(id=1, came=20, name="applied", user="jung"),
        Told(id=7, came=21, name="joined", user="lee", anonymous="e", at="2024-08-09 12:00:00"),
        Told(id=8, came=22, name="", call="alias", user="lee", previous="park"),
    ]
]


@pytest.fixture(autouse=True)
def _course(warehouse: PreparedWarehouse) -> None:
    """Begin with the funnel `course` and nothing else."""
    warehouse.empty()
    bring(warehouse.client, COURSE)


@pytest.fixture
def direct(warehouse: PreparedWarehouse, tmp_path: Path) -> Direct:
    """Reach the warehouse of this process as commands do."""
    refresh = Refresh("Asia/Seoul")
    spool = tmp_path / "spool"
    spool.mkdir()
    return Direct(warehouse.place, archive_jobs(spool, refresh, nullcontext), refresh)


def taken(direct: Direct, folder: Path) -> Manifest:
    """Export the warehouse, several files a table, and read the archive as an import does."""
    export(direct, folder, lambda *_: None, rows_a_file=2)
    return read_archive(folder, lambda *_: None)


def test_into_other_events(warehouse: PreparedWarehouse, direct: Direct, tmp_path: Path) -> None:
    """An archive beside other events, copies and aliases gives what all loads together would."""
    road = Road(warehouse.place, tmp_path)
    road.load(ARCHIVED)
    manifest = taken(direct, tmp_path / "archive")
    warehouse.empty()
    road.load(ALREADY)
    alone = first_views(warehouse.client)
    assert load_archive(direct, tmp_path / "archive", manifest, lambda *_: None) == manifest.rows
    found = first_views(warehouse.client)
    warehouse.empty()
    road.load([*ARCHIVED, *ALREADY])
    together = first_views(warehouse.client)
    assert {view: rows for view, rows in found.items() if rows != together[view]} == {}
    assert {view for view in alone if alone[view] != found[view]} >= {"stage_entries", "sessions"}
    copies = warehouse.client.query("SELECT count() FROM duplicate_events").result_rows
    assert copies == [(3,)]


def test_from_lost_events(warehouse: PreparedWarehouse, direct: Direct, tmp_path: Path) -> None:
    """Where events had been dropped, what was made of them goes along, and reports are the same."""
    Road(warehouse.place, tmp_path).load([*ARCHIVED, *ALREADY])
    warehouse.client.command(
        "DELETE FROM events_raw WHERE event_name IN ('applied', 'page_viewed')"
    )
    before = first_views(warehouse.client)
    manifest = taken(direct, tmp_path / "archive")
    assert manifest.header.lost_until
    warehouse.empty()
    load_archive(direct, tmp_path / "archive", manifest, lambda *_: None)
    after = first_views(warehouse.client)
    assert {view: rows for view, rows in after.items() if rows != before[view]} == {}
    assert len(before["stage_entries"]) > len(before["events"]) - 2


def test_lost_events_want_their_plan(
    warehouse: PreparedWarehouse, direct: Direct, tmp_path: Path
) -> None:
    """An archive of which stages can no longer be made is refused under another plan, unwritten."""
    Road(warehouse.place, tmp_path).load(ARCHIVED)
    warehouse.client.command("DELETE FROM events_raw WHERE event_name = 'applied'")
    manifest = taken(direct, tmp_path / "archive")
    warehouse.empty()
    bring(warehouse.client, OTHER)
    with pytest.raises(ArchiveError, match=r"another plan.*FUNNELHOUSE_PLAN.*import again"):
        load_archive(direct, tmp_path / "archive", manifest, lambda *_: None)
    rows = warehouse.client.query(
        "SELECT count() FROM arrivals UNION ALL SELECT count() FROM archived_files"
    ).result_rows
    assert rows == [(0,), (0,)]


def test_whole_archives_take_any_plan(
    warehouse: PreparedWarehouse, direct: Direct, tmp_path: Path
) -> None:
    """With all events in it, an archive fills the funnels of whatever plan is in force."""
    road = Road(warehouse.place, tmp_path)
    road.load([*ARCHIVED, *ALREADY])
    manifest = taken(direct, tmp_path / "archive")
    warehouse.empty()
    bring(warehouse.client, OTHER)
    load_archive(direct, tmp_path / "archive", manifest, lambda *_: None)
    entries = warehouse.client.query("SELECT stage, person_id FROM stage_entries").result_rows
    assert entries == [("joined", "kim")]


def test_the_ledger_of_an_archive_adds_up(
    warehouse: PreparedWarehouse, direct: Direct, tmp_path: Path
) -> None:
    """What the loader has announced and not landed yet is not in an archive, as its events."""
    Road(warehouse.place, tmp_path).load(ARCHIVED)
    warehouse.client.command(
        "INSERT INTO received_raw SELECT '0000000000000009-a-1.arrow' AS segment, * EXCEPT segment"
        " FROM received_raw"
    )
    manifest = taken(direct, tmp_path / "archive")
    warehouse.empty()
    load_archive(direct, tmp_path / "archive", manifest, lambda *_: None)
    sums = "SELECT sum(received), sum(loaded + duplicate), sum(in_spool) FROM ledger_minutely"
    assert warehouse.client.query(sums).result_rows == [(7, 7, 0)]


def test_no_file_is_large(direct: Direct, warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """Files are cut at minutes, after so many rows, and numbered within their month."""
    months = [
        Told(id=100 + number, came=number * 86_400 * 6, name="applied", user="kim")
        for number in range(12)
    ]
    Road(warehouse.place, tmp_path).load([months])
    files = [file for file in taken(direct, tmp_path / "a").files if file.table == "events_raw"]
    assert [(file.partition, file.rows) for file in files] == [
        ("2024-08", 2),
        ("2024-08", 1),
        ("2024-09", 2),
        ("2024-09", 2),
        ("2024-09", 1),
        ("2024-10", 2),
        ("2024-10", 2),
    ]
    assert [file.path[-13:] for file in files[:3]] == [
        "00001.parquet",
        "00002.parquet",
        "00001.parquet",
    ]
