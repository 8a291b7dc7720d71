"""The loader: sealed segments become large inserts, each repeatable until it is known to stand.

It runs in the warehouse process, sees collectors only through the folder of segments, and lets a
segment go when the warehouse has made its rows durable.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from tenacity import Retrying, retry_if_not_exception_type, stop_when_event_set
from tenacity.wait import wait_random_exponential

from ingest.disk import Disk
from ingest.load import Load, Loads, Part, plan
from ingest.metrics import LoaderSnapshot, write_snapshot
from ingest.rejection import Reason
from ingest.segment import Frame, read_segment
from ingest.spool import LOCAL_DISK, quarantine, recover, sealed
from ingest.tables import (
    Rows,
    event_table,
    received_table,
    refused_table,
    rejected_table,
    rows_of,
)

log = logging.getLogger(__name__)

DATA_ERRORS = frozenset({6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 407, 469})
"""ClickHouse error codes that blame the rows (cannot parse, convert or fit, or break a constraint).

Every other error is retried and rejects nothing.
"""

_SETTINGS = {
    "async_insert": "0",
    "insert_deduplicate": "1",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
}


class DataError(Exception):
    """The warehouse refuses a row of an insert, and always will."""


@dataclass(frozen=True, slots=True)
class LoaderConfig:
    """Where segments lie and how much one load may take; `poll_s` is the pause when idle."""

    spool: Path
    run_folder: Path
    max_load_bytes: int = 64 * 1024 * 1024
    poll_s: float = 0.1
    longest_wait_s: float = 30.0


@dataclass
class Loader:
    """Loads until `stop` is set; `connect` opens the warehouse anew after an error."""

    config: LoaderConfig
    connect: Callable[[], Client]
    disk: Disk = LOCAL_DISK
    stop: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._loads = Loads(self.config.spool, self.disk)
        self._client: Client | None = None
        self._state = LoaderSnapshot(0.0, 0, 0, 0)

    def run(self) -> None:
        """Load whatever comes until `stop` is set."""
        while not self.stop.is_set():
            if not self.load_once():
                self.stop.wait(self.config.poll_s)

    def load_once(self) -> bool:
        """Do one load if there is one to do; False when the spool has nothing sealed."""
        load = self._next()
        self._publish()
        if load is None:
            return False
        self._insert_all(load)
        if self.stop.is_set() and self._client is None:
            return False
        self._publish()
        return True

    def _next(self) -> Load | None:
        under_way = self._loads.under_way()
        if under_way:
            return under_way[0]
        recover(self.config.spool, self.disk)
        segments = sealed(self.config.spool, self.disk)
        if not segments:
            return None
        load = plan(segments, self.config.max_load_bytes)
        self._loads.fix(load)
        return load

    def _insert_all(self, load: Load) -> None:
        segments = [(path, self._frames(path)) for path in map(self._path, load.segments)]
        rows = rows_of(frame for _, frames in segments for frame in frames)
        if not self._insert("received_raw", received_table(segments), load.token("received_raw")):
            return
        table = rejected_table(rows.rejected)
        if not self._insert("rejected_raw", table, load.token("rejected_raw")):
            return
        if not self._insert_accepted(load, rows):
            return
        self._loads.finish(load)
        self._state.loaded_rows_total += rows.accepted.num_rows - len(load.refused)
        self._state.refused_rows_total += len(load.refused)

    def _path(self, name: str) -> Path:
        return self.config.spool / name

    def _frames(self, path: Path) -> list[Frame]:
        segment = read_segment(self.disk.read(path))
        if segment.damaged:
            quarantine(path, segment.damaged, self.disk)
            log.error(
                "segment damaged, bytes set aside",
                extra={"segment": path.name, "spans": len(segment.damaged)},
            )
        return segment.frames

    def _insert_accepted(self, load: Load, rows: Rows) -> bool:
        """Insert the accepted rows, cutting out those that the warehouse refuses."""
        count = rows.accepted.num_rows
        while True:
            try:
                inserted = all(
                    self._insert_part(load, part, rows.accepted) for part in load.cut(count)
                )
            except _PartRefused as refused:
                load.split(refused.part, count, refused.error)
                self._loads.fix(load)
                continue
            return inserted and self._insert_refused(load, rows.accepted)

    def _insert_part(self, load: Load, part: Part, accepted: pa.Table) -> bool:
        slice_ = accepted.slice(part.start, part.end - part.start)
        try:
            return self._insert("events_raw", event_table(slice_), load.token("events_raw", part))
        except DataError as error:
            raise _PartRefused(part, str(error)) from error

    def _insert_refused(self, load: Load, accepted: pa.Table) -> bool:
        return all(
            self._insert(
                "rejected_raw",
                refused_table(
                    accepted.slice(refused.row, 1), Reason.REFUSED_BY_WAREHOUSE, refused.error
                ),
                load.token(f"refused_{refused.row}"),
            )
            for refused in load.refused
        )

    def _insert(self, table: str, rows: pa.Table, token: str) -> bool:
        """Insert under a token, trying again until it stands; False when stopped before that."""
        if not rows.num_rows:
            return True
        attempts = Retrying(
            wait=wait_random_exponential(multiplier=0.2, max=self.config.longest_wait_s),
            retry=retry_if_not_exception_type(DataError),
            stop=stop_when_event_set(self.stop),
            sleep=self.stop.wait,
            before_sleep=self._note_retry,
            retry_error_callback=lambda _: False,
        )
        settings = _SETTINGS | {"insert_deduplication_token": token}
        return bool(attempts(self._attempt, table, rows, settings))

    def _attempt(self, table: str, rows: pa.Table, settings: dict[str, Any]) -> bool:
        try:
            self._client = self._client or self.connect()
            self._client.insert_arrow(table, rows, settings=settings)
        except ClickHouseError as error:
            if error.code in DATA_ERRORS:
                raise DataError(str(error)[:500]) from error
            self._disconnect()
            raise
        except Exception:
            self._disconnect()
            raise
        return True

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _note_retry(self, attempt: Any) -> None:
        error = attempt.outcome.exception()
        self._state.retries_total += 1
        self._state.last_error = str(error)[:500]
        log.warning("insert failed, trying again", extra={"error": self._state.last_error})
        self._publish()

    def _publish(self) -> None:
        segments = sealed(self.config.spool, self.disk)
        oldest_us = int(segments[0].name.partition("-")[0]) if segments else None
        self._state.lag_s = max(0.0, time.time() - oldest_us / 1e6) if oldest_us else 0.0
        write_snapshot(self.config.run_folder / "loader.json", self._state)


class _PartRefused(Exception):
    """A part holds a row that the warehouse refuses."""

    def __init__(self, part: Part, error: str) -> None:
        super().__init__(error)
        self.part = part
        self.error = error
