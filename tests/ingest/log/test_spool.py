import asyncio
import errno
import fcntl
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from funnelhouse.ingest.log.disk import LOCAL_DISK, LocalDisk
from funnelhouse.ingest.log.durability import SpoolFull, SyncFailed
from funnelhouse.ingest.log.recovery import quarantine, recover, sealed
from funnelhouse.ingest.log.segment import Span, encode_opening, read_segment
from funnelhouse.ingest.log.spool import Spool, SpoolConfig
from funnelhouse.ingest.log.writer import SegmentWriter
from tests.ingest.appending import append

FIELDS: dict[str, pa.DataType] = {"event_id": pa.int64(), "text": pa.string()}
SCHEMA = pa.schema(FIELDS)
HOUR_MS = 3_600_000


class FaultyDisk(LocalDisk):
    """Real files, a record of the operations, and faults made to order.

    `faults` maps an operation to the error numbers of its next calls, 0 for none; a write that
    fails has written half.
    """

    def __init__(self, **faults: list[int]) -> None:
        self.faults = faults
        self.done: list[str] = []
        self.open_handles = 0
        self.syncs: list[Callable[[], None]] = []
        self.name_came = asyncio.Event()

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return self.done.count(operation)

    def create(self, path: Path) -> int:
        """Create, unless a fault is due."""
        self._may_fail("create")
        handle = super().create(path)
        self.open_handles += 1
        return handle

    def close(self, handle: int) -> None:
        """Close, and count one handle less."""
        super().close(handle)
        self.open_handles -= 1

    def list(self, folder: Path) -> dict[str, int]:
        """List, unless a fault is due."""
        self._may_fail("list")
        return super().list(folder)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write, or write half and raise the fault that is due."""
        try:
            self._may_fail("write")
        except OSError:
            super().write(handle, data[: len(data) // 2], offset)
            raise
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        """Let the test look, then sync, unless a fault is due."""
        for look in self.syncs:
            look()
        self._may_fail("sync")
        super().sync(handle)

    def sync_folder(self, folder: Path) -> None:
        """Sync a folder, unless a fault is due."""
        self._may_fail("sync_folder")
        super().sync_folder(folder)

    def rename(self, source: Path, target: Path) -> None:
        """Rename, and tell when a segment got its sealed name."""
        super().rename(source, target)
        if target.suffix == ".arrow":
            self.name_came.set()

    def _may_fail(self, operation: str) -> None:
        self.done.append(operation)
        pending = self.faults.get(operation)
        if pending and (number := pending.pop(0)):
            raise OSError(number, os.strerror(number))


@dataclass
class Clock:
    """Seconds since the epoch, moved by hand."""

    now: float = 1_722_000_000.0

    def __call__(self) -> float:
        """Return the time set."""
        return self.now


def config(folder: Path, **changes: float) -> SpoolConfig:
    settings: dict[str, float] = {"max_bytes": 10_000_000, "segment_age_ms": HOUR_MS, **changes}
    return SpoolConfig(folder, **settings)  # type: ignore[arg-type]


def rows_in(folder: Path) -> list[int]:
    """The event ids of all segments, sealed or not, which must be without damage."""
    found: list[int] = []
    for path in sorted([*folder.glob("*.arrow"), *folder.glob("*.open")]):
        segment = read_segment(path.read_bytes(), still_open=path.suffix == ".open")
        assert segment.damaged == []
        for frame in segment.frames:
            found += frame.batch.to_pydict()["event_id"]
    return found


def metadata_in(folder: Path) -> list[dict[str, dict[str, int]]]:
    return [
        orjson.loads(frame.metadata)
        for path in sealed(folder)
        for frame in read_segment(path.read_bytes()).frames
    ]


def suffixes(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir() if path.is_file())


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def batch(*ids: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"event_id": n, "text": "x"} for n in ids], schema=SCHEMA)


@pytest.mark.anyio
async def test_many_appends_share_one_sync(tmp_path: Path) -> None:
    """All requests of one turn of the loop are made durable by one sync, then all answered."""
    disk = FaultyDisk()
    spool = Spool(config(tmp_path), SCHEMA, disk, worker="w0")
    await append(spool, [(0, "opens the segment")], {})
    before = disk.count("sync")
    await asyncio.gather(*(append(spool, [(n, "x")], {}) for n in range(1, 101)))
    assert disk.count("sync") == before + 1
    assert rows_in(tmp_path) == list(range(101))


@pytest.mark.anyio
async def test_nobody_is_answered_before_the_sync(tmp_path: Path) -> None:
    """While any sync of the commit still runs, no request of it has its answer."""
    disk = FaultyDisk()
    spool = Spool(config(tmp_path), SCHEMA, disk, worker="w0")
    answers = [append(spool, [(n, "x")], {}) for n in range(3)]
    seen: list[bool] = []
    disk.syncs.append(lambda: seen.extend(answer.done() for answer in answers))
    await asyncio.gather(*answers)
    assert seen == [False] * 6  # the sync of the opening and that of the frame


@pytest.mark.anyio
async def test_rows_keep_the_order_of_arrival(tmp_path: Path) -> None:
    """Rows stand in the order in which they were appended, within and across commits."""
    spool = Spool(config(tmp_path), SCHEMA, worker="w0")
    first = [append(spool, [(3, None), (1, "x")], {}), append(spool, [(2, "x")], {})]
    await asyncio.gather(*first)
    await append(spool, [(0, "x")], {})
    assert rows_in(tmp_path) == [3, 1, 2, 0]


@pytest.mark.anyio
async def test_received_counts_are_summed_over_a_commit(tmp_path: Path) -> None:
    """A frame's metadata holds the events received by source and minute of all its requests."""
    spool = Spool(config(tmp_path), SCHEMA, worker="w0")
    append(spool, [(1, "x")], {"web|10": 2, "app|10": 1})
    append(spool, [(2, "x")], {"web|10": 3, "web|11": 1})
    await spool.close()
    assert metadata_in(tmp_path) == [{"received": {"web|10": 5, "app|10": 1, "web|11": 1}}]


@pytest.mark.anyio
async def test_a_request_without_rows_still_counts(tmp_path: Path) -> None:
    """What was received is kept even when no row came of it."""
    spool = Spool(config(tmp_path), SCHEMA, worker="w0")
    await append(spool, [], {"web|10": 2})
    await spool.close()
    assert metadata_in(tmp_path) == [{"received": {"web|10": 2}}]


@pytest.mark.anyio
async def test_a_full_commit_does_not_wait(tmp_path: Path) -> None:
    """With commit_events rows gathered, the commit is made at once, and only once."""
    disk = FaultyDisk()
    spool = Spool(config(tmp_path, commit_events=3), SCHEMA, disk, worker="w0")
    first = append(spool, [(1, "x")], {})
    second = append(spool, [(2, "x"), (3, "x")], {})
    assert (first.done(), second.done()) == (True, True)
    syncs = disk.count("sync")
    await asyncio.sleep(0)
    assert disk.count("sync") == syncs


@pytest.mark.anyio
async def test_a_commit_interval_gathers_over_turns_of_the_loop(tmp_path: Path) -> None:
    """With an interval set, a request waits for it, and later ones join its commit."""
    disk = FaultyDisk()
    spool = Spool(config(tmp_path, commit_interval_ms=1), SCHEMA, disk, worker="w0")
    first = append(spool, [(1, "x")], {})
    await asyncio.sleep(0)
    assert not first.done()
    await asyncio.gather(first, append(spool, [(2, "x")], {}))
    assert disk.count("sync") == 2  # the opening and one frame
    assert rows_in(tmp_path) == [1, 2]


@pytest.mark.anyio
async def test_closing_commits_and_seals(tmp_path: Path) -> None:
    """Closing answers those who wait and leaves one sealed segment and nothing else."""
    spool = Spool(config(tmp_path, commit_interval_ms=HOUR_MS), SCHEMA, worker="w0")
    answer = append(spool, [(1, "x")], {})
    await spool.close()
    assert answer.done()
    assert suffixes(tmp_path) == [".arrow"]
    assert read_segment(sealed(tmp_path)[0].read_bytes()).sealed


@pytest.mark.anyio
async def test_a_segment_of_full_size_is_sealed(tmp_path: Path) -> None:
    """A segment that reaches its size is sealed with the commit; the next commit opens another."""
    spool = Spool(config(tmp_path, segment_bytes=1_000), SCHEMA, worker="w0")
    await append(spool, [(1, "x" * 1_000)], {})
    assert suffixes(tmp_path) == [".arrow"]
    await append(spool, [(2, "x")], {})
    assert suffixes(tmp_path) == [".arrow", ".open"]


@pytest.mark.anyio
async def test_an_idle_segment_is_sealed_at_its_age(tmp_path: Path) -> None:
    """An open segment is sealed when old enough, though nothing more is appended."""
    disk = FaultyDisk()
    spool = Spool(config(tmp_path, segment_age_ms=1), SCHEMA, disk, worker="w0")
    await append(spool, [(1, "x")], {})
    await asyncio.wait_for(disk.name_came.wait(), 10)
    assert suffixes(tmp_path) == [".arrow"]


@pytest.mark.anyio
async def test_behind_a_backlog_age_does_not_seal(tmp_path: Path) -> None:
    """While many segments wait, age seals no further ones; once they are gone it does."""
    backlog = [tmp_path / f"1-w1-{n}.arrow" for n in range(101)]
    for path in backlog:
        path.touch()
    disk, clock = FaultyDisk(), Clock()
    settings = config(tmp_path, segment_age_ms=0)
    spool = Spool(settings, SCHEMA, disk, worker="w0", clock=clock)
    await append(spool, [(1, "x")], {})
    for _ in range(10):
        await asyncio.sleep(0)
    assert not disk.name_came.is_set()
    for path in backlog:
        path.unlink()
    clock.now += 1
    await asyncio.wait_for(disk.name_came.wait(), 10)


@pytest.mark.anyio
async def test_rows_that_do_not_fit_fail_alone(tmp_path: Path) -> None:
    """Rows that Arrow cannot take are refused to their own request; the others are durable."""
    spool = Spool(config(tmp_path), SCHEMA, worker="w0")
    good = [append(spool, [(n, "x")], {"web|1": 1}) for n in (1, 2)]
    bad = [
        append(spool, [row], {"web|1": 1})
        for row in [(3, "\ud800"), (2**64, "x"), ("x", "x"), (3, 3), (3,), (3, "x", "y")]
    ]
    results = await asyncio.gather(*good, *bad, return_exceptions=True)
    assert results[:2] == [None, None]
    assert all(isinstance(result, Exception) for result in results[2:])
    await spool.close()
    assert rows_in(tmp_path) == [1, 2]
    assert metadata_in(tmp_path) == [{"received": {"web|1": 2}}]


@pytest.mark.anyio
@pytest.mark.parametrize("room", [True, False])
async def test_every_request_is_told_once(tmp_path: Path, *, room: bool) -> None:
    """Each request of a commit hears of its end once, be its rows kept, unfit or without room."""
    disk = FaultyDisk(create=[0 if room else errno.ENOSPC])
    spool = Spool(config(tmp_path), SCHEMA, disk, worker="w0")
    told: list[tuple[int, type]] = []
    for n, text in enumerate(("x", "\ud800", "y")):
        spool.append([(n, text)], {}, lambda error, n=n: told.append((n, type(error))))
    await spool.close()
    kept = type(None) if room else SpoolFull
    assert sorted(told, key=str) == [(0, kept), (1, UnicodeEncodeError), (2, kept)]


@pytest.mark.anyio
async def test_a_commit_of_unfit_rows_alone_writes_nothing(tmp_path: Path) -> None:
    """When no request of a commit can be stored, no file comes of it."""
    spool = Spool(config(tmp_path), SCHEMA, worker="w0")
    with pytest.raises(UnicodeEncodeError):
        await append(spool, [(1, "\udfff")], {})
    assert suffixes(tmp_path) == []


@pytest.mark.anyio
async def test_an_answer_that_fails_disturbs_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where telling one request raises, the others of its commit are told, and the log says it."""

    def gone(_error: Exception | None) -> None:
        raise ConnectionError("The client went away.")

    spool = Spool(config(tmp_path), SCHEMA, worker="w0")
    spool.append([(1, "x")], {}, gone)
    await asyncio.wait_for(append(spool, [(2, "x")], {}), 10)
    assert rows_in(tmp_path) == [1, 2]
    assert "The client went away." in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
async def test_a_full_disk_refuses_the_commit_and_spoils_nothing(
    tmp_path: Path, number: int
) -> None:
    """A write that finds no room is taken back; the next commit and the footer stand clean."""
    disk = FaultyDisk(write=[0, 0, number])
    spool = Spool(config(tmp_path), SCHEMA, disk, worker="w0")
    await append(spool, [(1, "x")], {})
    refused = [append(spool, [(n, "long" * 500)], {}) for n in (2, 3)]
    for result in await asyncio.gather(*refused, return_exceptions=True):
        assert isinstance(result, SpoolFull)
    assert not spool.failed.is_set()
    await spool.close()
    (path,) = sealed(tmp_path)
    segment = read_segment(path.read_bytes())
    assert (segment.damaged, segment.sealed) == ([], True)
    assert rows_in(tmp_path) == [1]


@pytest.mark.anyio
@pytest.mark.parametrize("fault", ["create", "write"])
async def test_no_room_for_a_new_segment_leaves_no_trace(tmp_path: Path, fault: str) -> None:
    """A segment that cannot be opened is removed, and the next commit tries another."""
    disk = FaultyDisk(**{fault: [errno.ENOSPC]})
    spool = Spool(config(tmp_path), SCHEMA, disk, worker="w0")
    with pytest.raises(SpoolFull):
        await append(spool, [(1, "x")], {})
    assert suffixes(tmp_path) == []
    assert disk.open_handles == 0
    await append(spool, [(2, "x")], {})
    assert rows_in(tmp_path) == [2]


@pytest.mark.anyio
async def test_want_of_file_handles_is_want_of_room(tmp_path: Path) -> None:
    """A process out of file handles refuses for now, both at its scan and at a new segment."""
    disk, clock = FaultyDisk(), Clock()
    spool = Spool(config(tmp_path), SCHEMA, disk, worker="w0", clock=clock)
    clock.now += 1
    disk.faults.update(list=[errno.EMFILE], create=[errno.EMFILE])
    answer = append(spool, [(1, "x")], {})
    with pytest.raises(SpoolFull):
        await answer
    assert not spool.failed.is_set()


@pytest.mark.anyio
async def test_a_footer_without_room_leaves_the_segment_to_a_recovery(tmp_path: Path) -> None:
    """A segment that cannot be sealed stays open with all its rows, and is sealed later."""
    disk = FaultyDisk(write=[0, 0, errno.ENOSPC])
    spool = Spool(config(tmp_path), SCHEMA, disk, worker="w0")
    await append(spool, [(1, "x")], {})
    await spool.close()
    assert suffixes(tmp_path) == [".open"]
    recover(tmp_path)
    assert suffixes(tmp_path) == [".arrow"]
    assert rows_in(tmp_path) == [1]


@pytest.mark.anyio
async def test_the_process_file_size_limit_is_a_full_disk(tmp_path: Path) -> None:
    """The kernel's own refusal, at a file size limit, is taken like that of a full disk."""
    spool = Spool(config(tmp_path), SCHEMA, worker="w0")
    await append(spool, [(1, "x")], {})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    try:
        with pytest.raises(SpoolFull):
            await append(spool, [(2, "x" * 10_000)], {})
        await append(spool, [(3, "x")], {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    await spool.close()
    assert rows_in(tmp_path) == [1, 3]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a tmpfs needs the right to mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.anyio
async def test_a_file_system_that_fills_up_loses_nothing_answered(tiny_disk: Path) -> None:
    """On a real full file system appends are refused until room is made, and none is lost."""
    spool = Spool(config(tiny_disk), SCHEMA, worker="w0")
    answered, refused = [], 0
    for n in range(20):
        try:
            await append(spool, [(n, "x" * 5_000)], {})
        except SpoolFull:
            refused += 1
        else:
            answered.append(n)
    assert refused > 0
    assert rows_in(tiny_disk) == answered


@pytest.mark.anyio
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
async def test_a_failed_sync_stops_everything(tmp_path: Path, number: int) -> None:
    """After a failed sync, of a full disk too, nothing is answered well and no sync is tried."""
    disk = FaultyDisk(sync=[0, 0, number])
    spool = Spool(config(tmp_path), SCHEMA, disk, worker="w0")
    await append(spool, [(1, "x")], {})
    assert not spool.failed.is_set()
    answers = [append(spool, [(n, "x")], {}) for n in (2, 3)]
    for result in await asyncio.gather(*answers, return_exceptions=True):
        assert isinstance(result, SyncFailed)
    assert spool.failed.is_set()
    syncs = disk.count("sync")
    with pytest.raises(SyncFailed):
        await append(spool, [(4, "x")], {})
    await spool.close()
    assert disk.count("sync") == syncs
    assert suffixes(tmp_path) == [".open"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "faults",
    [{"sync": [errno.EIO]}, {"sync_folder": [errno.EIO]}, {"write": [0, errno.EIO]}],
    ids=["sync of the opening", "sync of the name", "write"],
)
async def test_any_other_fault_fails_the_spool(
    tmp_path: Path, faults: dict[str, list[int]]
) -> None:
    """A fault that is not want of room leaves the disk unknown, wherever it strikes."""
    spool = Spool(config(tmp_path), SCHEMA, FaultyDisk(**faults), worker="w0")
    with pytest.raises(SyncFailed):
        await append(spool, [(1, "x")], {})
    assert spool.failed.is_set()


@pytest.mark.anyio
async def test_a_seal_that_fails_leaves_the_answer_good(tmp_path: Path) -> None:
    """What was synced is answered for, though sealing right after it fails and stops the spool."""
    disk = FaultyDisk(sync=[0, 0, errno.EIO])
    spool = Spool(config(tmp_path, segment_bytes=1), SCHEMA, disk, worker="w0")
    await append(spool, [(1, "x")], {})
    assert spool.failed.is_set()
    assert rows_in(tmp_path) == [1]


def test_a_writer_refuses_everything_after_a_failed_sync(tmp_path: Path) -> None:
    """A writer never syncs again what it once failed to sync."""
    disk = FaultyDisk(sync=[0, errno.EIO])
    writer = SegmentWriter(tmp_path, SCHEMA, disk, "1-w0-1")
    with pytest.raises(SyncFailed):
        writer.write(batch(1), b"{}")
    done = len(disk.done)
    with pytest.raises(SyncFailed):
        writer.write(batch(2), b"{}")
    with pytest.raises(SyncFailed):
        writer.seal()
    assert len(disk.done) == done


@pytest.mark.anyio
async def test_a_full_spool_refuses_at_once_until_files_go(tmp_path: Path) -> None:
    """At max_bytes, whoever wrote them, append raises; when files go it takes rows again."""
    other = tmp_path / "1-w1-1.arrow"
    other.write_bytes(bytes(9_000))
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "0-w1-1-0.bin").write_bytes(bytes(1_000))
    clock = Clock()
    spool = Spool(config(tmp_path, max_bytes=10_000), SCHEMA, worker="w0", clock=clock)
    with pytest.raises(SpoolFull):
        await append(spool, [(1, "x")], {})
    other.unlink()
    clock.now += 1
    await append(spool, [(2, "x")], {})
    assert rows_in(tmp_path) == [2]


@pytest.mark.anyio
async def test_a_commit_that_would_pass_the_limit_is_refused(tmp_path: Path) -> None:
    """Rows larger than what is left are refused with nothing written; smaller ones go in."""
    spool = Spool(config(tmp_path, max_bytes=10_000), SCHEMA, worker="w0", clock=Clock())
    with pytest.raises(SpoolFull):
        await append(spool, [(1, "x" * 10_000)], {})
    assert suffixes(tmp_path) == []
    await append(spool, [(2, "x")], {})


@pytest.mark.anyio
async def test_own_writes_count_before_the_next_scan(tmp_path: Path) -> None:
    """Between two scans of the folder a worker's own writes fill the spool."""
    spool = Spool(config(tmp_path, max_bytes=10_000), SCHEMA, worker="w0", clock=Clock())
    await append(spool, [(1, "x" * 4_000)], {})
    await append(spool, [(2, "x" * 4_000)], {})
    with pytest.raises(SpoolFull):
        await append(spool, [(3, "x" * 4_000)], {})


@pytest.mark.anyio
async def test_depth_tells_bytes_segments_age_and_damage(tmp_path: Path) -> None:
    """Depth counts all workers' bytes and segments, seconds since the oldest, pieces set aside."""
    clock = Clock()
    spool = Spool(config(tmp_path), SCHEMA, worker="w0", clock=clock)
    assert spool.depth() == (0, 0, 0.0, 0)
    await append(spool, [(1, "x")], {})
    assert spool.depth() == (bytes_in(tmp_path), 1, 0.0, 0)
    (tmp_path / f"{1_721_999_990_000_000:016d}-w1-1.arrow").write_bytes(bytes(100))
    (tmp_path / "stray").write_bytes(bytes(10))
    (tmp_path / "damaged").mkdir()
    for ending in ("bin", "json"):
        (tmp_path / "damaged" / f"1-w1-1-32.{ending}").touch()
    clock.now += 2
    assert spool.depth() == (bytes_in(tmp_path), 2, 12.0, 1)


def test_sealed_segments_come_oldest_first(tmp_path: Path) -> None:
    """Of several workers' segments the one with the earliest name is first; open ones are left."""
    names = ["3-w0-2.arrow", "1-w1-1.arrow", "2-w0-1.arrow", "0-w0-1.open", "0-w0-1.new"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in sealed(tmp_path)] == [
        "1-w1-1.arrow",
        "2-w0-1.arrow",
        "3-w0-2.arrow",
    ]
    assert sealed(tmp_path / "absent") == []


def orphan(folder: Path, name: str, *ids: int, tail: bytes = b"") -> Path:
    """Leave an open segment behind as a dead writer does."""
    writer = SegmentWriter(folder, SCHEMA, LOCAL_DISK, name)
    for n in ids:
        writer.write(batch(n), b"{}")
    writer.leave()
    path = folder / f"{name}.open"
    with path.open("ab") as file:
        file.write(tail)
    return path


@pytest.mark.parametrize("tail", [b"", b"FHSG torn", bytes(5_000)])
def test_an_orphan_is_sealed_without_its_torn_tail(tmp_path: Path, tail: bytes) -> None:
    """A dead writer's segment is sealed with its synced frames, and what it was writing goes."""
    orphan(tmp_path, "1-w0-1", 1, 2, tail=tail)
    recover(tmp_path)
    (path,) = sealed(tmp_path)
    segment = read_segment(path.read_bytes())
    assert (segment.damaged, segment.sealed) == ([], True)
    assert rows_in(tmp_path) == [1, 2]
    assert suffixes(tmp_path) == [".arrow"]


def test_damage_in_an_orphan_is_left_for_the_reader(tmp_path: Path) -> None:
    """Recovery seals a damaged segment without touching the damage, which the reader names."""
    path = orphan(tmp_path, "1-w0-1", 1, 2)
    data = bytearray(path.read_bytes())
    first, _ = read_segment(bytes(data), still_open=True).frames
    data[first.offset + 50] ^= 1
    path.write_bytes(data)
    recover(tmp_path)
    recovered = sealed(tmp_path)[0].read_bytes()
    segment = read_segment(recovered)
    assert [(span.offset, span.length) for span in segment.damaged] == [
        (first.offset, first.length)
    ]
    frames = read_segment(bytes(data), still_open=True).extent.bytes
    assert recovered[:frames] == data[:frames]
    assert segment.sealed


def test_an_orphan_of_nothing_but_garbage_is_kept(tmp_path: Path) -> None:
    """A file without one valid frame is sealed as it is, so that the reader can set it aside."""
    (tmp_path / "1-w0-1.open").write_bytes(b"garbage")
    recover(tmp_path)
    data = sealed(tmp_path)[0].read_bytes()
    assert data.startswith(b"garbage")
    assert read_segment(data).damaged[0].length == len(b"garbage")


def test_a_segment_sealed_but_not_renamed_is_renamed(tmp_path: Path) -> None:
    """A writer that died between the footer and the rename leaves a whole segment."""
    writer = SegmentWriter(tmp_path, SCHEMA, LOCAL_DISK, "1-w0-1")
    writer.write(batch(1), b"{}")
    writer.seal()
    whole = (tmp_path / "1-w0-1.arrow").read_bytes()
    (tmp_path / "1-w0-1.arrow").rename(tmp_path / "1-w0-1.open")
    recover(tmp_path)
    assert (tmp_path / "1-w0-1.arrow").read_bytes() == whole


def test_a_segment_that_was_never_opened_is_removed(tmp_path: Path) -> None:
    """A file without a synced opening holds nothing that anybody was answered for."""
    (tmp_path / "1-w0-1.new").write_bytes(encode_opening(SCHEMA, 1)[:100])
    recover(tmp_path)
    assert suffixes(tmp_path) == []


def test_a_locked_new_segment_is_left_alone(tmp_path: Path) -> None:
    """A segment that a live writer is just opening is not removed."""
    handle = LOCAL_DISK.create(tmp_path / "1-w0-1.new")
    recover(tmp_path)
    assert suffixes(tmp_path) == [".new"]
    LOCAL_DISK.close(handle)


def test_an_orphan_without_room_for_its_footer_waits(tmp_path: Path) -> None:
    """On a full disk an orphan stays for a later recovery, and the other ones are sealed."""
    orphan(tmp_path, "1-w0-1", 1)
    orphan(tmp_path, "2-w0-1", 2)
    recover(tmp_path, FaultyDisk(write=[errno.ENOSPC]))
    assert [path.name for path in sealed(tmp_path)] == ["2-w0-1.arrow"]
    recover(tmp_path)
    assert rows_in(tmp_path) == [1, 2]
    assert suffixes(tmp_path) == [".arrow", ".arrow"]


def test_a_failed_sync_stops_a_recovery(tmp_path: Path) -> None:
    """A recovery that cannot sync says so rather than hand the segment on."""
    orphan(tmp_path, "1-w0-1", 1)
    with pytest.raises(SyncFailed):
        recover(tmp_path, FaultyDisk(sync=[errno.ENOSPC]))
    assert sealed(tmp_path) == []


WRITER = """
import sys
from pathlib import Path
import pyarrow as pa
from funnelhouse.ingest.log.disk import LOCAL_DISK
from funnelhouse.ingest.log.writer import SegmentWriter
from tests.ingest.appending import append
schema = pa.schema({"event_id": pa.int64(), "text": pa.string()})
writer = SegmentWriter(Path(sys.argv[1]), schema, LOCAL_DISK, "1-w0-1")
writer.write(pa.RecordBatch.from_pylist([{"event_id": 1, "text": "x"}], schema=schema), b"{}")
print("written", flush=True)
sys.stdin.read()
"""


def test_a_live_writer_is_left_alone_until_it_is_killed(tmp_path: Path) -> None:
    """A segment that another process is writing stays open; once it is killed it is sealed."""
    orphan(tmp_path, "2-w1-1", 2)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        recover(tmp_path)
        assert (tmp_path / "1-w0-1.open").exists()
        assert [path.name for path in sealed(tmp_path)] == ["2-w1-1.arrow"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    recover(tmp_path)
    assert suffixes(tmp_path) == [".arrow", ".arrow"]
    assert rows_in(tmp_path) == [1, 2]


def test_two_recoveries_at_once_are_harmless(tmp_path: Path) -> None:
    """Recoveries that run side by side seal each orphan once and fail over none."""
    for n in range(30):
        orphan(tmp_path, f"{n:02}-w0-1", n, tail=b"torn")
    faults: list[BaseException] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        try:
            recover(tmp_path)
        except BaseException as error:  # noqa: BLE001 - a thread's fault is the test's
            faults.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    for path in sealed(tmp_path):
        segment = read_segment(path.read_bytes())
        assert (segment.damaged, segment.sealed) == ([], True)
    assert rows_in(tmp_path) == list(range(30))
    assert suffixes(tmp_path) == [".arrow"] * 30


def test_quarantine_keeps_the_bytes_and_says_why(tmp_path: Path) -> None:
    """Each damaged span stands beside the segments with its bytes, its place and its reason."""
    path = tmp_path / "1-w0-1.arrow"
    path.write_bytes(b"0123456789")
    for _ in range(2):
        quarantine(path, [Span(2, 3, "no valid frame"), Span(7, 0, "missing")])
    kept = {p.name: p.read_bytes() for p in (tmp_path / "damaged").iterdir()}
    assert kept.keys() == {f"1-w0-1-{at}.{kind}" for at in (2, 7) for kind in ("bin", "json")}
    assert (kept["1-w0-1-2.bin"], kept["1-w0-1-7.bin"]) == (b"234", b"")
    assert orjson.loads(kept["1-w0-1-2.json"]) == {
        "segment": "1-w0-1.arrow",
        "offset": 2,
        "length": 3,
        "why": "no valid frame",
    }
    assert path.read_bytes() == b"0123456789"


def test_quarantine_goes_on_where_an_earlier_one_was_killed(tmp_path: Path) -> None:
    """A half-written copy left by a killed quarantine does not stand in the way."""
    path = tmp_path / "1-w0-1.arrow"
    path.write_bytes(b"0123456789")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "1-w0-1-2.bin.new").write_bytes(b"2")
    quarantine(path, [Span(2, 3, "no valid frame")])
    assert (tmp_path / "damaged" / "1-w0-1-2.bin").read_bytes() == b"234"


@pytest.mark.parametrize(
    ("faults", "error"),
    [({"write": [errno.ENOSPC]}, SpoolFull), ({"sync": [errno.ENOSPC]}, SyncFailed)],
)
def test_quarantine_tells_a_full_disk_from_a_failed_sync(
    tmp_path: Path, faults: dict[str, list[int]], error: type[Exception]
) -> None:
    """Without room quarantine may be tried again, after a failed sync it must not."""
    path = tmp_path / "1-w0-1.arrow"
    path.write_bytes(b"0123456789")
    with pytest.raises(error):
        quarantine(path, [Span(2, 3, "no valid frame")], FaultyDisk(**faults))


def test_a_write_that_the_system_cuts_short_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few bytes the system takes at a time, all are written in their places."""
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, bytes(data[:3]), at))
    handle = LOCAL_DISK.create(tmp_path / "file")
    LOCAL_DISK.write(handle, b"0123456789", 2)
    LOCAL_DISK.close(handle)
    assert (tmp_path / "file").read_bytes() == b"\0\x000123456789"


def test_a_new_folder_is_durable_with_its_parents(tmp_path: Path) -> None:
    """The parent of each folder made is synced, so that the folder outlives a crash."""
    synced: list[Path] = []

    class Recording(LocalDisk):
        def sync_folder(self, folder: Path) -> None:
            synced.append(folder)

    Recording().make_folder(tmp_path / "a" / "b")
    Recording().make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]


def test_a_file_that_vanishes_during_a_listing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that the loader removes while the folder is listed is no fault."""
    (tmp_path / "gone").touch()
    (tmp_path / "there").write_bytes(b"abc")
    real = os.scandir

    def scan_then_remove(folder: Path) -> list[os.DirEntry[str]]:
        entries = list(real(folder))
        (tmp_path / "gone").unlink()
        return entries

    monkeypatch.setattr(os, "scandir", scan_then_remove)
    assert LOCAL_DISK.list(tmp_path) == {"there": 3}


def before_lock(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen once between the opening of a file and its locking."""
    real = fcntl.flock
    acts = [act]

    def flock(handle: int, operation: int) -> None:
        if acts:
            acts.pop()()
        real(handle, operation)

    monkeypatch.setattr(fcntl, "flock", flock)


def test_a_lock_that_came_too_late_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that its writer sealed before the lock came must not be taken for an orphan."""
    path = tmp_path / "1-w0-1.open"
    path.touch()
    before_lock(monkeypatch, lambda: path.rename(tmp_path / "1-w0-1.arrow"))
    assert LOCAL_DISK.lock(path) is None


def test_a_file_removed_before_its_lock_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recovery that removes a file just made, before its writer locks it, costs nothing."""
    path = tmp_path / "1-w0-1.new"
    before_lock(monkeypatch, path.unlink)
    LOCAL_DISK.close(LOCAL_DISK.create(path))
    assert path.exists()
