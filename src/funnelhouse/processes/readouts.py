"""Reads experiments out in the background, so that every Monday's board has fresh rows."""

import logging
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from threading import Event, Thread
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.sql.client import WarehouseError

log = logging.getLogger(__name__)
_EVERY_S = 3600.0
_DUE = "SELECT experiment FROM experiments WHERE starts_on <= {today:Date} LIMIT 1"


class Readouts:
    """Reads running experiments out in a thread: once it begins, and then every hour."""

    def __init__(
        self, opened: Callable[[], Client], timezone: str, every_s: float = _EVERY_S
    ) -> None:
        self._opened, self._timezone, self._every_s = opened, timezone, every_s
        self._stop = Event()
        self._thread = Thread(target=self._run, name="readouts")

    def begin(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; returns when a readout under way has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with suppress(WarehouseError):
                    self._once()
            except ClickHouseError:
                log.exception("experiments were not read out; they are again in an hour")
            self._stop.wait(self._every_s)

    def _once(self) -> None:
        today = datetime.now(ZoneInfo(self._timezone)).date()
        with closing(self._opened()) as client:
            if client.query(_DUE, parameters={"today": today}).result_rows:
                # SciPy takes a second to import, which nobody need wait for without experiments.
                from funnelhouse.analysis.experiments import refresh_running  # noqa: PLC0415

                refresh_running(client, today)
