"""One insert into the warehouse: under a token, tried again until it stands or blames its rows."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_when_event_set
from tenacity.wait import wait_random_exponential

DATA_ERRORS = frozenset({6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 407, 469})
"""ClickHouse error codes that blame the rows (cannot parse, convert or fit, or break a constraint).

Every other error is retried and rejects nothing.
"""

_MAX_ERROR = 500
_VIEW_FAILED = "while pushing to view"
_SETTINGS = {
    "async_insert": "0",
    "insert_deduplicate": "1",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    # Copies of one event in one insert are merged with all others, later: views read FINAL.
    "optimize_on_insert": "0",
}
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")


class DataError(Exception):
    """The warehouse refuses a row of an insert, and always will."""


class InserterStopped(Exception):  # noqa: N818 - what happened, not an error
    """The loader was told to stop before an insert stood; it will be done again."""


@dataclass
class Inserter:
    """Inserts over one connection, which is opened anew after an error.

    `note` is told of each failed attempt; the waits between grow at random up to `longest_wait_s`.
    """

    connect: Callable[[], Client]
    stop: Event
    note: Callable[[str], None]
    longest_wait_s: float = 30.0
    client: Client | None = None

    def insert(self, table: str, rows: pa.Table, token: str) -> None:
        """Insert rows under a deduplication token; returns when they are durable there.

        Raises:
            DataError: the warehouse blames the rows.
            Stopped: `stop` was set before the rows stood.
        """
        if not rows.num_rows:
            return
        settings = _SETTINGS | {"insert_deduplication_token": token}
        self._until_done(self._attempt, table, rows, settings)

    def run(self, work: Callable[[Client], object]) -> None:
        """Do work that is safe to repeat, again after each error until it is done.

        Raises:
            Stopped: `stop` was set before it was done.
        """
        self._until_done(self._attempt_work, work)

    def open(self) -> None:
        """Connect before there is anything to insert, since connecting prepares the warehouse.

        Raises:
            Stopped: `stop` was set before the warehouse answered.
        """
        self._until_done(self._connected)

    def _until_done(self, work: Callable[..., object], *arguments: Any) -> None:
        attempts = Retrying(
            wait=wait_random_exponential(multiplier=0.2, max=self.longest_wait_s),
            retry=retry_if_exception(_may_pass),
            stop=stop_when_event_set(self.stop),
            sleep=self._sleep,
            before_sleep=self._before_sleep,
            retry_error_callback=_stopped,
        )
        attempts(work, *arguments)

    def _connected(self) -> Client:
        self.client = self.client or self.connect()
        return self.client

    def _attempt_work(self, work: Callable[[Client], object]) -> None:
        try:
            work(self._connected())
        except Exception:
            self._disconnect()
            raise

    def _attempt(self, table: str, rows: pa.Table, settings: dict[str, Any]) -> None:
        try:
            self._connected().raw_insert(
                table, rows.schema.names, _stream(rows), settings, "ArrowStream"
            )
        except DatabaseError as error:
            # A view's error leaves the rows in the table already: rejecting them would count twice.
            if error.code in DATA_ERRORS and _VIEW_FAILED not in str(error):
                raise DataError(str(error)[:_MAX_ERROR]) from error
            self._disconnect()
            raise
        except Exception:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self.client is not None:
            self.client.close()
        self.client = None

    def _sleep(self, seconds: float) -> None:
        self.stop.wait(seconds)

    def _before_sleep(self, attempt: RetryCallState) -> None:
        error = attempt.outcome.exception() if attempt.outcome else None
        self.note(str(error)[:_MAX_ERROR])


def _stream(rows: pa.Table) -> bytes:
    """Write rows as a compressed Arrow stream: less to copy on its way to either engine."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_COMPRESSED) as stream:
        stream.write_table(rows)
    return sink.getvalue().to_pybytes()


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Exception) and not isinstance(error, DataError)


def _stopped(attempt: RetryCallState) -> None:
    error = attempt.outcome.exception() if attempt.outcome else None
    raise InserterStopped("The loader stopped before an insert stood; it is done again.") from error
