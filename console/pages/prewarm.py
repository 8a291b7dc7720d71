"""Asks for what the first pages show once the process is ready, so that nobody waits for it."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.console import charts
from funnelhouse.console.pages import funnel, today
from funnelhouse.console.pages.site import Site
from funnelhouse.sql.client import WarehouseError

log = logging.getLogger(__name__)


class Prewarm:
    """Works in a thread of its own, once; `begin` starts it."""

    def __init__(self, site: Callable[[], Site]) -> None:
        self._site = site
        self._stop = Event()
        self._thread = Thread(target=self._run, name="warmth")

    def begin(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; returns when the page under way is there: no process ends well amid a query."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            for show in (_chart, today.keep, funnel.keep):
                if self._stop.is_set():
                    return
                show(self._site())
        except (ClickHouseError, WarehouseError) as error:
            log.warning("the first page is not warm", extra={"error": str(error)[:300]})


def _chart(_: Site) -> object:
    """Draw a first chart, for which the library loads its engine."""
    return charts.by_minute([{"minute": "2024-01-01T00:00:00", "outcome": "", "events": 0}], "")
