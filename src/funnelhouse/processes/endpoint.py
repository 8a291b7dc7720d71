"""The read-only SQL endpoint of the warehouse process: a server of its own, in a thread."""

import logging
import socket
import threading

import uvicorn

from funnelhouse.console.access.guess_limiter import Guesses
from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.clickhouse import QueryLimits, clickhouse
from funnelhouse.console.readers.statement_runner import Nobody, Strangers
from funnelhouse.processes.address import host_and_port, is_loopback
from funnelhouse.processes.server import protected_server
from funnelhouse.settings import Settings

log = logging.getLogger(__name__)
_BACKLOG = 256


class Endpoint:
    """Listens where the settings say, in embedded mode alone: a server answers its tools itself."""

    def __init__(self, settings: Settings, strangers: Strangers, guesses: Guesses) -> None:
        self._settings = settings
        self._strangers = strangers
        self._guesses = guesses
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin, once the warehouse is prepared; without the address, all else goes on."""
        settings = self._settings
        if not settings.sql or settings.warehouse:
            return
        if isinstance(self._strangers, Nobody):
            log.error("the SQL endpoint is not there: %s", self._strangers.told)
            return
        host, port = host_and_port(settings.sql)
        if not settings.readers and not is_loopback(host):
            log.error(
                "the SQL endpoint is not there: it would be open to other machines without a key;"
                " set FUNNELHOUSE_READ_KEYS"
            )
            return
        try:
            listener = socket.create_server((host, port), backlog=_BACKLOG)
        except OSError as error:
            log.error(  # noqa: TRY400 - the sentence says it all
                "the SQL endpoint is not there: set FUNNELHOUSE_SQL to an address that is free",
                extra={"address": settings.sql, "error": str(error)},
            )
            return
        door = ReadAccess(settings.readers, open=is_loopback(host), guesses=self._guesses)
        limits = QueryLimits(
            settings.sql_max_seconds,
            settings.sql_max_memory_bytes,
            settings.sql_max_rows,
        )
        app = clickhouse(self._strangers, door, limits)
        self._server = protected_server(settings, app, lifespan="off")
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="sql", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop; returns when requests under way have had their time."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(self._settings.drain_s)
