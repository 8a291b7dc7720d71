"""The readers of a warehouse: as many processes as are needed, one of them ready for a newcomer.

Runs on an event loop of its own; whoever asks waits there, and what exceeds its time is killed.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from funnelhouse.console.readers.job import Answer, Job
from funnelhouse.console.readers.reader import Home, Reader
from funnelhouse.console.readers.refusal import BUSY, MEMORY, NO_READER, TIMEOUT, RefusalError
from funnelhouse.console.readers.slots import Client, Slots

log = logging.getLogger(__name__)
_WATCH_S = 0.05
_GRACE_S = 0.5
_TEND_S = 5.0
_MANY_IDLE_S, _ALL_IDLE_S = 60.0, 900.0
_MOST_WAITING, _MOST_WAITING_OF_ONE = 512, 128


@dataclass(frozen=True, slots=True)
class Budget:
    """What all statements share: `at_once` and one more run, each so long, in so much memory."""

    at_once: int
    max_seconds: float
    memory_bytes: int

    @property
    def settings(self) -> dict[str, str]:
        """Give what the engine holds every statement to, where its job asks for no less."""
        return {"max_memory_usage": str(self.memory_bytes), "max_threads": "1"}


class Pool:
    """Starts readers, gives them jobs, and ends them; all methods run on its event loop."""

    def __init__(
        self, home: Callable[[], Home], catalog: Callable[[], Mapping[str, str]], budget: Budget
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._budget = budget
        self._slots = Slots(budget.at_once)
        self._ready: list[Reader] = []
        self._busy: set[Reader] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._waiting: Counter[Client] = Counter()
        self._ending: set[asyncio.Task[None]] = set()
        self._turns: list[asyncio.Future[None]] = []
        self._fault: RefusalError | None = None
        self._asked_at = 0.0
        self._stopped = False

    async def answer(self, client: Client, job: Job) -> Answer:
        """Do a client's job within its time, waiting included; a cancelled one is killed.

        Raises:
            RefusalError: it is refused, takes too long or too much, or too many wait.
        """
        self._asked_at = time.monotonic()
        self._admit(client)
        try:
            async with asyncio.timeout(self._budget.max_seconds + _GRACE_S) as time_of_it:
                return await self._answer(client, job, time_of_it)
        except TimeoutError:
            raise self._too_long() from None

    async def tend(self) -> None:
        """Keep memory within the budget, and few processes where nobody asks; until cancelled."""
        looked_at = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_S if self._busy else _TEND_S)
            self._bound_memory()
            if time.monotonic() - looked_at > _TEND_S:
                looked_at = time.monotonic()
                self._release_idle()

    def warm(self) -> None:
        """Have a reader ready, or on its way to be."""
        self._asked_at = time.monotonic()
        self._start(1)

    async def stop(self) -> None:
        """End all of them, and start no more."""
        self._stopped = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for reader in (*self._ready, *self._busy):
            self._end(reader)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _answer(self, client: Client, job: Job, time_of_it: asyncio.Timeout) -> Answer:
        reader = await self._taken(client, time_of_it)
        keeps = False
        try:
            catalog = await asyncio.to_thread(self._catalog)
            left_s = math.ceil(_left_s(time_of_it) - _GRACE_S)
            settings = self._budget.settings | {
                **job.settings,
                "max_execution_time": str(max(left_s, 1)),
            }
            answer = await reader.answer(replace(job, settings=settings), catalog)
        except RefusalError:
            keeps = reader.is_alive
            raise
        else:
            keeps = True
            return answer
        finally:
            self._busy.discard(reader)
            self._slots.give_back(client)
            if keeps:
                self._ready.append(reader)
            else:
                self._end(reader)
                self._start(self._wanted())
            self._tell()

    async def _taken(self, client: Client, time_of_it: asyncio.Timeout) -> Reader:
        """Wait for a slot and a reader; that a process starts is not of the statement's time."""
        self._waiting[client] += 1
        self._fault = None
        try:
            while True:
                self._start(self._wanted())
                self._ready = [reader for reader in self._ready if reader.is_alive]
                if self._slots.may_run(client, len(self._ready)):
                    break
                left_s = _left_s(time_of_it)
                is_for_a_start = self._slots.may_run(client, self._slots.most)
                if is_for_a_start:
                    time_of_it.reschedule(None)
                await self._turn()
                if is_for_a_start:
                    time_of_it.reschedule(asyncio.get_running_loop().time() + left_s)
                if self._fault and not (self._starting or self._busy):
                    raise self._fault
        finally:
            self._waiting[client] -= 1
        reader = self._ready.pop()
        self._busy.add(reader)
        self._slots.take(client)
        self._start(self._wanted())
        return reader

    async def _turn(self) -> None:
        """Wait until a slot or a reader has become free; who waits longest looks first."""
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            await turn
        finally:
            if turn in self._turns:
                self._turns.remove(turn)

    def _tell(self) -> None:
        turns, self._turns = self._turns, []
        for turn in turns:
            if not turn.done():
                turn.set_result(None)

    def _wanted(self) -> int:
        """Say how many processes serve those that run and wait, and a newcomer."""
        waiting = min(self._waiting.total(), max(self._slots.at_once - self._slots.taken, 0))
        return min(self._slots.taken + waiting + 1, self._slots.most)

    def _start(self, wanted: int) -> None:
        if self._stopped:
            return
        for _ in range(wanted - len(self._ready) - len(self._busy) - len(self._starting)):
            self._starting.add(asyncio.create_task(self._started()))

    async def _started(self) -> None:
        try:
            home, catalog = await asyncio.to_thread(lambda: (self._home(), self._catalog()))
            reader = await Reader.started(home, catalog)
            self._ready.append(reader)
        except Exception as error:
            log.exception("a process that reads for strangers does not start")
            self._fault = RefusalError(f"No statement can be run: {error}", NO_READER, 503)
        finally:
            self._starting.discard(asyncio.current_task())
            self._tell()

    def _end(self, reader: Reader) -> None:
        reader.kill()
        task = asyncio.create_task(reader.gone())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _admit(self, client: Client) -> None:
        too_many = self._waiting.total() >= _MOST_WAITING
        if too_many or self._waiting[client] >= _MOST_WAITING_OF_ONE:
            raise RefusalError("Too many statements wait; ask again in a moment.", BUSY, 503)

    def _too_long(self) -> RefusalError:
        told = f"The statement took longer than {self._budget.max_seconds:g} s, waiting included;"
        told += " ask for less, or at a calmer time. (TIMEOUT_EXCEEDED)"
        return RefusalError(told, TIMEOUT, 408)

    def _bound_memory(self) -> None:
        held = {reader: reader.memory_bytes() for reader in (*self._busy, *self._ready)}
        if sum(held.values()) <= self._budget.memory_bytes:
            return
        if len(self._ready) > 1:
            self._end(self._ready.pop())
        elif self._busy:
            told = (
                "This statement was ended since it took the most of the"
                f" {self._budget.memory_bytes} bytes of memory that all have together; ask for"
                " less. (MEMORY_LIMIT_EXCEEDED)"
            )
            largest = max(self._busy, key=lambda reader: held[reader])
            largest.kill(RefusalError(told, MEMORY, 413))

    def _release_idle(self) -> None:
        idle_s = time.monotonic() - self._asked_at
        kept = 0 if idle_s > _ALL_IDLE_S else 1 if idle_s > _MANY_IDLE_S else len(self._ready)
        while len(self._ready) > kept:
            self._end(self._ready.pop())


def _left_s(time_of_it: asyncio.Timeout) -> float:
    return (time_of_it.when() or 0.0) - asyncio.get_running_loop().time()
