"""The row that the collector hands to the loader: what decided the answer, and what was sent.

Everything that can be derived later from these columns is derived by the loader.
"""

from typing import Any, NamedTuple

import pyarrow as pa


class Row(NamedTuple):
    """One received event, accepted (`reason` empty) or rejected, as it lies in the spool."""

    arrival: int
    source: str
    server: bool
    event_id: bytes
    event_type: str
    event_name: str
    sent_name: str
    schema_version: str
    planned: bool
    event_time: int
    sent_at: int | None
    payload: bytes
    user_agent: str
    ip: str
    page: str
    reason: str
    path: str
    detail: str
    replayed: bool
    run: str


_TIME = pa.timestamp("us", tz="UTC")

_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("arrival", pa.uint64(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("server", pa.bool_(), nullable=False),
    pa.field("event_id", pa.binary(16), nullable=False),
    pa.field("event_type", pa.string(), nullable=False),
    pa.field("event_name", pa.string(), nullable=False),
    pa.field("sent_name", pa.string(), nullable=False),
    pa.field("schema_version", pa.string(), nullable=False),
    pa.field("planned", pa.bool_(), nullable=False),
    pa.field("event_time", _TIME, nullable=False),
    pa.field("sent_at", _TIME),
    pa.field("payload", pa.binary(), nullable=False),
    pa.field("user_agent", pa.string(), nullable=False),
    pa.field("ip", pa.string(), nullable=False),
    pa.field("page", pa.string(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("path", pa.string(), nullable=False),
    pa.field("detail", pa.string(), nullable=False),
    pa.field("replayed", pa.bool_(), nullable=False),
    pa.field("run", pa.string(), nullable=False),
]

SCHEMA = pa.schema(_FIELDS)
"""Arrow schema of a segment: the fields of `Row`, in order; times are microseconds UTC."""

MAX_RUN_LENGTH = 100
"""What is longer is no run's id; it is cut, so that no registered one is meant by it."""

RECEIPT_BITS = 12
"""An arrival number is the microsecond of receipt shifted left by this, and a worker's mark."""


def received_at(arrival: int) -> int:
    """Microseconds since the epoch at which the event with this arrival number was received."""
    return arrival >> RECEIPT_BITS


def of_this_version(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch of rows, which an earlier version may have spooled, with the fields of `Row`.

    A field that they lack is empty: nothing where that may be, else "", 0 or false. Raises
    ValueError for fields that are not known here.
    """
    if batch.schema.equals(SCHEMA):
        return batch
    held = set(batch.schema.names)
    if unknown := held - set(SCHEMA.names):
        raise ValueError(
            f"The spool holds rows of a newer version, with {', '.join(sorted(unknown))};"
            " start that version again."
        )
    columns = [
        batch.column(field.name) if field.name in held else _empty(field, batch.num_rows)
        for field in _FIELDS
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


_EMPTY: "dict[pa.DataType, object]" = {pa.string(): "", pa.binary(): b"", pa.bool_(): False}


def _empty(field: "pa.Field[Any]", rows: int) -> "pa.Array[Any]":
    value = None if field.nullable else _EMPTY.get(field.type, 0)
    empty: pa.Array[Any] = pa.array([value] * rows, field.type)
    return empty
