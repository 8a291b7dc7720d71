"""Work that takes long goes on in a thread beside the loop, whose other clients do not wait for it.

One work at a time, in order; what waits is bounded by the bytes that it holds.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

LIGHT_BYTES = 40_000
"""What is smaller is done on the loop: it takes less than a turn of the thread would."""

Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class Aside:
    """Runs works that hold at most `max_bytes` together."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = 0
        self._thread = ThreadPoolExecutor(1, "aside")

    def has_room(self, size: int) -> bool:
        """Say whether a work over so many bytes may wait; one always may."""
        return not self._held or self._held + size <= self._max_bytes

    def run(
        self, size: int, work: Callable[[], Result], then: Callable[[Result | Exception], None]
    ) -> None:
        """Do a work over so many bytes in the thread, and hand its result to the loop.

        What it raised is logged and handed on as well.
        """
        self._held += size
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._thread, work).add_done_callback(partial(self._done, size, then))

    def _done(
        self,
        size: int,
        then: Callable[[Result | Exception], None],
        work: "asyncio.Future[Result]",
    ) -> None:
        self._held -= size
        error = work.exception()
        if error is None:
            then(work.result())
        elif isinstance(error, Exception):
            _log.error("A request could not be taken.", exc_info=error)
            then(error)
