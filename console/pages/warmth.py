"""Asks for what the first pages show once the process is ready, so that nobody waits for it."""

import logging
from collections.abc import Callable
from threading import Thread

from clickhouse_connect.driver.exceptions import ClickHouseError

from console import charts
from console.pages import funnel, today
from console.pages.site import Site
from sql.client import WarehouseError

log = logging.getLogger(__name__)


class Warmth:
    """Works in a thread of its own, once; `begin` starts it."""

    def __init__(self, site: Callable[[], Site]) -> None:
        self._site = site
        self._thread = Thread(target=self._run, name="warmth", daemon=True)

    def begin(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Nothing is left to stop: what is under way changes nothing."""

    def _run(self) -> None:
        try:
            charts.by_minute([{"minute": "2024-01-01T00:00:00", "outcome": "", "events": 0}], "")
            for page in (today, funnel):
                page.keep(self._site())
        except (ClickHouseError, WarehouseError) as error:
            log.warning("the first page is not warm", extra={"error": str(error)[:300]})
