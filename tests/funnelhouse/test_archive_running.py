"""Archives of a product at work, and the move from the embedded engine to a server."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import orjson
import pyarrow.parquet as pq
import pytest

from funnelhouse.archive.export import export
from funnelhouse.archive.loading import read_archive
from funnelhouse.archive.manifest import Manifest
from funnelhouse.command_line.warehouse_access import open_warehouse
from funnelhouse.settings import Settings
from funnelhouse.sql.client import WarehouseError
from tests.conftest import WRITE_KEYS, RunningProduct, free_port, running_product
from tests.faults.test_outage import stand_in
from tests.funnelhouse.conftest import CommandLine

VIEWS = ("events", "stage_entries", "sessions", "people", "funnel_weekly", "ledger_minutely")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
Taken = tuple[Path, dict[str, datetime]]
"""An archive, and when each event that was sent meanwhile was answered."""

KEPT = "SELECT name FROM system.tables WHERE startsWith(name, 'export_')"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """Run a product of its own, which keeps rejected events for thirty days."""
    folder = tmp_path_factory.mktemp("archived") / "data"
    with running_product(folder, WRITE_KEYS, retention_rejected_days=30) as running:
        yield running


def send(product: RunningProduct, count: int, mark: str) -> dict[str, datetime]:
    """Send some steps of applicants through the collector; says when each was answered."""
    names = ("Page Viewed", "First Application Submitted", "Document Passed")
    calls = [
        {
            "type": "track",
            "event": names[number % 3],
            "messageId": str(uuid4()),
            "userId": f"{mark}-{number // 3}",
            "properties": {"product": "nbcamp", "track": "kotlin"},
        }
        for number in range(count)
    ]
    answer = product.post(
        "/v1/batch", {"batch": calls}, auth=("dev", ""), headers={"user-agent": FIREFOX}
    )
    assert answer.status_code == 200
    answered = datetime.now(UTC)
    return {str(call["messageId"]): answered for call in calls}


def wait_loaded(product: RunningProduct, mark: str, count: int) -> None:
    """Return when so many events of such people are loaded."""
    asked = f"SELECT count() AS n FROM events WHERE user_id LIKE '{mark}%'"
    product.wait_visible(lambda: int(product.sql(asked)[0]["n"]) >= count)


def event_ids(archive: Path, manifest: Manifest) -> dict[str, Any]:
    """Read when each event of an archive was received."""
    found = {}
    for file in manifest.files:
        if file.table == "events_raw":
            rows = pq.read_table(archive / file.path, columns=["event_id", "received_at"])
            found |= {str(row["event_id"]): row["received_at"] for row in rows.to_pylist()}
    return found


@pytest.fixture(scope="module")
def taken(product: RunningProduct, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """Export by the command line while a sender goes on."""
    into = tmp_path_factory.mktemp("exports") / "busy"
    answered = send(product, 30, "early")
    stop = Event()

    def go_on() -> None:
        number = 0
        while not stop.wait(0.02):
            answered.update(send(product, 3, f"busy{number}"))
            number += 1

    sender = Thread(target=go_on)
    sender.start()
    try:
        wait_loaded(product, "busy", 3)
        CommandLine(product.settings).out("export", str(into))
    finally:
        stop.set()
        sender.join()
    return into, answered


def test_an_export_beside_arrivals_has_a_horizon(product: RunningProduct, taken: Taken) -> None:
    """All answered before the horizon is in the archive, and its tables are of one moment."""
    folder, answered = taken
    manifest = read_archive(folder, lambda *_: None)
    archived = event_ids(folder, manifest)
    horizon = manifest.header.complete_until
    early = {event for event, moment in answered.items() if moment < horizon}
    assert len(answered) > len(archived) >= len(early) > 30
    assert early <= archived.keys()
    counts = {
        table: sum(file.rows for file in manifest.files if file.table == table)
        for table in ("events_raw", "arrivals")
    }
    assert counts["events_raw"] == counts["arrivals"] == len(archived)
    received = [
        sum(pq.read_table(folder / file.path)["events"].to_pylist())
        for file in manifest.files
        if file.table == "received_raw"
    ]
    assert sum(received) == counts["events_raw"]
    assert product.sql(KEPT) == []


def test_from_embedded_to_server(product: RunningProduct, taken: Taken, tmp_path: Path) -> None:
    """What an embedded warehouse held, a server holds after an import: every view's numbers."""
    assert taken
    send(product, 9, "last")
    wait_loaded(product, "last", 9)
    asked = "SELECT * FROM {} ORDER BY ALL"
    into = tmp_path / "archive"
    CommandLine(product.settings).out("export", str(into))
    before = {view: product.sql(asked.format(view)) for view in VIEWS}
    port = free_port()
    settings = Settings(data=tmp_path / "other", warehouse=f"http://127.0.0.1:{port}/house")
    with stand_in(tmp_path / "server", port):
        line = CommandLine(settings)
        back = tmp_path / "back"
        _, told, *answers, _ = line.outs(
            ("migrate",),
            ("import", "archive", str(into)),
            *(("sql", asked.format(view), "--format", "json") for view in VIEWS),
            # A server's warehouse is archived by the same command.
            ("export", str(back)),
        )
    after = {
        view: [orjson.loads(row) for row in answer.splitlines()]
        for view, answer in zip(VIEWS, answers, strict=True)
    }
    assert "everybody is refreshed" in told
    assert after == before
    assert len(before["stage_entries"]) > 15
    ids = event_ids(into, read_archive(into, lambda *_: None))
    assert event_ids(back, read_archive(back, lambda *_: None)) == ids


def test_one_export_at_a_time(product: RunningProduct, tmp_path: Path) -> None:
    """A second export takes the place of one under way, which says so and can be begun again."""
    with open_warehouse(product.settings) as access:
        begun = False

        def begin_another(_done: int, told: str) -> None:
            nonlocal begun
            if "rejected_raw" in told and not begun:
                begun = True
                access.job("archive_take", "another")

        with pytest.raises((WarehouseError, ValueError), match="another export began"):
            export(access, tmp_path / "first", begin_another)
        export(access, tmp_path / "first", lambda *_: None)
    assert (tmp_path / "first" / "manifest.json").exists()


def test_forgetting_ends_an_export(product: RunningProduct, tmp_path: Path) -> None:
    """Nobody forgotten stays in what the warehouse keeps for an export."""
    with open_warehouse(product.settings) as access:
        access.job("archive_take", "of_now")
        assert product.sql(KEPT)
        access.job("forget", "early-1")
        assert product.sql(KEPT) == []
        manifest = export(access, tmp_path / "since", lambda *_: None)
    tables = [
        pq.read_table(tmp_path / "since" / file.path)
        for file in manifest.files
        if file.table == "events_raw"
    ]
    users = {user for table in tables for user in table["user_id"].to_pylist()}
    assert "early-2" in users
    assert "early-1" not in users


def test_settings_of_retention_hold_from_the_start(product: RunningProduct) -> None:
    """The running product's tables drop rows as its settings say."""
    asked = "SELECT name FROM system.tables WHERE create_table_query LIKE '% TTL %'"
    assert product.sql(asked) == [{"name": "rejected_raw"}]
