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
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def wait_s(self, key: str, amount: int) -> float:
        """Take `amount` tokens and return 0, or take none and return the seconds to wait.

        A request larger than the burst passes when the bucket is full, and leaves it in debt.
        """
        if not self._rate:
            return 0.0
        now = self._clock()
        full_at = self._full_at.get(key, now)
        if full_at < now:  # noqa: PLR1730 - `max` takes as long as all the rest
            full_at = now
        spare = self._burst - amount if self._burst > amount else 0
        wait = full_at - now - spare / self._rate
        if wait > _ROUNDING_S:
            return wait
        self._full_at[key] = full_at + amount / self._rate
        return 0.0

    def give_back(self, key: str, amount: int) -> None:
        """Undo the last taking of `amount`."""
        if self._rate:
            self._full_at[key] -= amount / self._rate


@dataclass(frozen=True, slots=True)
class Rates:
    """What each key may send: events a second, and bytes once inflated a second."""

    events: RateLimiter
    bytes: RateLimiter

    def wait_s(self, key: str, events: int, size: int) -> float:
        """Take a request's events and bytes and return 0, or neither and the seconds to wait."""
        wait = self.events.wait_s(key, events)
        if wait:
            return wait
        wait = self.bytes.wait_s(key, size)
        if wait:
            self.events.give_back(key, events)
        return wait
