import mmap
import struct
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.ingest.log.segment import (
    HEADER_BYTES,
    Extent,
    Segment,
    encode_batch,
    encode_footer,
    encode_opening,
    opened,
    read_segment,
)

FIELDS: dict[str, pa.DataType] = {"event_id": pa.int64(), "name": pa.string()}
SCHEMA = pa.schema(FIELDS)
SEGMENT_ID = 0x0123_4567_89AB_CDEF
ROWS: list[list[tuple[int, str | None]]] = [
    [(1, "가"), (2, None)],
    [(3, "c")],
    [(4, "d"), (5, "e")],
]
METADATA = [b'{"received":{"web|1":2}}', b"{}", b'{"received":{}}']


def batch_of(rows: list[tuple[int, str | None]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [{"event_id": n, "name": name} for n, name in rows], schema=SCHEMA
    )


def parts() -> list[bytes]:
    """The frames of a sealed segment one by one: two schemas, three batches, the footer."""
    opening = encode_opening(SCHEMA, SEGMENT_ID)
    extent = opened(SEGMENT_ID, opening)
    half = len(opening) // 2
    frames = [opening[:half], opening[half:]]
    for rows, metadata in zip(ROWS, METADATA, strict=True):
        frames.append(encode_batch(batch_of(rows), metadata, extent))
        extent = extent.after(len(frames[-1]), len(rows))
    return [*frames, encode_footer(extent)]


PARTS = parts()
SEALED = b"".join(PARTS)
OPEN = b"".join(PARTS[:-1])
STARTS = [len(b"".join(PARTS[:n])) for n in range(len(PARTS))]
OPENING_BYTES = STARTS[2]


def rows_of(segment: Segment) -> list[list[tuple[int, str | None]]]:
    return [
        [(row["event_id"], row["name"]) for row in frame.batch.to_pylist()]
        for frame in segment.frames
    ]


def spans_of(segment: Segment) -> list[tuple[int, int]]:
    return [(span.offset, span.length) for span in segment.damaged]


def part_at(offset: int) -> int:
    """Which part of the sealed segment holds a byte."""
    return max(n for n, start in enumerate(STARTS) if start <= offset)


def without(part: int) -> list[list[tuple[int, str | None]]]:
    """The rows that are left when one part is lost."""
    return [rows for n, rows in enumerate(ROWS, start=2) if n != part]


def test_a_sealed_segment_gives_back_schema_rows_and_metadata() -> None:
    """What was written is read back by the file alone, with each frame's place in it."""
    segment = read_segment(SEALED)
    assert segment.schema == SCHEMA
    assert rows_of(segment) == ROWS
    assert [frame.metadata for frame in segment.frames] == METADATA
    assert [(frame.offset, frame.length) for frame in segment.frames] == [
        (STARTS[n], len(PARTS[n])) for n in (2, 3, 4)
    ]
    assert (segment.damaged, segment.sealed, segment.torn) == ([], True, False)


def test_the_header_is_what_the_format_says() -> None:
    """A frame's header can be read by hand, and its checksum is XXH3-64 of all but itself."""
    frame = PARTS[2]
    fields = struct.unpack_from("<4sHHQQIIQ", frame)
    metadata_length, message_length, checksum = fields[5:]
    assert fields[:5] == (b"FHSG", 1, 2, SEGMENT_ID, 2)
    assert orjson.loads(frame[40 : 40 + metadata_length]) == {"received": {"web|1": 2}}
    assert len(frame) == HEADER_BYTES + metadata_length + message_length
    assert checksum == xxhash.xxh3_64_intdigest(frame[:32] + frame[40:])


def test_the_footer_counts_frames_rows_and_bytes() -> None:
    """The footer holds the totals of the batch frames and the bytes before itself."""
    totals = orjson.loads(PARTS[-1][HEADER_BYTES:])
    assert totals == {"frames": 3, "rows": 5, "bytes": len(OPEN)}


def test_every_cut_of_an_open_segment_is_a_torn_tail() -> None:
    """Cut anywhere, an open segment keeps the whole frames before the cut, without damage."""
    for cut in range(len(PARTS[0]), len(OPEN) + 1):
        segment = read_segment(OPEN[:cut], still_open=True)
        whole = max(n for n, start in enumerate(STARTS) if start <= cut)
        assert rows_of(segment) == ROWS[: max(0, whole - 2)]
        assert (segment.damaged, segment.sealed) == ([], False)
        assert segment.torn == (cut != STARTS[whole])
        assert segment.extent.bytes == STARTS[whole]


def test_every_cut_of_a_sealed_segment_is_damage_at_its_end() -> None:
    """Cut anywhere, a sealed segment keeps the frames before the cut and names the rest."""
    for cut in range(len(SEALED)):
        segment = read_segment(SEALED[:cut])
        whole = max(n for n, start in enumerate(STARTS) if start <= cut)
        assert rows_of(segment) == ROWS[: max(0, whole - 2)]
        assert spans_of(segment) == [(STARTS[whole], cut - STARTS[whole])]
        assert (segment.sealed, segment.torn) == (False, False)


def test_every_bit_flipped_in_a_sealed_segment_costs_its_own_frame_alone() -> None:
    """Whatever bit is flipped, exactly the frame that holds it is damaged, all others are read."""
    data = bytearray(SEALED)
    for bit in range(len(data) * 8):
        offset = bit // 8
        data[offset] ^= 1 << bit % 8
        segment = read_segment(bytes(data))
        data[offset] ^= 1 << bit % 8
        part = part_at(offset)
        assert rows_of(segment) == without(part)
        assert spans_of(segment) == [(STARTS[part], len(PARTS[part]))]
        assert segment.sealed == (part != len(PARTS) - 1)


def test_every_bit_flipped_in_an_open_segment_is_damage_unless_in_the_last_frame() -> None:
    """A frame with a valid one behind it was synced, so it is damage; the last one may be torn."""
    data = bytearray(OPEN)
    last = len(PARTS) - 2
    for bit in range(len(data) * 8):
        offset = bit // 8
        data[offset] ^= 1 << bit % 8
        segment = read_segment(bytes(data), still_open=True)
        data[offset] ^= 1 << bit % 8
        part = part_at(offset)
        assert rows_of(segment) == without(part)
        assert segment.torn == (part == last)
        assert spans_of(segment) == ([] if part == last else [(STARTS[part], len(PARTS[part]))])


@given(st.integers(0, len(SEALED)), st.integers(0, len(SEALED)), st.binary(max_size=300))
def test_no_damage_whatever_raises_or_invents(start: int, stop: int, filling: bytes) -> None:
    """With any range replaced by any bytes, what is read was written, in order."""
    data = SEALED[:start] + filling + SEALED[stop:]
    for still_open in (False, True):
        found = rows_of(read_segment(data, still_open=still_open))
        assert found == [rows for rows in ROWS if rows in found]


def test_both_schemas_damaged_leave_the_frames_named_not_read() -> None:
    """Without any schema nothing can be decoded; every batch frame is named for setting aside."""
    data = bytes(OPENING_BYTES) + SEALED[OPENING_BYTES:]
    segment = read_segment(data)
    assert segment.schema is None
    assert segment.frames == []
    assert spans_of(segment) == [
        (0, OPENING_BYTES),
        *((STARTS[n], len(PARTS[n])) for n in (2, 3, 4)),
    ]


@pytest.mark.parametrize("data", [b"", b"FHSG", bytes(5_000)])
def test_an_open_file_without_one_valid_frame_is_damage(data: bytes) -> None:
    """A segment is named open only after its opening was synced, so nothing of it is torn."""
    segment = read_segment(data, still_open=True)
    assert spans_of(segment) == [(0, len(data))]
    assert segment.torn is False
    assert segment.extent.bytes == len(data)


def test_zeros_behind_an_open_segment_are_a_torn_tail() -> None:
    """A size that grew before its bytes came leaves zeros, for which nobody was answered."""
    segment = read_segment(OPEN + bytes(4_096), still_open=True)
    assert rows_of(segment) == ROWS
    assert (segment.torn, segment.damaged) == (True, [])
    assert segment.extent.bytes == len(OPEN)


def test_bytes_behind_a_footer_are_damage_in_a_sealed_file_and_torn_in_an_open_one() -> None:
    """Nothing is ever written behind a footer that was synced."""
    assert spans_of(read_segment(SEALED + b"xyz")) == [(len(SEALED), 3)]
    still_open = read_segment(SEALED + b"xyz", still_open=True)
    assert (still_open.torn, still_open.damaged, still_open.sealed) == (True, [], True)


def test_frames_behind_a_footer_are_not_read() -> None:
    """A segment ends with its footer, whatever follows."""
    stray = encode_batch(batch_of([(9, "x")]), b"{}", Extent(SEGMENT_ID, sequence=9))
    assert rows_of(read_segment(SEALED + stray)) == ROWS


def test_a_frame_hidden_in_an_event_is_never_read() -> None:
    """A stranger's text that holds a whole frame stays text when its own frame is damaged."""
    hidden = encode_batch(batch_of([(666, "forged")]), b"{}", Extent(SEGMENT_ID ^ 1, sequence=3))
    carrier = pa.RecordBatch.from_pydict({"raw": pa.array([hidden], pa.binary())})
    opening = encode_opening(carrier.schema, SEGMENT_ID)
    extent = opened(SEGMENT_ID, opening)
    frame = encode_batch(carrier, b"{}", extent)
    footer = encode_footer(extent.after(len(frame), 1))
    assert hidden in frame
    segment = read_segment(opening + b"\0" + frame[1:] + footer)
    assert segment.frames == []
    assert spans_of(segment) == [(len(opening), len(frame))]


def test_a_frame_that_stands_twice_is_read_once() -> None:
    """A second copy of a frame is damage, since a sequence number never comes again."""
    segment = read_segment(b"".join([*PARTS[:3], PARTS[2], *PARTS[3:]]))
    assert rows_of(segment) == ROWS
    assert spans_of(segment) == [(STARTS[3], len(PARTS[2]))]


def test_a_frame_taken_out_whole_is_noticed() -> None:
    """Bytes that are missing altogether are named by a span of length 0 where they should be."""
    segment = read_segment(b"".join([*PARTS[:3], *PARTS[4:]]))
    assert rows_of(segment) == [ROWS[0], ROWS[2]]
    assert spans_of(segment) == [(STARTS[3], 0)]


def test_a_footer_that_counts_otherwise_is_noticed() -> None:
    """A footer whose totals are not those of the file is damage, though its checksum holds."""
    wrong = encode_footer(Extent(SEGMENT_ID, sequence=5, frames=3, rows=6, bytes=len(OPEN)))
    segment = read_segment(OPEN + wrong)
    assert rows_of(segment) == ROWS
    assert spans_of(segment) == [(len(OPEN), 0)]


def test_a_frame_of_a_later_format_is_not_read_as_ours() -> None:
    """A frame of another version is named, not guessed at, even with a valid checksum."""
    frame = bytearray(PARTS[3])
    frame[4:6] = (2).to_bytes(2, "little")
    frame[32:40] = xxhash.xxh3_64_intdigest(frame[:32] + frame[40:]).to_bytes(8, "little")
    segment = read_segment(b"".join([*PARTS[:3], bytes(frame), *PARTS[4:]]))
    assert rows_of(segment) == without(3)
    assert spans_of(segment) == [(STARTS[3], len(PARTS[3]))]


@pytest.mark.parametrize("magic_at", range(8))
def test_reading_goes_on_at_any_distance_from_the_damage(magic_at: int) -> None:
    """The next frame is found wherever it starts, newlines and half a magic before it or not."""
    segment = read_segment(b"".join([*PARTS[:3], b"FHSGF\nFH"[:magic_at], *PARTS[3:]]))
    assert rows_of(segment) == ROWS
    assert spans_of(segment) == ([(STARTS[3], magic_at)] if magic_at else [])


@pytest.mark.parametrize("segment_id", [0, 2**64 - 1, 0x0A0A_0A0A_0A0A_0A0A, 0x2A2A_5B5C_2E28_2929])
def test_any_segment_id_will_do(segment_id: int) -> None:
    """Ids whose bytes mean something to a search pattern are read like others."""
    opening = encode_opening(SCHEMA, segment_id)
    extent = opened(segment_id, opening)
    frame = encode_batch(batch_of(ROWS[0]), b"{}", extent)
    footer = encode_footer(extent.after(len(frame), 2))
    segment = read_segment(opening + frame + footer)
    assert rows_of(segment) == ROWS[:1]
    assert (segment.damaged, segment.sealed) == ([], True)


@pytest.mark.parametrize("view", [bytes, memoryview])
def test_batches_are_read_in_place(view: Callable[[bytes], bytes | memoryview]) -> None:
    """A batch points into the bytes given, at addresses that Arrow takes without copying."""
    whole = pa.py_buffer(SEALED)
    for frame in read_segment(view(SEALED)).frames:
        for buffer in frame.batch.column(0).buffers():
            if buffer is not None:
                assert whole.address <= buffer.address < whole.address + whole.size
                assert buffer.address % 8 == 0


def test_a_mapped_file_is_read(tmp_path: Path) -> None:
    """A memory-mapped file reads like its bytes."""
    path = tmp_path / "segment"
    path.write_bytes(SEALED)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    assert rows_of(read_segment(mapped)) == ROWS
