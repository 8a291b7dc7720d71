"""Arrival numbers: the order of receipt, unique in a worker, and the time of receipt in one."""

import os
from collections.abc import Callable
from threading import Lock
from time import time_ns

from funnelhouse.ingest.log.row import RECEIPT_BITS

_MINUTE_US = 60_000_000


def now_us() -> int:
    """Wall clock in microseconds since the epoch."""
    return time_ns() // 1000


class ReceiptClock:
    """Hands out arrival numbers that only rise, whatever the wall clock does.

    The low bits are a mark drawn once a worker, so that two workers hardly ever agree.
    """

    def __init__(self, now: Callable[[], int] = now_us) -> None:
        self._now = now
        self._next = 0
        self._lock = Lock()
        self._mark = int.from_bytes(os.urandom(2), "big") >> (16 - RECEIPT_BITS)

    def reserve(self, count: int) -> int:
        """Return the first of `count` arrival numbers, one microsecond apart, within one minute.

        A request never straddles a minute, so that one count a request is exact for the ledger.
        """
        with self._lock:  # large bodies are admitted in a thread
            first = max(self._now(), self._next)
            if first // _MINUTE_US != (first + count) // _MINUTE_US:
                first = (first // _MINUTE_US + 1) * _MINUTE_US
            self._next = first + count
        return first << RECEIPT_BITS | self._mark


RECEIPT_STEP = 1 << RECEIPT_BITS
"""Distance between two neighbouring arrival numbers of one worker."""


def minute(arrival: int) -> int:
    """Epoch minute of receipt of an arrival number."""
    return (arrival >> RECEIPT_BITS) // _MINUTE_US
