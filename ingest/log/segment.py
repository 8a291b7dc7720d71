"""The segment file: frames, each with a header and a checksum, holding Arrow record batches.

Owns the bytes: encodes the opening, a batch, the footer; reads any bytes back into a `Segment`
that tells what is whole, what is damaged and what was being written when the writer died.
"""

import mmap
import re
import struct
from dataclasses import dataclass, field, replace
from enum import IntEnum

import orjson
import pyarrow as pa
import xxhash

MAGIC = b"FHSG"
VERSION = 1
# magic, version, kind, segment id, sequence, metadata length, message length; then the checksum.
_FIELDS = struct.Struct("<4sHHQQII")
_CHECKSUM = struct.Struct("<Q")
HEADER_BYTES = _FIELDS.size + _CHECKSUM.size
_ALIGNMENT = 8  # Arrow reads a message in place when it starts on eight bytes


class Kind(IntEnum):
    """What a frame holds."""

    SCHEMA = 1
    BATCH = 2
    FOOTER = 3


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a segment goes: its random id, the next sequence number, and totals so far.

    The id stands in every frame, so that bytes of another segment left on the disk, or a frame
    that a stranger hid in an event's text, are never taken for frames of this one.
    """

    segment_id: int
    sequence: int = 0
    frames: int = 0
    rows: int = 0
    bytes: int = 0

    def after(self, length: int, rows: int) -> "Extent":
        """Return the extent with a batch frame of `length` bytes and `rows` rows added."""
        return replace(
            self,
            sequence=self.sequence + 1,
            frames=self.frames + 1,
            rows=self.rows + rows,
            bytes=self.bytes + length,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A damaged range of bytes; of length 0 where bytes are missing altogether."""

    offset: int
    length: int
    why: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole batch, the JSON given with it, and where its frame stands in the file."""

    batch: pa.RecordBatch
    metadata: bytes
    offset: int
    length: int


@dataclass(slots=True)
class Segment:
    """What a file holds; `extent` ends after the last valid frame, where writing may go on."""

    schema: pa.Schema | None = None
    frames: list[Frame] = field(default_factory=list)
    damaged: list[Span] = field(default_factory=list)
    sealed: bool = False
    torn: bool = False
    extent: Extent = Extent(segment_id=0)


def encode_opening(schema: pa.Schema, segment_id: int) -> bytes:
    """Encode the start of a segment: the schema, twice, since every batch rests on it."""
    message = schema.serialize()
    return b"".join(
        _encode(Kind.SCHEMA, Extent(segment_id, sequence=copy), b"", message) for copy in (0, 1)
    )


def opened(segment_id: int, opening: bytes) -> Extent:
    """Return the extent of a segment that holds its opening alone."""
    return Extent(segment_id, sequence=2, bytes=len(opening))


def encode_batch(
    batch: pa.RecordBatch, metadata: bytes, extent: Extent, *, compressed: bool = False
) -> bytes:
    """Encode one batch and its metadata (JSON) as the next frame of a segment.

    Arrow's own compression of buffers is undone by whatever reads Arrow.
    """
    message = _compressed(batch) if compressed else batch.serialize()
    return _encode(Kind.BATCH, extent, metadata, message)


def _compressed(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as stream:
        stream.write_batch(batch)
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    reader.read_next_message()  # the schema, which stands in the segment's opening
    return reader.read_next_message().serialize()


def encode_footer(extent: Extent) -> bytes:
    """Encode the frame that seals a segment: its number of batch frames, rows and bytes."""
    totals = {"frames": extent.frames, "rows": extent.rows, "bytes": extent.bytes}
    return _encode(Kind.FOOTER, extent, orjson.dumps(totals), b"")


def _encode(kind: Kind, extent: Extent, metadata: bytes, message: pa.Buffer | bytes) -> bytes:
    # Spaces after JSON are JSON still.
    metadata += b" " * (-len(metadata) % _ALIGNMENT)
    fields = _FIELDS.pack(
        MAGIC, VERSION, kind, extent.segment_id, extent.sequence, len(metadata), len(message)
    )
    checksum = xxhash.xxh3_64(fields)
    checksum.update(metadata)
    checksum.update(memoryview(message))
    header = fields + _CHECKSUM.pack(checksum.intdigest())
    return b"".join((header, metadata, memoryview(message)))


@dataclass(frozen=True, slots=True)
class _Found:
    """A frame whose checksum holds."""

    kind: int
    segment_id: int
    sequence: int
    offset: int
    metadata: memoryview
    message: memoryview

    @property
    def length(self) -> int:
        return HEADER_BYTES + len(self.metadata) + len(self.message)


def read_segment(data: bytes | memoryview | mmap.mmap, *, still_open: bool = False) -> Segment:
    """Read every undamaged frame of a file and name the damaged spans; never raise for damage.

    Pass `still_open` for a file that no writer has sealed: an invalid last part of it is then a
    torn tail, which nobody was answered for, since a writer appends only behind what it has
    synced. In a file that bears a sealed name the same part is damage. A file without one valid
    frame is damage in both, since a segment gets its name only after its opening was synced.
    """
    view = memoryview(data)
    segment = Segment()
    while not segment.sealed:
        found = _next_frame(view, segment.extent)
        if found is None:
            break
        _take(segment, found)
    end = segment.extent.bytes
    segment.torn = still_open and 0 < end < len(view)
    if segment.torn:
        return segment
    if end < len(view):
        segment.damaged.append(Span(end, len(view) - end, "no valid frame up to the end"))
        segment.extent = replace(segment.extent, bytes=len(view))
    elif not segment.sealed and not (still_open and end):
        segment.damaged.append(Span(end, 0, "the footer is missing"))
    return segment


def _next_frame(view: memoryview, extent: Extent) -> _Found | None:
    """Find the first valid frame at or after the end of an extent."""
    pattern = re.escape(MAGIC)
    if extent.sequence:
        pattern += b"(?=...." + re.escape(extent.segment_id.to_bytes(8, "little")) + b")"
    for match in re.compile(pattern, re.DOTALL).finditer(view, extent.bytes):
        found = _parse(view[match.start() :], match.start())
        if found is not None and found.sequence >= extent.sequence:
            return found
    return None


def _parse(view: memoryview, offset: int) -> _Found | None:
    """Return the frame that starts a view, or None if it is cut short or its checksum fails."""
    if len(view) < HEADER_BYTES:
        return None
    _, version, kind, segment_id, sequence, metadata_length, length = _FIELDS.unpack_from(view)
    metadata_end = HEADER_BYTES + metadata_length
    if version != VERSION or metadata_end + length > len(view):
        return None
    checksum = xxhash.xxh3_64(view[: _FIELDS.size])
    checksum.update(view[HEADER_BYTES : metadata_end + length])
    if _CHECKSUM.unpack_from(view, _FIELDS.size) != (checksum.intdigest(),):
        return None
    metadata, message = view[HEADER_BYTES:metadata_end], view[metadata_end:][:length]
    return _Found(kind, segment_id, sequence, offset, metadata, message)


def _take(segment: Segment, found: _Found) -> None:
    """Add a valid frame to a segment, and as damage whatever lies or is missing before it."""
    extent = segment.extent
    if found.offset > extent.bytes or found.sequence > extent.sequence:
        why = f"no valid frame where frame {extent.sequence} should be"
        segment.damaged.append(Span(extent.bytes, found.offset - extent.bytes, why))
    segment.extent = Extent(
        found.segment_id,
        found.sequence + 1,
        extent.frames,
        extent.rows,
        found.offset + found.length,
    )
    if found.kind == Kind.SCHEMA:
        segment.schema = pa.ipc.read_schema(pa.py_buffer(found.message))
    elif found.kind == Kind.BATCH:
        _take_batch(segment, found)
    elif found.kind == Kind.FOOTER:
        segment.sealed = True
        _check_totals(segment, found)


def _take_batch(segment: Segment, found: _Found) -> None:
    if segment.schema is None:
        why = "the schema that this frame rests on is damaged"
        segment.damaged.append(Span(found.offset, found.length, why))
        return
    batch = pa.ipc.read_record_batch(pa.py_buffer(found.message), segment.schema)
    frame = Frame(batch, bytes(found.metadata).rstrip(), found.offset, found.length)
    segment.frames.append(frame)
    segment.extent = replace(
        segment.extent,
        frames=segment.extent.frames + 1,
        rows=segment.extent.rows + batch.num_rows,
    )


def _check_totals(segment: Segment, footer: _Found) -> None:
    extent = segment.extent
    found = {"frames": extent.frames, "rows": extent.rows, "bytes": footer.offset}
    written = orjson.loads(footer.metadata)
    if not segment.damaged and written != found:
        why = f"the footer counts {written}, the file holds {found}"
        segment.damaged.append(Span(footer.offset, 0, why))
