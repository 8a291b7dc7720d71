"""Judges rejected events again by today's plan; those that pass go back into the spool.

They keep the arrival number of their first receipt, so that their time, their place in the ledger
and their precedence over later copies are those of then, and doing it twice changes nothing.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pyarrow as pa
from jsonschema_rs import ValidationError

from funnelhouse.ingest.log.depth import measure
from funnelhouse.ingest.log.disk import Disk
from funnelhouse.ingest.log.durability import SpoolFull
from funnelhouse.ingest.log.row import SCHEMA, Row, received_at
from funnelhouse.ingest.log.spool import SpoolConfig
from funnelhouse.ingest.log.writer import SegmentWriter
from funnelhouse.ingest.validation.event import Origin, properties_field
from funnelhouse.ingest.validation.limits import json_path
from funnelhouse.ingest.validation.pending_event import PendingEvent, Rules
from funnelhouse.ingest.validation.pipeline import row_of
from funnelhouse.ingest.validation.rejection import Reason
from funnelhouse.ingest.validation.steps import validate
from funnelhouse.schemas.registry import EventSchema
from funnelhouse.transforms.redaction.names import folded
from funnelhouse.transforms.redaction.patterns import HASHED

_NOT_COUNTED_AGAIN = orjson.dumps({"received": {}})


class RejectedEvent(NamedTuple):
    """A row of the view `rejected_events`, as far as judging it again needs it."""

    arrival: int
    source: str
    server: bool
    event_id: str
    event_type: str
    sent_at: int | None
    payload: bytes
    user_agent: str
    ip: str
    page: str
    reason: str
    path: str
    sent_name: str = ""


Group = tuple[str, str, str]
"""What rejected events are grouped by: the reason they had, their name as sent, and the path."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events were judged again, and how many of them pass, by group and by reason."""

    groups_judged: Counter[Group] = field(default_factory=Counter)
    groups_passed: Counter[Group] = field(default_factory=Counter)

    @property
    def judged(self) -> Counter[str]:
        """Count all that were judged, by the reason they had."""
        return _by_reason(self.groups_judged)

    @property
    def passed(self) -> Counter[str]:
        """Count those that pass, by the reason they had."""
        return _by_reason(self.groups_passed)


def read_rejected(table: pa.Table) -> list[RejectedEvent]:
    """Read rows whose columns are the fields of `RejectedEvent`; `sent_at` is in microseconds."""
    at = table.schema.get_field_index("payload")
    # What was kept of an unreadable body need not be Unicode.
    table = table.set_column(at, "payload", table["payload"].cast(pa.binary()))
    columns = (table[name].to_pylist() for name in RejectedEvent._fields)
    return [RejectedEvent(*values) for values in zip(*columns, strict=True)]


def rejudge(rejected: RejectedEvent, rules: Rules) -> Row | None:
    """Judge one rejected event by the steps that a new one passes; None when it still fails.

    A personal value is known by its hash alone: what a schema finds in a hash (its length, its
    format) is no fault, unless that value was the reason of the rejection.
    """
    item = None if _is_for_good(rejected) else _item(rejected)
    if item is None:
        return None
    # Its size was judged when it came, and hashes may be longer than what they hide.
    rules = replace(rules, limits=replace(rules.limits, max_event_bytes=len(rejected.payload)))
    arrival = rejected.arrival
    draft = PendingEvent(item, rejected.payload, arrival, rejected.sent_at, received_at(arrival))
    validate([draft], rules)
    rejection, draft.rejection = draft.rejection, None
    if rejection is not None:
        schema = draft.schema if rejection.reason == Reason.SCHEMA else None
        if schema is None or not _only_hashes(draft, schema, rejected.path):
            return None
    origin = Origin(
        rejected.source, rejected.server, rejected.user_agent, rejected.ip, rejected.page
    )
    row = row_of(draft, origin, rules, rules.redaction.begin())
    # An id that was drawn at random must stay: the rejected row is found by it.
    return row._replace(event_id=UUID(rejected.event_id).bytes, replayed=True)


def passing(
    pages: Iterable[Sequence[RejectedEvent]], rules: Rules, tally: Tally
) -> Iterator[list[Row]]:
    """Judge page after page, count into `tally`, and yield the rows of each that pass."""
    for page in pages:
        rows = []
        for rejected in page:
            row = rejudge(rejected, rules)
            group = (rejected.reason, rejected.sent_name, rejected.path)
            tally.groups_judged[group] += 1
            if row is not None:
                tally.groups_passed[group] += 1
                rows.append(row)
        yield rows


def _by_reason(groups: Counter[Group]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (reason, _, _), count in groups.items():
        counts[reason] += count
    return counts


def respool(batches: Iterable[Sequence[Row]], config: SpoolConfig, disk: Disk) -> int:
    """Write rows into sealed segments of the spool; returns the number of rows.

    Raises:
        SpoolFull: there is no room; rows already written load, and writing them again is harmless.
        SyncFailed: what is on the disk is unknown; the same holds.
    """
    disk.make_folder(config.folder)
    writer: SegmentWriter | None = None
    count = 0
    for rows in filter(None, batches):
        if measure(config.folder, 0.0, disk).bytes >= config.max_bytes:
            raise SpoolFull("The spool is full; let the loader catch up, then replay again.")
        writer = writer or SegmentWriter(config.folder, SCHEMA, disk, _segment_name())
        writer.write(_batch(rows), _NOT_COUNTED_AGAIN)
        count += len(rows)
        if writer.size >= config.segment_bytes:
            writer.seal()
            writer = None
    if writer is not None:
        writer.seal()
    return count


def _is_for_good(rejected: RejectedEvent) -> bool:
    """Whether a rejection hangs on no plan: the sender had no right, or no reader took the text.

    What is kept of such text is not all of it where something personal was hidden in it.
    """
    if rejected.reason == Reason.UNREADABLE_BODY:
        return rejected.event_type != ""  # that of a single call; others may hold sound ones
    return rejected.reason in _FOR_GOOD


_FOR_GOOD = {Reason.FORBIDDEN_ORIGIN, Reason.UNREADABLE_EVENT, Reason.DUPLICATE_KEY}


def _item(rejected: RejectedEvent) -> dict[str, Any] | None:
    try:
        item: Any = orjson.loads(rejected.payload)
    except orjson.JSONDecodeError:
        return None
    if type(item) is not dict:
        return None
    if rejected.event_type:
        # A single call says its type by its path, not in its text.
        item["type"] = rejected.event_type
    return item


def _only_hashes(draft: PendingEvent, schema: EventSchema, reason_path: str) -> bool:
    """Whether every fault lies in a hash, and none in the value that was the reason."""
    root = properties_field(draft.type)
    return all(
        _lies_in_a_hash(fault, schema) and json_path([root, *fault.instance_path]) != reason_path
        for fault in schema.validator.iter_errors(draft.properties)
    )


def _lies_in_a_hash(fault: ValidationError, schema: EventSchema) -> bool:
    """Whether a marked value is a hash, or a text is of the wrong form since one stands in it."""
    if type(fault.instance) is not str or HASHED.search(fault.instance) is None:
        return False
    if fault.schema_path and fault.schema_path[-1] in _FORMS:
        return True
    names = [folded(key) for key in fault.instance_path if type(key) is str]
    return any(names == [folded(key) for key in path if key != "*"] for path in schema.personal)


_FORMS = frozenset({"maxLength", "minLength", "pattern", "format"})


def _segment_name() -> str:
    return f"{time_ns() // 1000:016d}-replay_{secrets.token_hex(4)}-1"


def _batch(rows: Sequence[Row]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, SCHEMA.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
