"""Retention drops what was sent, never what reports are made of; rebuilds ask for an archive."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from funnelhouse.archive.earlier import earlier_events
from funnelhouse.archive.export import export
from funnelhouse.archive.manifest import ArchiveError, read_manifest, write_manifest
from funnelhouse.archive.work import archive_jobs
from funnelhouse.command_line.warehouse_access import Direct
from funnelhouse.plan.plan_tables import tables_of
from funnelhouse.schemas.registry import load_plan
from funnelhouse.sql.builds import apply_plan
from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.lost_events import lost_events
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.retention import RETAINED, retain
from funnelhouse.sql.upgrade import shipped
from tests.conftest import PreparedWarehouse
from tests.sql.history import (
    COURSE,
    FIRST_RECEIPT,
    Road,
    Told,
    all_views,
    bring,
    first_views,
    rule,
    tables,
)

NOW_S = time.time() - 3600 - FIRST_RECEIPT.timestamp()
"""What is received so many seconds after the first receipt was received an hour ago."""

OTHER = (
    rule(1, "applied", funnel_version=2),
    rule(2, "joined", funnel_version=2, conditions=[("seat", "gte", ["1"])], lead=True),
)
SHOWN = {"experiment_id": "oopy_guide", "variation_id": "control"}
HISTORY = [
    [
        Told(id=1, came=0, name="applied", user="kim"),
        Told(id=2, came=1, name="joined", user="kim", anonymous="d", properties={"seat": 1}),
        Told(id=3, came=2, name="page_viewed", anonymous="d", session="s"),
        Told(id=1, came=3, name="applied", user="lee", at="2024-08-06 12:00:00"),
        Told(id=4, came=4, name="passed", user="kim"),
        Told(id=5, came=5, name="experiment_viewed", anonymous="d", properties=SHOWN),
        Told(id=6, came=6, name="cta_clicked", anonymous="d", reason="schema"),
        Told(id=7, came=7, name="cta_clicked", anonymous="d", reason="schema"),
        Told(id=10, came=8, name="applied", user="choi"),
    ],
    [
        Told(id=7, came=7, name="cta_clicked", anonymous="d", replayed=True),
        Told(id=8, came=NOW_S, name="applied", user="lee"),
        Told(id=9, came=NOW_S + 1, name="joined", user="lee", properties={"seat": 2}),
    ],
]
RAW = {"events", "rejected_events"}
"""The views that show what was sent itself."""


@pytest.fixture
def house(warehouse: PreparedWarehouse, tmp_path: Path) -> Iterator[PreparedWarehouse]:
    """Give the warehouse with the funnel `course` and the history, and set all right again."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    Road(warehouse.place, tmp_path / "road").load(HISTORY)
    yield warehouse
    retain(warehouse.client, {})


def drop_old(house: PreparedWarehouse, *kinds: str) -> None:
    """Have these kinds of rows kept for thirty days, and the engine merge, as time would."""
    retain(house.client, dict.fromkeys(kinds, 30))
    for kind in kinds:
        house.client.command(f"OPTIMIZE TABLE {RETAINED[kind][0]} FINAL")


def archived(house: PreparedWarehouse, folder: Path, name: str = "archive") -> Path:
    """Write an archive of the warehouse."""
    jobs = archive_jobs(folder / "spool", Refresh("Asia/Seoul"), nullcontext)
    (folder / "spool").mkdir(exist_ok=True)
    direct = Direct(house.place, jobs, Refresh("Asia/Seoul"))
    export(direct, folder / name, lambda *_: None, rows_a_file=2)
    return folder / name


def grown(house: PreparedWarehouse, plan: Any, *archives: Path) -> dict[str, list[Any]]:
    """Bring a plan into force by archives, and read the views that all others follow of."""
    earlier = partial(earlier_events, archives) if archives else None
    refresh = Refresh("Asia/Seoul")
    apply_plan(house.client, plan, refresh, lambda *_: None, earlier)
    return first_views(house.client)


def count(house: PreparedWarehouse, table: str) -> int:
    """Count the rows of a table."""
    return int(house.client.query(f"SELECT count() FROM {table}").result_rows[0][0])


@pytest.mark.parametrize("kind", RETAINED)
def test_settings_set_it_and_take_it_back(warehouse: PreparedWarehouse, kind: str) -> None:
    """A table drops rows after the days of its setting, and none once that is gone."""
    table, moment = RETAINED[kind]

    def definition() -> str:
        return str(warehouse.client.command(f"SHOW CREATE TABLE {table}"))

    bare = definition()
    assert "TTL" not in bare
    for days in (30, 7):
        retain(warehouse.client, {kind: days})
        assert f"TTL {moment} + toIntervalDay({days})\n" in definition().replace("\\n", "\n")
    retain(warehouse.client, {kind: 0})
    assert definition() == bare


def test_reports_outlive_what_was_sent(house: PreparedWarehouse) -> None:
    """With events, rejected ones and coverage's notes gone, every report and the ledger stand."""
    before = all_views(house.client)
    drop_old(house, *RETAINED)
    assert count(house, "events") == 2
    assert count(house, "rejected_events") == 0
    assert count(house, "seen_events") == 2
    after = all_views(house.client)
    changed = {view for view, rows in after.items() if rows != before[view]}
    assert changed == RAW
    assert sum(map(bool, after.values())) > 20


def test_a_late_event_finds_what_came_before(house: PreparedWarehouse, tmp_path: Path) -> None:
    """Who comes again after their events were dropped keeps their stages and sessions."""
    late = [Told(id=11, came=NOW_S + 9, name="withdrawn", user="kim", anonymous="d")]
    drop_old(house, *RETAINED)
    Road(house.place, tmp_path / "late").load([late])
    after = first_views(house.client)
    retain(house.client, {})
    house.empty()
    bring(house.client, COURSE)
    Road(house.place, tmp_path / "again").load([*HISTORY, late])
    whole = first_views(house.client)
    differ = {view for view, rows in after.items() if rows != whole[view]}
    assert differ == RAW


def test_events_lost_between_are_found(house: PreparedWarehouse) -> None:
    """A first event that still stands in an unmerged part hides no later one that is gone."""
    assert lost_events(house.client) is None
    house.client.command("DELETE FROM events_raw WHERE event_name = 'passed'")
    lost = lost_events(house.client)
    assert lost is not None
    assert lost.last == datetime(2024, 8, 19, 0, 0, 4, tzinfo=UTC)
    assert lost.kept_from == datetime(2024, 8, 19, 0, 0, 5, tzinfo=UTC)
    with pytest.raises(WarehouseError, match="before 2024-08-19 00:00 UTC are dropped"):
        grown(house, tables(OTHER))


def test_a_rebuild_reads_the_archive(house: PreparedWarehouse, tmp_path: Path) -> None:
    """A funnel edited after its events were dropped is what it would be had they stayed."""
    archive = archived(house, tmp_path)
    drop_old(house, "events")
    with pytest.raises(WarehouseError, match=r"are dropped.*FUNNELHOUSE_ARCHIVE"):
        grown(house, tables(OTHER))
    from_archive = grown(house, tables(OTHER), archive)
    assert len(from_archive["stage_entries"]) == 5
    house.empty()
    retain(house.client, {})
    bring(house.client, COURSE)
    Road(house.place, tmp_path / "again").load(HISTORY)
    kept = grown(house, tables(OTHER))
    differ = {view for view, rows in from_archive.items() if rows != kept[view]}
    assert differ == {"events"}


def test_an_archive_brings_nobody_back(house: PreparedWarehouse, tmp_path: Path) -> None:
    """Of an archive only events count that the warehouse still knows to have arrived."""
    archive = archived(house, tmp_path)
    drop_old(house, "events")
    of_choi = "event_id = toUUID('00000000-0000-0000-0000-00000000000a')"
    house.client.command(f"DELETE FROM arrivals WHERE {of_choi}")
    grown(house, tables(OTHER), archive)
    people = house.client.query("SELECT DISTINCT person_id FROM stage_entries").result_rows
    assert sorted(people) == [("kim",), ("lee",)]


def test_experiments_read_it_too(house: PreparedWarehouse, tmp_path: Path) -> None:
    """What an experiment looks for is found in the archive, or its begin is refused."""
    archive = archived(house, tmp_path)
    plan = tables_of(load_plan(house.settings.plan))
    plan = replace(plan, rules=tables(COURSE).rules, funnels=tables(COURSE).funnels)
    signals = "SELECT * FROM experiment_signals_raw FINAL ORDER BY ALL"
    drop_old(house, "events")
    with pytest.raises(WarehouseError, match="are dropped"):
        grown(house, plan)
    grown(house, plan, archive)
    found = house.client.query(signals).result_rows
    assert found
    retain(house.client, {})
    house.empty()
    bring(house.client, COURSE)
    Road(house.place, tmp_path / "again").load(HISTORY)
    grown(house, plan)
    assert house.client.query(signals).result_rows == found


def test_archives_that_do_not_reach(house: PreparedWarehouse, tmp_path: Path) -> None:
    """An archive that is too old, has lost events itself or is damaged is refused."""
    archive = archived(house, tmp_path)
    drop_old(house, "events")
    before = first_views(house.client)
    manifest = read_manifest(archive, shipped()[-1].name)
    header = manifest.header
    for poor in (
        msgspec.structs.replace(header, lost_until=FIRST_RECEIPT),
        msgspec.structs.replace(header, complete_until=FIRST_RECEIPT),
    ):
        write_manifest(archive, poor, manifest.files)
        with pytest.raises(
            ArchiveError, match="the last of 2024-08-19 00:00 UTC, stand in no archive"
        ):
            grown(house, tables(OTHER), archive)
    write_manifest(archive, header, manifest.files)
    one = archive / "events_raw" / "2024-08" / "00001.parquet"
    one.write_bytes(b"else")
    with pytest.raises(ArchiveError, match="was changed"):
        grown(house, tables(OTHER), archive)
    assert first_views(house.client) == before


def test_archives_follow_each_other(house: PreparedWarehouse, tmp_path: Path) -> None:
    """Under retention that goes on, archives together hold what none of them holds alone."""
    first = archived(house, tmp_path, "first")
    manifest = read_manifest(first, shipped()[-1].name)
    # The first was taken before the last events of the history came.
    taken = FIRST_RECEIPT + timedelta(days=30)
    early = msgspec.structs.replace(manifest.header, complete_until=taken)
    files = [file for file in manifest.files if file.partition == "2024-08"]
    write_manifest(first, early, files)
    drop_old(house, "events")
    second = archived(house, tmp_path, "second")
    house.client.command("DELETE FROM events_raw WHERE true")
    for poor in ((first,), (second,)):
        with pytest.raises(ArchiveError, match="stand in no archive"):
            grown(house, tables(OTHER), *poor)
    found = grown(house, tables(OTHER), second, first)
    assert len(found["stage_entries"]) == 5
