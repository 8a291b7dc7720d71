"""The loader: sealed segments become large inserts, each repeatable until it is known to stand.

It runs in the warehouse process, sees collectors only through the folder of segments, and lets a
segment go when the warehouse has made its rows durable.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

from funnelhouse.ingest.loader.batch_reader import BatchReader, LoadBatch, derived_from
from funnelhouse.ingest.loader.inserter import DataError, Inserter, InserterStopped
from funnelhouse.ingest.loader.manifest import LoadManifest, ManifestFolder, Part, plan
from funnelhouse.ingest.loader.refresh_queue import CommittedLoad, RefreshQueue
from funnelhouse.ingest.loader.tables import (
    refused,
    rejected_table,
    run_rejected_table,
    taken_back_table,
)
from funnelhouse.ingest.log.disk import LOCAL_DISK, Disk
from funnelhouse.ingest.log.recovery import recover, sealed
from funnelhouse.ingest.metrics import LoaderSnapshot, write_snapshot
from funnelhouse.ingest.validation.rejection import Reason
from funnelhouse.sql.fair_lock import FairLock
from funnelhouse.sql.refresh import BATCH_COLUMNS, Refresh

log = logging.getLogger(__name__)

_REFUSED = Reason.REFUSED_BY_WAREHOUSE


@dataclass(frozen=True, slots=True)
class LoaderConfig:
    """Where segments lie and how much one load may take; `poll_s` is the pause when idle."""

    spool: Path
    run_folder: Path
    max_load_bytes: int
    poll_s: float = 0.1
    longest_wait_s: float = 30.0


class Loader:
    """Loads until `stop` is set; `connect` opens the warehouse, anew after each error.

    While one load is inserted, a thread refreshes people of those before it, and in a backlog
    the columns of the next are derived in another: the engine works without Python's lock.
    """

    def __init__(
        self,
        config: LoaderConfig,
        connect: Callable[[], Client],
        refresh: Refresh,
        disk: Disk = LOCAL_DISK,
    ) -> None:
        self.stop = Event()
        self._config = config
        self._refresh = refresh
        self._disk = disk
        self._loads = ManifestFolder(config.spool, disk)
        self._insertion, asking, refreshing = (
            Inserter(connect, self.stop, self._note_retry, config.longest_wait_s) for _ in range(3)
        )
        self._preparation = BatchReader(config.spool, disk, asking)
        self._landing = RefreshQueue(refresh, refreshing, self._landed)
        self._state = LoaderSnapshot(0.0, 0, 0, 0)
        self._announced: set[str] = set()
        self._thread = ThreadPoolExecutor(1, "derive")
        self._ahead: Future[LoadBatch] | None = None
        self._loading = FairLock()
        self._behind = False

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Have all that was loaded landed, and load nothing within a `with` block.

        Raises:
            ValueError: the loader was told to stop before that.
        """
        with self._loading:
            try:
                self._landing.end()
            except InserterStopped as error:
                raise ValueError("The product is being stopped; ask again when it runs.") from error
            yield

    def run(self) -> None:
        """Load whatever comes until `stop` is set; connect at once, since others wait for it."""
        with suppress(InserterStopped):
            self._insertion.open()
        while not self.stop.is_set():
            if not self.load_once():
                self.stop.wait(self._config.poll_s)

    def load_once(self) -> bool:
        """Do one load if there is one to do; False when all have landed, or it was told to stop."""
        self._publish()
        try:
            with self._loading:
                return self._load()
        except InserterStopped:
            return False

    def _load(self) -> bool:
        prepared = self._prepared()
        if prepared is None:
            return self._landing.wait(self._config.poll_s)
        # Without a backlog what is fixed later holds more of what has come, and it is seen sooner.
        if self._behind:
            self._prepare_ahead(prepared.load)
        self._landing.add(self._insert(prepared))
        self._landing.go_on(behind=self._behind)
        return True

    def _prepared(self) -> LoadBatch | None:
        """Take what was prepared ahead, or prepare what there is to load."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            return ahead.result()
        load = self._next(self._landing.loads)
        return None if load is None else self._preparation.prepare(load)

    def _prepare_ahead(self, current: LoadManifest) -> None:
        following = self._next([current, *self._landing.loads])
        if following is not None:
            self._ahead = self._thread.submit(self._preparation.prepare, following)

    def _next(self, taken: list[LoadManifest]) -> LoadManifest | None:
        """Fix the next load on disk, of segments that no `taken` load has, if there are any."""
        self._behind = False
        names = {load.name for load in taken}
        for load in self._loads.under_way():
            if load.name not in names:
                return load
        recover(self._config.spool, self._disk)
        segments = sealed(self._config.spool, self._disk)
        self._announce(segments)
        taken_segments = {name for load in taken for name in load.segments}
        waiting = [path for path in segments if path.name not in taken_segments]
        if not waiting:
            return None
        load = plan(waiting, self._config.max_load_bytes)
        self._behind = len(load.segments) < len(waiting)
        self._loads.fix(load)
        return load

    def _announce(self, segments: list[Path]) -> None:
        """Tell the ledger what sealed segments were received with, before any row of them lands."""
        new = [path for path in segments if path.name not in self._announced]
        if new:
            received = self._preparation.received(new)
            self._insertion.insert("received_raw", received, f"{new[0].stem}+{len(new)}-received")
        self._announced = {path.name for path in segments}

    def _insert(self, prepared: LoadBatch) -> CommittedLoad:
        """Insert the rows of a load, whose people are to be refreshed before it has landed."""
        load, rows = prepared.load, prepared.rows
        insert = self._insertion.insert
        insert("rejected_raw", rejected_table(rows.rejected), load.token("rejected_raw"))
        self._insert_runs(rows.of_runs, load)
        with self._refresh.rules:
            while (touched := self._insert_accepted(prepared)) is None:
                self._loads.fix(load)
        for one in load.refused:
            row = rows.accepted.slice(one.row, 1)
            table = rejected_table(refused(row, _REFUSED, one.error))
            insert("rejected_raw", table, load.token(f"refused_{one.row}"))
        taken_back = taken_back_table(rows.accepted, {one.row for one in load.refused})
        insert("rejected_raw", taken_back, load.token("taken_back"))
        return CommittedLoad(load, touched, rows.accepted.num_rows)

    def _landed(self, inserted: CommittedLoad) -> None:
        """Say that a load stands in every view, and let it go."""
        load = inserted.load
        segments = pa.table({"segment": load.segments})
        self._insertion.insert("landed_segments", segments, load.token("landed"))
        self._loads.finish(load)
        self._state.loaded_rows_total += inserted.rows - len(load.refused)
        self._state.refused_rows_total += len(load.refused)
        self._publish()

    def _insert_runs(self, of_runs: pa.Table, load: LoadManifest) -> None:
        """Insert the rows of test runs; what is refused of one load is kept as rejected."""
        is_rejected = pc.not_equal(of_runs["reason"], pa.scalar(""))
        accepted, rejected = of_runs.filter(pc.invert(is_rejected)), of_runs.filter(is_rejected)
        derived = derived_from(accepted)
        try:
            if isinstance(derived, DataError):
                raise derived
            events = derived.append_column("run", accepted["run"])
            self._insertion.insert("run_events_raw", events, load.token("run_events"))
        except DataError as error:
            rejected = pa.concat_tables([rejected, refused(accepted, _REFUSED, str(error))])
        self._insertion.insert(
            "run_events_raw", run_rejected_table(rejected), load.token("run_rejected")
        )

    def _insert_accepted(self, prepared: LoadBatch) -> list[pa.Table] | None:
        """Insert the accepted rows in their parts; None when a part was refused, and is split.

        Returns by what the people of each part are found.
        """
        load, count = prepared.load, prepared.rows.accepted.num_rows
        touched = []
        for part in load.cut(count):
            try:
                events = self._insert_part(prepared, part)
            except DataError as error:
                load.split(part, count, str(error))
                return None
            if events.num_rows:
                touched.append(events.select(BATCH_COLUMNS))
        return touched

    def _insert_part(self, prepared: LoadBatch, part: Part) -> pa.Table:
        events = prepared.events
        if isinstance(events, DataError):
            events = derived_from(prepared.rows.accepted.slice(part.start, part.end - part.start))
        else:
            events = events.slice(part.start, part.end - part.start)
        if isinstance(events, DataError):
            raise events
        self._insertion.insert("events_raw", events, prepared.load.token("events_raw", part))
        return events

    def _note_retry(self, error: str) -> None:
        self._state.retries_total += 1
        self._state.last_error = error
        log.warning("insert failed, trying again", extra={"error": error})
        self._publish()

    def _publish(self) -> None:
        segments = sealed(self._config.spool, self._disk)
        oldest_us = int(segments[0].name.partition("-")[0]) if segments else None
        self._state.lag_s = max(0.0, time.time() - oldest_us / 1e6) if oldest_us else 0.0
        write_snapshot(self._config.run_folder / "loader.json", self._state)
