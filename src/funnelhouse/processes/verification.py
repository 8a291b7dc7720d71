"""Verifies the data nightly and when asked: spool, parts, counts and secret; keeps the last result.

Which parts there are is written down every minute, so that the next start misses one that is gone.
"""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from zoneinfo import ZoneInfo

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.ingest.log.depth import measure
from funnelhouse.ingest.log.disk import LOCAL_DISK
from funnelhouse.ingest.log.recovery import damaged_folder, sealed
from funnelhouse.ingest.log.row import RECEIPT_BITS
from funnelhouse.ingest.log.segment import read_segment
from funnelhouse.ingest.metrics import VerificationSnapshot, read_snapshot, write_snapshot
from funnelhouse.processes.fingerprint import check_secret
from funnelhouse.processes.secret import SecretError
from funnelhouse.settings import Settings
from funnelhouse.sql.client import WarehouseError, connection
from funnelhouse.sql.parts import Part, lost, parts_of
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.verify import Scope, findings_of_counts, findings_of_parts, lost_part

log = logging.getLogger(__name__)
SNAPSHOT = "verification.json"
_PARTS = "parts.json"
_EVERY_S = 60.0
_HOUR = 3
"""Hour of the night, in the reports' time zone, at which the data is verified."""
_SETTLED_S = 3600.0


class _Parts(msgspec.Struct):
    """The parts that were there, and those that were missed at a start."""

    parts: list[Part]
    missed: list[Part] = []


class Verification:
    """Verifies in a thread, every night, and by `verify`; begins when the warehouse is ready."""

    def __init__(self, settings: Settings, refresh: Refresh) -> None:
        self._settings, self._refresh = settings, refresh
        self._stop = Event()
        self._thread = Thread(target=self._run, name="verification")

    def begin(self) -> None:
        """Miss parts that are gone since the last run, and begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; returns when what is under way has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def opened(self, client: Client) -> None:
        """Compare the parts of an engine that was just opened with those that were written down."""
        known = self._known()
        now = parts_of(client)
        missed = lost([*known.missed, *known.parts], now, _tables(client))
        for part in missed[len(known.missed) :]:
            log.error("a part is gone", extra={"table": part.table, "rows": part.rows})
        self._write(_Parts(now, list(dict.fromkeys(missed))))

    def verify(self, client: Client, *, accept: bool = False) -> VerificationSnapshot:
        """Verify now, and keep the result; `accept` tells no more of parts missed so far."""
        if accept:
            self._write(_Parts(parts_of(client)))
        began = time.time()
        retained = self._kept_after(self._last())
        scope = Scope(self._before(began), retained)
        found = [
            *self._spool(),
            *map(lost_part, self._known().missed),
            *findings_of_parts(client, is_local=not self._settings.warehouse),
            *self._counts(client, scope),
            *self._secret(client),
        ]
        snapshot = VerificationSnapshot(
            at=time.time(),
            findings=list(dict.fromkeys(found)),
            seconds=time.time() - began,
            kept_after={kind: day.isoformat() for kind, day in retained.items()},
        )
        write_snapshot(self._settings.run_folder / SNAPSHOT, snapshot)
        for finding in snapshot.findings:
            log.error("verification found a fault", extra={"finding": finding})
        return snapshot

    def _run(self) -> None:
        opened, due = False, _next_night(self._settings.timezone)
        while not self._stop.is_set():
            try:
                with connection(self._settings.warehouse_place) as client:
                    if not opened:
                        self.opened(client)
                        opened = True
                    self._write(_Parts(parts_of(client), self._known().missed))
                    if datetime.now(UTC) >= due:
                        due = _next_night(self._settings.timezone)
                        self.verify(client)
            except (ClickHouseError, WarehouseError, OSError) as error:
                log.warning("the data was not verified", extra={"error": str(error)[:500]})
            self._stop.wait(_EVERY_S)

    def _counts(self, client: Client, scope: Scope) -> list[str]:
        found = list(findings_of_counts(client, scope))
        if not found:
            return []
        # What is forgotten, replayed or imported meanwhile changes counts one after the other.
        with self._refresh.rules, self._refresh.turn:
            return list(findings_of_counts(client, scope))

    def _secret(self, client: Client) -> Iterator[str]:
        try:
            check_secret(client, self._settings.secret_bytes())
        except SecretError as error:
            yield str(error)

    def _spool(self) -> Iterator[str]:
        folder = self._settings.spool_folder
        for path in sealed(folder):
            try:
                spans = read_segment(path.read_bytes()).damaged
            except FileNotFoundError:
                continue
            for span in spans:
                yield (
                    f"{path.name} is damaged at byte {span.offset} ({span.why}); check the disk,"
                    " the rest of it will be loaded and this piece kept in spool/damaged."
                )
        pieces = list(LOCAL_DISK.list(damaged_folder(folder)))
        if pieces:
            yield (
                f"{len(pieces)} files lie in {damaged_folder(folder)}, events that were damaged on"
                " disk; remove them when nothing more can be learnt of them."
            )

    def _before(self, now: float) -> int:
        """Give the arrival number below which all has landed."""
        oldest = now - measure(self._settings.spool_folder, now).oldest_age_s
        return int(min(oldest, now - _SETTLED_S) * 1_000_000) << RECEIPT_BITS

    def _kept_after(self, last: VerificationSnapshot | None) -> dict[str, date]:
        """Give the last day of each kind of which retention may ever have dropped rows."""
        kept = {
            kind: date.fromisoformat(day) for kind, day in (last.kept_after if last else {}).items()
        }
        for kind, days in self._settings.retention_days.items():
            if days:
                dropped = datetime.now(UTC).date() - timedelta(days=days)
                kept[kind] = max(kept.get(kind, dropped), dropped)
        return kept

    def _last(self) -> VerificationSnapshot | None:
        return read_snapshot(self._settings.run_folder / SNAPSHOT, VerificationSnapshot)

    def _known(self) -> _Parts:
        return read_snapshot(self._parts_file, _Parts) or _Parts([])

    def _write(self, parts: _Parts) -> None:
        write_snapshot(self._parts_file, parts)

    @property
    def _parts_file(self) -> Path:
        return self._settings.run_folder / _PARTS


def _tables(client: Client) -> set[str]:
    rows = client.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
    return {name for (name,) in rows.result_rows}


def _next_night(timezone: str) -> datetime:
    now = datetime.now(ZoneInfo(timezone))
    night = now.replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    return night if night > now else night + timedelta(days=1)
