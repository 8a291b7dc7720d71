from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.ingest.loader.manifest import LoadManifest, ManifestFolder, Part, Refused, plan
from funnelhouse.ingest.log.disk import LOCAL_DISK
from tests.faults.crashing_disk import Crashed, CrashingDisk

SPOOL = Path("spool")
SEGMENTS = ["1-a-1.arrow", "2-a-2.arrow"]
FORMS = [LoadManifest("a", SEGMENTS), LoadManifest("a", SEGMENTS, [Part(0, 1), Part(1, 2)])]


def segments(folder: Path, *sizes: int) -> list[Path]:
    """Make files of these sizes in bytes."""
    paths = [folder / f"{number}-a-1.arrow" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(b"x" * size)
    return paths


@pytest.mark.parametrize(
    ("sizes", "taken"),
    [((10,), 1), ((40, 40), 2), ((50, 50, 1), 2), ((50, 51), 1), ((101, 1), 1), ((1, 101), 1)],
)
def test_a_plan_takes_the_oldest_that_fit(
    tmp_path: Path, sizes: tuple[int, ...], taken: int
) -> None:
    """The oldest segments that stay within the bytes make a load, or one that is too large."""
    paths = segments(tmp_path, *sizes)
    assert plan(paths, 100).segments == [path.name for path in paths[:taken]]


def test_plans_of_other_segments_have_other_tokens(tmp_path: Path) -> None:
    """Loads that begin alike but hold more, and inserts of one load, never share a token."""
    one, two = plan(segments(tmp_path, 1), 100), plan(segments(tmp_path, 1, 1), 100)
    tokens = [
        load.token(*insert)
        for load in (one, two)
        for insert in (("events_raw", Part(0, 2)), ("events_raw", Part(0, 1)), ("rejected_raw",))
    ]
    assert len(set(tokens)) == 6


def test_a_load_without_trouble_is_one_part() -> None:
    """All accepted rows go in one insert until the warehouse refuses one."""
    assert LoadManifest("a", SEGMENTS).cut(7) == [Part(0, 7)]


def test_a_refused_part_is_halved() -> None:
    """Both halves take the place of the part, in order."""
    load = LoadManifest("a", SEGMENTS)
    load.split(Part(0, 7), 7, "no")
    load.split(Part(0, 3), 7, "no")
    assert load.cut(7) == [Part(0, 1), Part(1, 3), Part(3, 7)]
    assert load.refused == []


def test_a_row_refused_alone_is_set_aside() -> None:
    """A part of one row leaves the parts, and is kept with its error."""
    load = LoadManifest("a", SEGMENTS, parts=[Part(0, 1), Part(1, 2)])
    load.split(Part(1, 2), 2, "breaks a rule")
    assert load.cut(2) == [Part(0, 1)]
    assert load.refused == [Refused(1, "breaks a rule")]


def test_a_load_of_refused_rows_alone_inserts_nothing() -> None:
    """When the only row is refused, no part has a row."""
    load = LoadManifest("a", SEGMENTS)
    load.split(Part(0, 1), 1, "no")
    assert sum(part.end - part.start for part in load.cut(1)) == 0


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_splitting_finds_exactly_the_offending_rows(rows_and_bad: tuple[int, set[int]]) -> None:
    """Whichever rows are refused, splitting ends with those set aside and all others in a part."""
    rows, bad = rows_and_bad
    load = LoadManifest("a", SEGMENTS)
    while refused := [p for p in load.cut(rows) if bad & set(range(p.start, p.end))]:
        load.split(refused[0], rows, "no")
    kept = [row for part in load.cut(rows) for row in range(part.start, part.end)]
    assert kept == sorted(set(range(rows)) - bad)
    assert {refused.row for refused in load.refused} == bad


def test_a_fixed_load_is_found_again_as_it_was(tmp_path: Path) -> None:
    """Another process reads back the segments, the parts and the refused rows."""
    load = LoadManifest("a", SEGMENTS, [Part(0, 2), Part(3, 5)], [Refused(2, "잘못")])
    ManifestFolder(tmp_path, LOCAL_DISK).fix(load)
    assert ManifestFolder(tmp_path, LOCAL_DISK).under_way() == [load]


def test_loads_under_way_come_oldest_first(tmp_path: Path) -> None:
    """The order is that of the names, which begin with a time."""
    loads = ManifestFolder(tmp_path, LOCAL_DISK)
    for name in ("3-a+1", "1-a+1", "2-a+1"):
        loads.fix(LoadManifest(name, []))
    assert [load.name for load in loads.under_way()] == ["1-a+1", "2-a+1", "3-a+1"]


def test_a_finished_load_takes_its_segments_along(tmp_path: Path) -> None:
    """Its own segments go, others stay, and it is not under way."""
    kept = tmp_path / "3-a-3.arrow"
    for name in (*SEGMENTS, kept.name):
        (tmp_path / name).touch()
    loads = ManifestFolder(tmp_path, LOCAL_DISK)
    load = LoadManifest("a", SEGMENTS)
    loads.fix(load)
    loads.finish(load)
    assert list(tmp_path.glob("*.arrow")) == [kept]
    assert loads.under_way() == []


@dataclass
class Script:
    """A load fixed, split and finished on a disk, and how far that went."""

    disk: CrashingDisk
    fixed: list[LoadManifest]
    finishing: bool = False


def script(crash_after: int = 0) -> Script:
    """Run until the disk dies, if it does."""
    disk = CrashingDisk()
    for name in SEGMENTS:
        handle = disk.create(SPOOL / name)
        disk.sync(handle)
        disk.close(handle)
    disk.sync_folder(SPOOL)
    done = Script(disk, [])
    disk.crash_after = disk.operations + crash_after if crash_after else 0
    try:
        loads = ManifestFolder(SPOOL, disk)
        for load in FORMS:
            loads.fix(load)
            done.fixed.append(load)
        done.finishing = True
        loads.finish(load)
    except Crashed:
        pass
    return done


OPERATIONS = script().disk.operations - 5


@pytest.mark.parametrize("crash_after", range(1, OPERATIONS + 1))
def test_a_fixed_load_survives_a_loss_of_power(crash_after: int) -> None:
    """After power fails at any operation, the load is there as last fixed, or done with.

    Its segments are all there while it is wanted, and all gone once it is not.
    """
    done = script(crash_after)
    for seed in range(20):
        disk = done.disk.power_lost(Random(f"{crash_after} {seed}"))
        found = ManifestFolder(SPOOL, disk).under_way()
        left = [name for name in disk.list(SPOOL) if name.endswith(".arrow")]
        if found:
            assert found[0] in (*done.fixed[-1:], *being_fixed(done.fixed))
            assert len(found) == 1
            assert sorted(left) == SEGMENTS
        elif done.finishing:
            assert left == []
        else:
            assert not done.fixed
            assert sorted(left) == SEGMENTS


def being_fixed(fixed: list[LoadManifest]) -> list[LoadManifest]:
    """Return the form after those that are fixed: it may have come through."""
    return FORMS[len(fixed) : len(fixed) + 1]
