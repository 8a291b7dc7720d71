"""How a command reaches the warehouse: through the process that holds it, or by opening it.

The lock of the data folder tells which: what a dead process left behind misleads nobody.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import httpx
import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from funnelhouse.archive.work import insert_piece
from funnelhouse.console.control import ADDRESS_FILE
from funnelhouse.ingest.loader.loader import Loader, LoaderConfig
from funnelhouse.plan.plan_change import PlanChange
from funnelhouse.processes.forgetting import Drain, Loading
from funnelhouse.processes.jobs import Job, jobs_of
from funnelhouse.processes.permissions import keep_private
from funnelhouse.processes.process_lock import AlreadyRunningError, only_one
from funnelhouse.processes.verification import Verification
from funnelhouse.processes.warehouse import prepare
from funnelhouse.settings import Settings
from funnelhouse.sql.client import WarehouseError, connect, connection
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.refresh import Refresh

_REFUSED = 400
_NO_WAREHOUSE = 502
_NOT_PREPARED = 503
_TIMEOUT = httpx.Timeout(None, connect=5.0)
"""Statements may take as long as they take."""


class RefusedError(Exception):
    """The warehouse understood a statement or a job and refuses it; the text is its reason."""


class Access(Protocol):
    """What a command may ask of the warehouse, whoever holds it."""

    def query(self, statement: str, fmt: str) -> bytes:
        """Run one read-only statement and return its result in a ClickHouse format.

        Raises:
            RefusedError: the warehouse refuses the statement.
        """

    def job(self, name: str, argument: Any = None) -> Any:
        """Run one of the jobs of `funnelhouse.processes.jobs` and return its answer.

        Raises:
            RefusedError: the job refuses its argument.
        """

    def insert(self, table: str, rows: bytes, token: str) -> None:
        """Insert rows of an archive, an Arrow stream of one batch, under a token.

        Raises:
            RefusedError: the warehouse refuses the rows.
        """


@dataclass(frozen=True, slots=True)
class Direct:
    """The warehouse opened by this process."""

    warehouse: Warehouse
    jobs: dict[str, Job]
    refresh: Refresh

    def query(self, statement: str, fmt: str) -> bytes:
        """Run a read-only statement."""
        try:
            with connection(self.warehouse, readonly=True) as client:
                return client.raw_query(statement, fmt=fmt)
        except ClickHouseError as error:
            raise RefusedError(str(error)) from error

    def job(self, name: str, argument: Any = None) -> Any:
        """Run a job."""
        try:
            with connection(self.warehouse) as client:
                return self.jobs[name](client, argument)
        except (ClickHouseError, ValueError) as error:
            raise RefusedError(str(error)) from error

    def insert(self, table: str, rows: bytes, token: str) -> None:
        """Insert rows of an archive."""
        try:
            with connection(self.warehouse) as client:
                insert_piece(self.refresh, client, table, token, rows)
        except (ClickHouseError, ValueError) as error:
            raise RefusedError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Remote:
    """The warehouse of a process that runs on this machine."""

    http: httpx.Client

    def query(self, statement: str, fmt: str) -> bytes:
        """Run a read-only statement."""
        return self._ask("/control/sql", statement.encode(), fmt=fmt)

    def job(self, name: str, argument: Any = None) -> Any:
        """Run a job."""
        return orjson.loads(self._ask(f"/control/jobs/{name}", orjson.dumps(argument)))

    def insert(self, table: str, rows: bytes, token: str) -> None:
        """Insert rows of an archive."""
        self._ask("/control/insert", rows, table=table, token=token)

    def _ask(self, path: str, body: bytes, **query: str) -> bytes:
        answer = self.http.post(path, content=body, params=query)
        if answer.status_code == _REFUSED:
            raise RefusedError(answer.text)
        if answer.status_code == _NO_WAREHOUSE:
            raise WarehouseError(answer.text)
        answer.raise_for_status()
        return answer.content


@contextmanager
def open_warehouse(
    settings: Settings, *, prepared: bool = True, patience_s: float = 15.0
) -> Iterator[Access]:
    """Reach the warehouse for the length of a `with` block.

    An embedded folder that nobody holds is opened here, with this version's tables unless
    `prepared` is False. One whose holder does not answer yet is tried for `patience_s`.

    Raises:
        AlreadyRunningError: another process holds the folder and does not answer all that time.
        WarehouseError: the warehouse cannot be reached.
    """
    attempts = Retrying(
        retry=retry_if_exception_type(AlreadyRunningError),
        stop=stop_after_delay(patience_s),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    with ExitStack() as held:
        found = attempts(_reach, settings, held)
        if prepared and isinstance(found, Direct) and not settings.warehouse:
            with connection(found.warehouse) as client:
                prepare(client, settings, Refresh(settings.timezone, settings.session_timeout_s))
                # The engine stays open as long as any connection is.
                yield found
        else:
            yield found


def _reach(settings: Settings, held: ExitStack) -> Access:
    running = _running(settings, held)
    if running is not None:
        return running
    if not settings.warehouse:
        keep_private(settings.data)
        try:
            held.enter_context(only_one(settings, "warehouse"))
        except AlreadyRunningError as error:
            raise _no_answer(settings) from error
    refresh = Refresh(settings.timezone, settings.session_timeout_s)
    change = PlanChange(settings, refresh)
    held.callback(change.stop)
    drain = partial(_load_all, settings, refresh)
    loading = Loading(settings.spool_folder, drain, partial(_all_loaded, drain))
    verification = Verification(settings, refresh)
    jobs = jobs_of(change, refresh, loading, verification)
    jobs["verify"] = partial(_verify_opened, verification, jobs["verify"])
    return Direct(settings.warehouse_place, jobs, refresh)


def _verify_opened(verification: Verification, job: Job, client: Client, asked: Any) -> Any:
    """Verify an engine that was just opened: what parts it has is held to what it had before."""
    verification.opened(client)
    return job(client, asked)


@contextmanager
def _all_loaded(drain: Drain) -> Iterator[None]:
    """Have nothing loaded within a `with` block, but all that the spool holds before it."""
    drain()
    yield


def _load_all(settings: Settings, refresh: Refresh) -> None:
    """Load all that the spool holds, since no other process does."""
    loader = Loader(
        LoaderConfig(settings.spool_folder, settings.run_folder, settings.load_max_bytes),
        lambda: connect(settings.warehouse_place),
        refresh,
    )
    settings.spool_folder.mkdir(parents=True, exist_ok=True)
    while loader.load_once():
        pass


def _running(settings: Settings, held: ExitStack) -> Remote | None:
    """Reach the process that left its address, or None when that is dead or another's by now."""
    try:
        address = orjson.loads((settings.run_folder / ADDRESS_FILE).read_bytes())
        headers = {"authorization": f"Bearer {address['token']}"}
        # No proxy stands between two processes of one machine.
        http = httpx.Client(
            base_url=address["url"], headers=headers, timeout=_TIMEOUT, trust_env=False
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    held.enter_context(http)
    try:
        status = http.get("/control", timeout=_TIMEOUT.connect).status_code
    except httpx.HTTPError:
        return None
    if status == _NOT_PREPARED:
        raise _no_answer(settings)
    return Remote(http) if status == httpx.codes.OK else None


def _no_answer(settings: Settings) -> AlreadyRunningError:
    return AlreadyRunningError(
        f"Another process works on {settings.data} and does not answer yet;"
        " try again in a moment, or stop it."
    )
