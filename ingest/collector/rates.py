"""How much a write key may send in a time: a token bucket of events, and one of bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

_ROUNDING_S = 1e-6


class RateLimiter:
    """A token bucket for each key, kept as the moment at which it is full again.

    `per_s` 0 means unlimited. Ask for known keys only: each asked for is remembered.
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._rate = per_s
        self._burst = burst
        self.clock = clock
        self.full_at: dict[str, float] = {}
        self.s_each = 1 / per_s if per_s else 0.0
        self.burst_s = burst * self.s_each
        self.read_at = clock()

    def wait_s(self, key: str, amount: int) -> float:
        """Take `amount` tokens and return 0, or take none and return the seconds to wait.

        A request larger than the burst passes when the bucket is full, and leaves it in debt.
        """
        if not self._rate:
            return 0.0
        now = self.read_at = self.clock()
        full_at = self.full_at.get(key, now)
        if full_at < now:  # noqa: PLR1730 - `max` takes as long as all the rest
            full_at = now
        spare = self._burst - amount if self._burst > amount else 0
        wait = full_at - now - spare / self._rate
        if wait > _ROUNDING_S:
            return wait
        self.full_at[key] = full_at + amount / self._rate
        return 0.0

    def give_back(self, key: str, amount: int) -> None:
        """Undo the last taking of `amount`."""
        if self._rate:
            self.full_at[key] -= amount / self._rate


@dataclass(frozen=True, slots=True)
class Rates:
    """What each key may send: events a second, and bytes once inflated a second.

    A key that was idle may send its burst twice at once; in the long run the rates hold.
    """

    events: RateLimiter
    bytes: RateLimiter

    def wait_s(self, key: str, events: int, size: int) -> float:
        """Take a request's events and bytes and return 0, or neither and the seconds to wait."""
        by_events, by_bytes = self.events, self.bytes
        # To read the clock takes as long as all the rest. By the time when it was last read a
        # bucket holds less than it does, so who is let in by that is let in.
        then = by_events.read_at
        events_at = by_events.full_at.get(key, then)
        bytes_at = by_bytes.full_at.get(key, then)
        events_at = (max(then, events_at)) + events * by_events.s_each
        bytes_at = (max(then, bytes_at)) + size * by_bytes.s_each
        if events_at - then <= by_events.burst_s and bytes_at - then <= by_bytes.burst_s:
            by_events.full_at[key] = events_at
            by_bytes.full_at[key] = bytes_at
            return 0.0
        wait = self.events.wait_s(key, events)
        if wait:
            return wait
        wait = self.bytes.wait_s(key, size)
        if wait:
            self.events.give_back(key, events)
        return wait
