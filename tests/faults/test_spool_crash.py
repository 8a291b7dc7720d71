"""The promise of the spool on a disk that forgets: acked ⊆ recovered, whenever it dies."""

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import orjson
import pyarrow as pa
import pytest

from funnelhouse.ingest.log.recovery import quarantine, recover, sealed
from funnelhouse.ingest.log.segment import Span, read_segment
from funnelhouse.ingest.log.spool import Spool, SpoolConfig
from tests.faults.crashing_disk import Crashed, CrashingDisk
from tests.ingest.appending import append

FOLDER = Path("spool")
_FIELDS: dict[str, pa.DataType] = {"event_id": pa.int64(), "text": pa.string()}
SCHEMA = pa.schema(_FIELDS)
SEEDS = range(20)
# Two commits fill a segment: six commits rotate twice and end with a close.
CONFIG = SpoolConfig(FOLDER, max_bytes=1_000_000, segment_bytes=4_000, segment_age_ms=60_000)
COMMITS = 6
REQUESTS_A_COMMIT = 3


class NoSync(CrashingDisk):
    """A disk whose file sync does nothing."""

    def sync(self, handle: int) -> None:  # noqa: ARG002 - the protocol's name
        """Forget to sync."""
        self._step()


class NoFolderSync(CrashingDisk):
    """A disk whose folder sync does nothing."""

    def sync_folder(self, folder: Path) -> None:  # noqa: ARG002 - the protocol's name
        """Forget to sync."""
        self._step()


@dataclass
class Run:
    """What a scripted run left behind: the disk, the events sent and those answered."""

    disk: CrashingDisk
    sent: set[int] = field(default_factory=set)
    acked: set[int] = field(default_factory=set)


def run(disk: CrashingDisk) -> Run:
    """Send requests through a spool until the script ends or the disk dies."""
    outcome = Run(disk)
    asyncio.run(_script(outcome))
    return outcome


async def _script(outcome: Run) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    ticks = itertools.count(1)
    try:
        spool = Spool(CONFIG, SCHEMA, outcome.disk, worker="w0", clock=lambda: float(next(ticks)))
        for commit in range(COMMITS):
            ids = [commit * REQUESTS_A_COMMIT + n for n in range(REQUESTS_A_COMMIT)]
            outcome.sent.update(ids)
            answers = {n: append(spool, [(n, f"{n}" * 300)], {"web|1": 1}) for n in ids}
            for _ in range(2):  # the turns of the loop after which the commit has run
                await asyncio.sleep(0)
            outcome.acked.update(
                n for n, a in answers.items() if a.done() and a.exception() is None
            )
        await spool.close()
    except Crashed:
        return


def recovered(disk: CrashingDisk) -> set[int]:
    """Recover and read as the loader does; there must be no damage, since the disk made none."""
    recover(FOLDER, disk)
    found: set[int] = set()
    for path in sealed(FOLDER, disk):
        segment = read_segment(disk.read(path))
        assert segment.damaged == []
        assert segment.sealed
        for frame in segment.frames:
            found.update(frame.batch.to_pydict()["event_id"])
    return found


def crash_points(refuse_write: int = 0) -> range:
    return range(1, run(CrashingDisk(refuse_write=refuse_write)).disk.operations + 1)


def crash_of_recovery(disk: CrashingDisk, operation: int) -> CrashingDisk:
    """Run a recovery that dies after one of its operations, if it has that many."""
    disk.crash_after = disk.operations + operation
    try:
        recover(FOLDER, disk)
    except Crashed:
        pass
    else:
        disk.crash_after = 0
    return disk


def check(outcome: Run, disk: CrashingDisk, random: Random) -> None:
    """Hold the promise to one state of the disk, and to what a later crash makes of it."""
    for state in (disk, disk.power_lost(random)):
        found = recovered(state)
        assert outcome.acked <= found
        assert found <= outcome.sent


@pytest.mark.parametrize("refuse_write", [0, 1, 3, 4, 7])
def test_what_was_answered_survives_a_loss_of_power_after_any_operation(refuse_write: int) -> None:
    """Whatever operation the power fails after, answered events are recovered, no others appear."""
    for operation in crash_points(refuse_write):
        outcome = run(CrashingDisk(operation, refuse_write))
        for seed in SEEDS:
            random = Random(f"{operation} {seed}")
            check(outcome, outcome.disk.power_lost(random), random)


@pytest.mark.parametrize("first", ["power lost", "killed"])
def test_a_recovery_may_itself_die_after_any_operation(first: str) -> None:
    """A recovery cut short by a loss of power, after a loss of power or a kill, loses nothing."""
    for operation in crash_points():
        for seed, recovery_operation in itertools.product(range(2), range(1, 8)):
            random = Random(f"{operation} {seed} {recovery_operation}")
            outcome = run(CrashingDisk(operation))
            after = (
                outcome.disk.power_lost(random) if first == "power lost" else outcome.disk.killed()
            )
            again = crash_of_recovery(after, recovery_operation)
            check(outcome, again.power_lost(random), random)


def test_what_was_answered_survives_a_kill_after_any_operation() -> None:
    """Whatever operation the process is killed after, answered events are recovered."""
    for operation in crash_points():
        outcome = run(CrashingDisk(operation))
        check(outcome, outcome.disk.killed(), Random(operation))


def test_a_whole_run_is_answered_in_full() -> None:
    """Without a crash every request is answered, so that the promise is about something."""
    outcome = run(CrashingDisk())
    assert outcome.acked == outcome.sent == set(range(COMMITS * REQUESTS_A_COMMIT))


@pytest.mark.parametrize("disk_type", [NoSync, NoFolderSync])
def test_leaving_a_sync_out_is_noticed(disk_type: type[CrashingDisk]) -> None:
    """With the sync of files, or of folders, left out, some crash loses answered events."""
    lost: set[int] = set()
    for operation in crash_points():
        outcome = run(disk_type(operation))
        for seed in SEEDS:
            disk = outcome.disk.power_lost(Random(f"{operation} {seed}"))
            recover(FOLDER, disk)
            found: set[int] = set()
            for path in sealed(FOLDER, disk):
                for frame in read_segment(disk.read(path)).frames:
                    found.update(frame.batch.to_pydict()["event_id"])
            lost |= outcome.acked - found
    assert lost


def damaged_disk() -> tuple[CrashingDisk, Path, list[Span]]:
    disk = run(CrashingDisk()).disk.killed()
    path = sealed(FOLDER, disk)[0]
    offset = read_segment(disk.read(path)).frames[0].offset
    disk.corrupt(path, offset)
    return disk, path, read_segment(disk.read(path)).damaged


def kept(disk: CrashingDisk, path: Path, span: Span) -> tuple[bytes, dict[str, object]]:
    base = f"damaged/{path.stem}-{span.offset}"
    return disk.read(FOLDER / f"{base}.bin"), orjson.loads(disk.read(FOLDER / f"{base}.json"))


def test_damaged_bytes_are_set_aside_before_quarantine_returns() -> None:
    """Once quarantine has returned, no crash loses the damaged bytes or the reason."""
    disk, path, (span,) = damaged_disk()
    quarantine(path, [span], disk)
    wanted = disk.read(path)[span.offset :][: span.length]
    reason = {
        "segment": path.name,
        "offset": span.offset,
        "length": span.length,
        "why": span.why,
    }
    for seed in range(30):
        assert kept(disk.power_lost(Random(seed)), path, span) == (wanted, reason)


def test_a_quarantine_cut_short_is_made_good_by_the_next() -> None:
    """Whatever operation of quarantine the power fails after, a second one sets all aside."""
    disk, path, spans = damaged_disk()
    before = disk.operations
    quarantine(path, spans, disk)
    operations = disk.operations - before
    for operation, seed in itertools.product(range(1, operations + 1), SEEDS):
        disk, path, (span,) = damaged_disk()
        disk.crash_after = disk.operations + operation
        with pytest.raises(Crashed):
            quarantine(path, [span], disk)
        after = disk.power_lost(Random(f"{operation} {seed}"))
        quarantine(path, [span], after)
        wanted = after.read(path)[span.offset :][: span.length]
        assert kept(after, path, span)[0] == wanted
