import os
from pathlib import Path

import pyarrow as pa
import pytest

from funnelhouse.ingest.log.disk import LocalDisk
from funnelhouse.ingest.log.segment import read_segment
from funnelhouse.ingest.log.writer import SegmentWriter

_FIELDS: dict[str, pa.DataType] = {"text": pa.string()}
SCHEMA = pa.schema(_FIELDS)


class Sized(LocalDisk):
    """Real files, and the size of each file at each of its syncs."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def sync(self, handle: int) -> None:
        """Look, then sync."""
        self.sizes.append(os.fstat(handle).st_size)
        super().sync(handle)


@pytest.fixture
def disk() -> Sized:
    """A disk that remembers sizes."""
    return Sized()


@pytest.fixture
def writer(tmp_path: Path, disk: Sized) -> SegmentWriter:
    """A segment whose opening is written."""
    return SegmentWriter(tmp_path, SCHEMA, disk, "1-w0-1")


def write(writer: SegmentWriter, text: str) -> None:
    writer.write(pa.record_batch([[text]], SCHEMA), b"{}")


def test_few_small_commits_make_the_file_larger(writer: SegmentWriter, disk: Sized) -> None:
    """Of a thousand small commits in a row some dozen change the size, each a slower sync."""
    for n in range(1_000):
        write(writer, f"{n}" * 100)
    assert len(set(disk.sizes)) < 20


def test_zeros_take_no_more_than_frames(writer: SegmentWriter, disk: Sized) -> None:
    """What is laid down ahead is at most what was written, and a quarter of a megabyte."""
    for n in range(1_000):
        write(writer, f"{n}" * 100)
        assert disk.sizes[-1] == writer.size_on_disk
        assert writer.size_on_disk <= writer.size + min(writer.size, 256 * 1024)


def test_a_large_commit_is_written_once(writer: SegmentWriter, disk: Sized) -> None:
    """Nothing is laid down behind a large frame: its sync is long anyway."""
    write(writer, "x" * 100_000)
    assert disk.sizes[-1] == writer.size == writer.size_on_disk


def test_a_sealed_segment_ends_with_its_footer(writer: SegmentWriter, tmp_path: Path) -> None:
    """What was laid down and not written over is cut off when the segment is sealed."""
    for n in range(3):
        write(writer, f"{n}")
    assert writer.size_on_disk > writer.size
    writer.seal()
    segment = read_segment((tmp_path / "1-w0-1.arrow").read_bytes())
    assert (segment.sealed, segment.damaged, len(segment.frames)) == (True, [], 3)
