"""Reads experiments out in the background, so that every Monday's board has fresh rows."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from threading import Event, Thread
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sql.client import WarehouseError

log = logging.getLogger(__name__)
_EVERY_S = 3600.0


class Readouts:
    """Reads running experiments out every hour in a thread, the first time an hour after start."""

    def __init__(self, opened: Callable[[], Client], timezone: str) -> None:
        self._opened, self._timezone = opened, timezone
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
        while not self._stop.wait(_EVERY_S):
            try:
                with suppress(WarehouseError):
                    self._once()
            except ClickHouseError:
                log.exception("experiments were not read out; they are again in an hour")

    def _once(self) -> None:
        # SciPy takes a second to import, which the start need not wait for.
        from analysis.experiments import refresh_running  # noqa: PLC0415

        client = self._opened()
        try:
            today = datetime.now(ZoneInfo(self._timezone)).date()
            refresh_running(client, today)
        finally:
            client.close()
