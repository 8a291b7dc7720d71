"""From the frames of a load's segments to the tables that are inserted for it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from funnelhouse.ingest.log.row import RECEIPT_BITS, SCHEMA, of_this_version
from funnelhouse.ingest.log.segment import Frame
from funnelhouse.transforms.columns import (
    EventContext,
    EventFields,
    RequestFacts,
    read_call,
    read_surroundings,
)

_TIME = pa.timestamp("us", tz="UTC")
_AT_ONCE = 1024
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
    """The rows of a load in order: accepted ones, replayed ones among them, and rejected ones.

    `of_runs` are those of registered test runs, whatever their outcome.
    """

    accepted: pa.Table
    rejected: pa.Table
    of_runs: pa.Table


Registered = Callable[[Collection[str]], Mapping[str, tuple[int, int]]]
"""Finds which runs are registered: from when until when, in microseconds since the epoch."""


def no_runs(_names: Collection[str]) -> Mapping[str, tuple[int, int]]:
    """Find no run registered."""
    return {}


def rows_of(frames: Iterable[Frame], registered: Registered = no_runs) -> Rows:
    """Gather the rows of frames, apart by outcome, those of registered runs on their own."""
    batches = [of_this_version(frame.batch) for frame in frames]
    rows = pa.Table.from_batches(batches, SCHEMA).combine_chunks()
    is_of_run = _are_of_runs(rows, registered)
    of_runs = rows.filter(is_of_run)
    rows = rows.filter(pc.invert(is_of_run)) if of_runs.num_rows else rows
    is_rejected = pc.not_equal(rows["reason"], pa.scalar(""))
    rejected = rows.filter(is_rejected)
    accepted = rows.filter(pc.invert(is_rejected)) if rejected.num_rows else rows
    return Rows(accepted, rejected, of_runs)


def _are_of_runs(rows: pa.Table, registered: Registered) -> Any:
    """Say of each row whether it came while the run that it names was under way.

    It hangs on the moment of receipt alone, so that a repeated load comes to the same.
    """
    named = [name for name in pc.unique(rows["run"]).to_pylist() if name]
    known = registered(named) if named else {}
    of_run: Any = pa.array([False] * rows.num_rows, pa.bool_())
    if not known:
        return of_run
    times = pc.shift_right(rows["arrival"], pa.scalar(RECEIPT_BITS, pa.uint64())).to_numpy()
    for name, (start, end) in known.items():
        within = pa.array((times >= start) & (times < end))
        of_run = pc.or_(of_run, pc.and_(pc.equal(rows["run"], pa.scalar(name)), within))
    return of_run


def run_rejected_table(of_runs: pa.Table) -> pa.Table:
    """Build `run_events_raw` from rejected rows of runs; the page is the one that sent them."""
    table = rejected_table(of_runs).drop_columns(["replayed"])
    names = ["page_url" if name == "page" else name for name in table.column_names]
    return table.rename_columns(names).append_column("run", of_runs["run"])


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
    calls = _calls(accepted)
    own = {name: calls[name] for name in ("anonymous_id", "user_id", "properties")}
    request = (accepted[name] for name in ("server", "user_agent", "page"))
    around = pa.table([calls["context"], calls["page"], *request], list(EventContext._fields))
    return pa.table(columns | own | _surroundings(around))


def _calls(accepted: pa.Table) -> pa.Table:
    """Read payloads, few at a time: their Python objects then stay in the processor's cache."""
    sent = accepted.select(["payload", "event_type"]).to_batches(max_chunksize=_AT_ONCE)
    batches = [_batch(EventFields, [read_call(*one) for one in _rows(some)]) for some in sent]
    return pa.Table.from_batches(batches, _schema(EventFields)).combine_chunks()


def _surroundings(around: pa.Table) -> dict[str, Any]:
    """Derive each distinct context and request once; the events of a page view share theirs."""
    row = pa.array(range(around.num_rows), pa.int32())
    sharing = around.append_column("row", row).group_by(around.column_names, use_threads=False)
    distinct = sharing.aggregate([("row", "list")])
    rows = distinct["row_list"]
    number_of_row = pc.list_parent_indices(rows).take(pc.sort_indices(pc.list_flatten(rows)))
    sent = _rows(distinct.select(around.column_names))
    derived = _batch(RequestFacts, [read_surroundings(EventContext(*one)) for one in sent])
    return {name: _encoded(derived[name]).take(number_of_row) for name in RequestFacts._fields}


def _rows(table: pa.Table | pa.RecordBatch) -> Iterable[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


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


def refused(rows: pa.Table, reason: str, error: str) -> pa.Table:
    """Turn accepted rows that the warehouse refuses into rejected ones."""
    changes = {"reason": reason, "detail": error, "path": "$", "replayed": False}
    for name, value in changes.items():
        column = pa.array([value] * rows.num_rows, rows.schema.field(name).type)
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    return rows


_TYPES: "dict[object, pa.DataType]" = {bool: pa.bool_(), str: pa.string(), bytes: pa.binary()}


def _schema(kind: type[NamedTuple]) -> pa.Schema:
    return pa.schema([(name, _TYPES[type_]) for name, type_ in kind.__annotations__.items()])


def _batch(kind: type[NamedTuple], rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Turn named tuples into columns, also where there are none."""
    schema = _schema(kind)
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _received_at(rows: pa.Table) -> "pa.ChunkedArray[Any]":
    microseconds = pc.shift_right(rows["arrival"], pa.scalar(RECEIPT_BITS, pa.uint64()))
    return microseconds.cast(pa.int64()).cast(_TIME)
