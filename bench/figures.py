"""Figures as they are measured: repeated values, their median, and the targets set on them."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity of one contender, with every repetition.

    `events` is how many are in the warehouse, where the quantity depends on that.
    """

    contender: str
    quantity: str
    unit: str
    values: tuple[float, ...]
    events: int = 0

    @property
    def median(self) -> float:
        """The middle of the repetitions."""
        return median(self.values)

    @property
    def shown(self) -> str:
        """Median, with the least and the most where it was repeated."""
        if len(self.values) == 1:
            return f"{self.median:,.{_digits(self.median)}f}"
        low, high = min(self.values), max(self.values)
        digits = _digits(self.median)
        return f"{self.median:,.{digits}f}  ({low:,.{digits}f} to {high:,.{digits}f})"


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 else 2


class Figures(list[Figure]):
    """All figures of one run."""

    def of(self, contender: str, quantity: str, events: int = 0) -> float | None:
        """Find a median; None where it was not measured."""
        wanted = (contender, quantity, events)
        found = (one for one in self if (one.contender, one.quantity, one.events) == wanted)
        first = next(found, None)
        return None if first is None else first.median


class TargetResult(NamedTuple):
    """A target beside what was reached; `met` is None where it could not be measured."""

    target: str
    wanted: float
    reached: float | None
    met: bool | None


PRODUCT, PLAIN, NGINX = "collector", "FastAPI, parse only", "nginx 202"
SINGLE, BATCH, BATCH_EVENTS = "single requests/cpu-s", "batch requests/cpu-s", "batch events/cpu-s"
P99, P99_PLAIN_RATE = "p99 at half its peak", "p99 at half of FastAPI's peak"
LOADED, AT_REST, P95_LOADED = "spool to view", "POST to visible at rest", "POST to visible p95"
MEMORY = "worker peak memory"
REFRESHED_EVERYBODY, REFRESHED_LOAD = "everybody refreshed", "load of {:,} events refreshed"
SESSIONS, ATTRIBUTION = "sessions of a day", "attribution of 30 days"
READOUT = "readout of an experiment"
_REFERENCE_FASTAPI = 16_000
_REFERENCE_BATCH = 200_000
_REFERENCE_LOADED = 100_000
_MANY = 100_000_000
_SECONDS_OVER_MANY = {
    "funnel_weekly": 1.0,
    "targets_weekly": 1.0,
    "funnel_residents": 1.0,
    "funnel_ordered": 5.0,
    SESSIONS: 1.0,
    ATTRIBUTION: 5.0,
    READOUT: 3.0,
    REFRESHED_LOAD.format(50): 0.3,
    REFRESHED_LOAD.format(200_000): 5.0,
}


def verdicts(figures: Figures) -> list[TargetResult]:
    """Judge the run by its targets; rates are per processor second of the server.

    A server held to one core and kept busy answers as many requests in a second as in a second of
    its processor time; the latter is not disturbed by what else the machine does.
    """
    of = figures.of

    def ratio(over: str, under: str, quantity: str) -> float | None:
        upper, lower = of(over, quantity), of(under, quantity)
        return upper / lower if upper and lower else None

    def scaled(quantity: str) -> float | None:
        rate, plain = of(PRODUCT, quantity), of(PLAIN, SINGLE)
        return rate * _REFERENCE_FASTAPI / plain if rate and plain else None

    ours, theirs = of(PRODUCT, P99_PLAIN_RATE), of(PLAIN, P99_PLAIN_RATE)
    extra = None if ours is None or theirs is None else ours - theirs
    return [
        _least("durable singles over plain FastAPI", 2.2, ratio(PRODUCT, PLAIN, SINGLE)),
        _least("durable singles over nginx", 0.25, ratio(PRODUCT, NGINX, SINGLE)),
        _least(
            f"batch events/s a core, scaled to FastAPI {_REFERENCE_FASTAPI}/s",
            _REFERENCE_BATCH,
            scaled(BATCH_EVENTS),
        ),
        _most("p99 over plain FastAPI's at half its peak, ms", 5.0, extra),
        _least("events/s from spool to view", _REFERENCE_LOADED, of(PRODUCT, LOADED)),
        _least(
            f"events/s from spool to view, scaled to FastAPI {_REFERENCE_FASTAPI}/s",
            _REFERENCE_LOADED,
            scaled(LOADED),
        ),
        _most("POST to visible at rest, s", 2.0, of(PRODUCT, AT_REST)),
        _most("POST to visible p95 at 20,000 events/s, s", 3.0, of(PRODUCT, P95_LOADED)),
        _most("collector worker peak memory, MB", 150.0, of(PRODUCT, MEMORY)),
        *(
            _most(f"{name} over {_MANY:,} events, s", wanted, of(name, "time", _MANY))
            for name, wanted in _SECONDS_OVER_MANY.items()
        ),
        _most(f"memory of any view over {_MANY:,} events, MB", 2000.0, _most_memory(figures)),
    ]


def _most_memory(figures: Figures) -> float | None:
    over_many = (one for one in figures if (one.quantity, one.events) == ("memory", _MANY))
    return max((one.median for one in over_many), default=None)


def _least(target: str, wanted: float, reached: float | None) -> TargetResult:
    return _verdict(target, wanted, reached, lambda value: value >= wanted)


def _most(target: str, wanted: float, reached: float | None) -> TargetResult:
    return _verdict(target, wanted, reached, lambda value: value <= wanted)


def _verdict(
    target: str, wanted: float, reached: float | None, holds: Callable[[float], bool]
) -> TargetResult:
    return TargetResult(target, wanted, reached, None if reached is None else holds(reached))
