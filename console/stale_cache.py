"""Answers that pages show at once: kept, and asked for anew in a thread once they are old."""

import logging
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
_MOST = 200


@dataclass(slots=True)
class _Entry:
    answer: Any
    at: float
    asked_again: bool = False


class StaleCache:
    """Keeps an answer a key; who comes later gets it at once, however old, and starts a new one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(1, "kept")

    def get(self, key: Hashable, ask: Callable[[], Answer], fresh_s: float) -> Answer:
        """Give the answer of a key, asked for now if there is none yet."""
        entry = self._entries.get(key)
        if entry is None:
            return self._ask(key, ask)
        if self._clock() - entry.at > fresh_s and not entry.asked_again:
            entry.asked_again = True
            self._pool.submit(self._again, key, ask)
        answer: Answer = entry.answer
        return answer

    def _ask(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        answer = ask()
        with self._lock:
            while len(self._entries) >= _MOST:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = _Entry(answer, self._clock())
        return answer

    def _again(self, key: Hashable, ask: Callable[[], Any]) -> None:
        try:
            self._ask(key, ask)
        except Exception:
            log.exception("a page's figures are not fresh")
            with self._lock:
                self._entries.pop(key, None)
