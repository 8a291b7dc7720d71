"""A spool on a disk that is really full: nothing answered is lost, and room mends it."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from funnelhouse.ingest.log.spool import SpoolConfig
from funnelhouse.sql.client import connect
from tests.conftest import PreparedWarehouse, RunningCollector
from tests.faults.dying_loader import load_all
from tests.faults.senders import batch, body_of
from tests.sql.history import Road

_MEGABYTE = 1024 * 1024
_SIZE = SpoolConfig(Path(), 0).reserve_bytes + 8 * _MEGABYTE


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system that leaves a spool a few megabytes beside the reserve."""
    folder = tmp_path / "data"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a file system of its own needs the right to mount, which is not given here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(client: httpx.Client, note: str) -> tuple[set[str], httpx.Response]:
    """Send until the collector takes no more; gives what it answered for, and its refusal."""
    acked: set[str] = set()
    while True:
        ids = batch(200 if not note else 3)
        answer = client.post("/v1/batch", content=body_of(ids, note))
        if answer.status_code != 200:
            return acked, answer
        acked.update(ids)


def ids_of(collector: RunningCollector) -> set[str]:
    """Name the events of the spool."""
    return {_uuid(row["event_id"]) for row in collector.rows()}


def _uuid(raw: bytes) -> str:
    digits = raw.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@pytest.fixture
def collector(
    collector_with: Callable[..., RunningCollector], small_disk: Path
) -> RunningCollector:
    """Start a collector whose data folder is the small disk."""
    return collector_with(data=small_disk, write_keys="dev:web")


@pytest.mark.parametrize("note", ["", "x" * 8000], ids=["small events", "large events"])
def test_a_full_disk_is_503_and_loses_nothing(
    collector: RunningCollector, warehouse: PreparedWarehouse, note: str
) -> None:
    """Full means 503 with Retry-After; all that was answered is loaded from the full disk.

    The loader makes the room itself, and the collector then takes events again.
    """
    acked, refusal = fill(collector.client, note)
    assert refusal.status_code == 503
    assert int(refusal.headers["retry-after"]) > 0
    assert refusal.json()["error"]["reason"] == "spool"
    assert acked <= ids_of(collector)
    warehouse.empty()
    road = Road(warehouse.place, collector.data)
    loader = road.loader(lambda: connect(road.place))
    until = time.monotonic() + 60
    while True:
        # The first segments may still be open; the loader makes room as they are sealed.
        load_all(loader)
        more = batch(3)
        answer = collector.client.post("/v1/batch", content=body_of(more, note))
        if answer.status_code == 200:
            break
        assert time.monotonic() < until, answer.text
    loaded = warehouse.client.query("SELECT toString(event_id) FROM events").result_rows
    assert acked <= {one for (one,) in loaded} | ids_of(collector)
    assert not (road.spool / "damaged").exists()


def test_a_disk_filled_by_others_is_503_until_there_is_room(
    collector: RunningCollector, small_disk: Path
) -> None:
    """When another file takes the last byte the collector refuses, and goes on once it is gone."""
    with (small_disk / "other").open("wb", buffering=0) as other:
        try:
            while True:
                other.write(b"x" * 4096)
        except OSError:
            pass
    acked, refusal = fill(collector.client, "x" * 8000)
    assert refusal.status_code == 503
    assert collector.client.get("/readyz").status_code == 503
    (small_disk / "other").unlink()
    ids = batch(20)
    assert collector.client.post("/v1/batch", content=body_of(ids)).status_code == 200
    assert acked | set(ids) <= ids_of(collector)
