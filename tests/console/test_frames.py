"""Compressed frames, held against a driver and the engine."""

import random
import struct
from pathlib import Path

import pytest
from clickhouse_cityhash.cityhash import CityHash128

from funnelhouse.console.frames import BLOCK_BYTES, FrameError, framed, unframed
from tests.conftest import PreparedWarehouse
from tests.console.driver import read_frames, write_frame

CONTENT = "한글 SELECT 1\n".encode() * 10
GOOD = write_frame(CONTENT)


@pytest.mark.parametrize(
    "size", [0, 1, 100, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 7]
)
def test_a_driver_reads_what_is_written(size: int) -> None:
    """Frames of any size are read by clickhouse-driver, none longer than the engine's own."""
    content = random.Random(size).randbytes(size // 2) + b"a" * (size - size // 2)
    pieces = read_frames(framed(content))
    assert b"".join(pieces) == content
    assert len(pieces) == -(-size // BLOCK_BYTES)
    assert all(len(piece) <= BLOCK_BYTES for piece in pieces)


def test_what_a_driver_writes_is_read() -> None:
    """Frames of clickhouse-driver, one behind another, give what they hold."""
    assert unframed(GOOD + write_frame(b"and more"), 1000) == CONTENT + b"and more"


@pytest.mark.parametrize("codec", ["LZ4", "ZSTD(1)", "NONE"])
def test_frames_of_the_engine_are_read(warehouse: PreparedWarehouse, codec: str) -> None:
    """The engine keeps its columns on disk in the same frames, of each of the methods."""
    client, count = warehouse.client, 300_000
    client.command("DROP TABLE IF EXISTS frames")
    client.command(
        f"CREATE TABLE frames (n UInt32 CODEC({codec})) ENGINE = MergeTree ORDER BY tuple()"
        " SETTINGS min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0"
    )
    client.command(f"INSERT INTO frames SELECT number FROM numbers({count})")
    ((path,),) = client.query(
        "SELECT path FROM system.parts WHERE table = 'frames' AND active"
    ).result_rows
    content = b"".join(number.to_bytes(4, "little") for number in range(count))
    assert unframed((Path(path) / "n.bin").read_bytes(), len(content)) == content
    client.command("DROP TABLE frames")


def _summed(method: int, block: bytes, size: int) -> bytes:
    """Write a frame of any head, with the checksum that fits it."""
    summed = struct.pack("<BII", method, 9 + len(block), size) + block
    return struct.pack("<QQ", *divmod(CityHash128(summed), 2**64)) + summed


def changed(at: int, value: int, data: bytes = GOOD) -> bytes:
    """Change one byte."""
    return data[:at] + bytes([value]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (GOOD[:10], "ends too early"),
        (GOOD[:-1], "ends too early"),
        (GOOD + b"\0", "ends too early"),
        (b"SELECT 1 AS what_is_no_frame_at_all", "ends too early"),
        (changed(0, GOOD[0] ^ 1), "another checksum"),
        (changed(len(GOOD) - 1, GOOD[-1] ^ 1), "another checksum"),
        (changed(16, 0x91), "another checksum"),
    ],
    ids=["head", "block", "rest", "text", "checksum", "last", "method"],
)
def test_damaged_frames_are_refused(data: bytes, told: str) -> None:
    """What is cut short or changed anywhere is named."""
    with pytest.raises(FrameError, match=told):
        unframed(data, 1000)


@pytest.mark.parametrize(
    ("method", "block", "size", "told"),
    [
        (0x91, b"x", 1, "of the method 0x91"),
        (0x82, b"\xff" * 8, 4, "cannot be decompressed"),
        (0x90, b"no zstd", 4, "cannot be decompressed"),
        (0x02, b"abc", 4, "another number of bytes"),
    ],
)
def test_frames_that_lie_are_refused(method: int, block: bytes, size: int, told: str) -> None:
    """A checksum that fits does not make a block what its head says."""
    with pytest.raises(FrameError, match=told):
        unframed(_summed(method, block, size), 1000)


def test_frames_hold_no_more_than_they_may() -> None:
    """A size is refused before anything of that size is made."""
    assert unframed(GOOD + GOOD, 2 * len(CONTENT)) == CONTENT + CONTENT
    with pytest.raises(FrameError, match="more than 319 bytes"):
        unframed(GOOD + GOOD, 2 * len(CONTENT) - 1)
    with pytest.raises(FrameError, match="more than 1000 bytes"):
        unframed(_summed(0x82, b"x", 2**32 - 1), 1000)
