"""From the frames of a load's segments to the tables that are inserted for it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest.row import ARRIVAL_BITS, SCHEMA
from ingest.segment import Frame
from transforms.columns import Around, Call, Surroundings, read_call, read_surroundings

_TIME = pa.timestamp("us", tz="UTC")
_KEPT = (
    "source",
    "event_id",
    "arrival",
    "server",
    "event_time",
    "sent_at",
    "event_type",
    "event_name",
    "sent_name",
    "schema_version",
    "planned",
    "ip",
    "payload",
)
_REJECTED = (
    "source",
    "arrival",
    "event_id",
    "server",
    "event_time",
    "sent_at",
    "event_type",
    "event_name",
    "sent_name",
    "schema_version",
    "reason",
    "path",
    "detail",
    "page",
    "user_agent",
    "ip",
    "payload",
)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a load in order: accepted ones, replayed ones among them, and rejected ones."""

    accepted: pa.Table
    rejected: pa.Table


def rows_of(frames: Iterable[Frame]) -> Rows:
    """Gather the rows of frames, apart by outcome."""
    batches = [frame.batch for frame in frames]
    rows = pa.Table.from_batches(batches, SCHEMA)
    is_rejected = pc.not_equal(rows["reason"], pa.scalar(""))
    rejected = rows.filter(is_rejected)
    accepted = rows.filter(pc.invert(is_rejected)) if rejected.num_rows else rows
    return Rows(accepted, rejected)


def received_table(segments: Iterable[tuple[Path, Sequence[Frame]]]) -> pa.Table:
    """Build `received_raw`: the counts that stand in the metadata of each frame."""
    rows = [
        (path.name, frame.offset, *_source_and_minute(key), count)
        for path, frames in segments
        for frame in frames
        for key, count in orjson.loads(frame.metadata)["received"].items()
    ]
    names = ("segment", "frame", "source", "minute", "events")
    types = (pa.string(), pa.uint64(), pa.string(), pa.timestamp("s", tz="UTC"), pa.uint64())
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    return pa.table(dict(zip(names, arrays, strict=True)))


def _source_and_minute(key: str) -> tuple[str, int]:
    source, _, minute = key.rpartition("|")
    return source, int(minute) * 60


def event_table(accepted: pa.Table) -> pa.Table:
    """Build `events_raw` from accepted rows: what the collector noted, and what is derived."""
    columns: dict[str, Any] = {name: _encoded(accepted[name]) for name in _KEPT}
    columns["received_at"] = _received_at(accepted)
    calls = [read_call(*sent) for sent in _rows(accepted, "payload", "event_type")]
    requests = _rows(accepted, "server", "user_agent", "page")
    around = [
        (call.context, call.page, *request) for call, request in zip(calls, requests, strict=True)
    ]
    columns |= _by_column(Call, calls) | _surroundings(around)
    for name in ("context", "page"):
        del columns[name]
    return pa.table(columns)


def _rows(table: pa.Table, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _surroundings(around: Sequence[tuple[Any, ...]]) -> dict[str, "pa.Array[Any]"]:
    """Derive each distinct context and request once; the events of a page view share theirs."""
    distinct: dict[tuple[Any, ...], int] = {}
    numbers = pa.array([distinct.setdefault(one, len(distinct)) for one in around], pa.int32())
    derived = _by_column(Surroundings, [read_surroundings(Around(*one)) for one in distinct])
    return {name: _encoded(column).take(numbers) for name, column in derived.items()}


def _encoded(column: Any) -> Any:
    """Encode text by dictionary: few values stand in many rows, and the engine reads them so."""
    return column.dictionary_encode() if column.type == pa.string() else column


def rejected_table(rejected: pa.Table) -> pa.Table:
    """Build `rejected_raw` from rejected rows, or from replayed ones that have landed."""
    columns: dict[str, Any] = {name: rejected[name] for name in _REJECTED}
    columns["received_at"] = _received_at(rejected)
    columns["replayed"] = rejected["replayed"].cast(pa.uint8())
    return pa.table(columns)


def taken_back_table(accepted: pa.Table, refused: Collection[int]) -> pa.Table:
    """Take back the rejections of replayed rows, but of those whose row number was refused."""
    landed = pa.array([row not in refused for row in range(accepted.num_rows)], pa.bool_())
    return rejected_table(accepted.filter(pc.and_(accepted["replayed"], landed)))


def refused_table(row: pa.Table, reason: str, error: str) -> pa.Table:
    """Turn one accepted row that the warehouse refuses into a rejected one."""
    changes = {"reason": reason, "detail": error, "path": "$", "replayed": False}
    for name, value in changes.items():
        column = pa.array([value] * row.num_rows, row.schema.field(name).type)
        row = row.set_column(row.schema.get_field_index(name), name, column)
    return rejected_table(row)


_TYPES = {bool: pa.bool_(), str: pa.string(), bytes: pa.binary()}


def _by_column(
    kind: type[NamedTuple], rows: Sequence[tuple[Any, ...]]
) -> dict[str, "pa.Array[Any]"]:
    """Turn named tuples into one array a field, also where there are none."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(kind._fields)
    types = (_TYPES[type_] for type_ in kind.__annotations__.values())
    return {
        name: pa.array(column, type_)
        for name, column, type_ in zip(kind._fields, columns, types, strict=True)
    }


def _received_at(rows: pa.Table) -> "pa.ChunkedArray[Any]":
    microseconds = pc.shift_right(rows["arrival"], pa.scalar(ARRIVAL_BITS, pa.uint64()))
    return microseconds.cast(pa.int64()).cast(_TIME)
