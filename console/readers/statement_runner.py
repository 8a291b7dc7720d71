"""How strangers' statements are asked: in readers of the embedded engine, or of a server itself."""

import asyncio
import threading
from collections.abc import Awaitable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from fastapi import Request

from funnelhouse.console.readers.catalog import Catalog
from funnelhouse.console.readers.execution import perform
from funnelhouse.console.readers.job import Answer, Job
from funnelhouse.console.readers.pool import Budget, Pool
from funnelhouse.console.readers.reader import COMMAND, Home, remove_left_folders
from funnelhouse.console.readers.refusal import NO_READER, RefusalError
from funnelhouse.console.readers.slots import Client
from funnelhouse.sql.client import connection
from funnelhouse.sql.location import Warehouse

Given = TypeVar("Given")


class Strangers(Protocol):
    """Runs what strangers ask, where it harms nobody."""

    async def answer(self, client: Client, job: Job) -> Answer:
        """Do a job; one that is cancelled goes on for nobody.

        Raises:
            RefusalError: there is no answer.
        """

    def warm(self) -> None:
        """Make ready for a first job."""

    def stop(self) -> None:
        """End whatever runs."""


class Readers:
    """Readers of an embedded warehouse, on a thread of their own that begins with the first job.

    `command` is what each of them runs.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        budget: Budget,
        *,
        confined: bool = True,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._warehouse = warehouse
        self._budget = budget
        self._confined = confined
        self._command = command
        self._lock = threading.Lock()
        self._home: Home | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        catalog = Catalog(warehouse.folder.resolve())
        self._pool = Pool(self._found_home, catalog.look, budget)

    async def answer(self, client: Client, job: Job) -> Answer:
        """Do a job in a reader."""
        return await asyncio.wrap_future(self._submit(self._pool.answer(client, job)))

    def warm(self) -> None:
        """Have a reader ready soon; returns at once."""
        self._running().call_soon_threadsafe(self._pool.warm)

    def stop(self) -> None:
        """End all readers and the thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = None
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._pool.stop(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _submit(self, work: Coroutine[Any, Any, Given]) -> Future[Given]:
        return asyncio.run_coroutine_threadsafe(work, self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop,), name="readers", daemon=True
                )
                self._thread.start()
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        tending = loop.create_task(self._pool.tend())
        try:
            loop.run_forever()
        finally:
            tending.cancel()
            loop.run_until_complete(asyncio.gather(tending, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    def _found_home(self) -> Home:
        if self._home is None:
            remove_left_folders()
            with connection(self._warehouse, readonly=True) as client:
                timezone = str(client.query("SELECT serverTimezone()").result_rows[0][0])
            folder = self._warehouse.folder.resolve()
            self._home = Home(
                folder, timezone, self._budget.memory_bytes, self._confined, self._command
            )
        return self._home


class Server:
    """Statements for a ClickHouse server, judged and then run there, on connections that only read.

    The server bounds their time and memory; a cancelled one ends there by its time.
    """

    def __init__(self, warehouse: Warehouse, budget: Budget) -> None:
        self._warehouse = warehouse
        self._budget = budget
        self._threads = ThreadPoolExecutor(budget.at_once + 1, "strangers")

    async def answer(self, client: Client, job: Job) -> Answer:
        """Do a job on the server, within its time."""
        del client
        settings = self._budget.settings | {
            **job.settings,
            "max_execution_time": str(int(self._budget.max_seconds)),
        }
        bounded = replace(job, settings=settings)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, bounded)

    def warm(self) -> None:
        """Do nothing: a server is always ready."""

    def stop(self) -> None:
        """Take no more jobs."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, job: Job) -> Answer:
        with connection(self._warehouse, readonly=True, limits=job.settings) as client:
            return perform(client, job)


class Nobody:
    """Refuses every statement, by a sentence that says why."""

    def __init__(self, told: str = "Statements are not run here.") -> None:
        self.told = told

    async def answer(self, client: Client, job: Job) -> Answer:
        """Refuse."""
        del client, job
        raise RefusalError(self.told, NO_READER, 503)

    def warm(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


async def unless_gone(request: Request, work: Awaitable[Given]) -> Given:
    """Await work for whoever made a request, and cancel it when they have hung up.

    Raises:
        RefusalError: they have hung up.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise RefusalError("Whoever asked has hung up.", status=499)
        return working.result()
    finally:
        for task in (working, gone):
            task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def client_of(request: Request, key: str) -> Client:
    """Name whoever makes a request, by key and address."""
    return Client(key, request.client.host if request.client else "")
