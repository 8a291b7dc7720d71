"""Sizes an installation from measured costs, and plays two days of it: `python -m bench.scale -h`.

What an event costs was measured on one machine; everything else is arithmetic, and docs/scale.md
says which of its results anybody has seen.
"""

import argparse
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from rich.console import Console
from rich.table import Table

DAY_S = 86_400
_MINUTE_S = 60
_BUSY = 0.6
"""Of a core's time at the peak of the day: the rest is for what comes at once, and for restarts."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What one event costs: processor time in microseconds, sizes in bytes."""

    collect_us: float = 10.0
    derive_us: float = 7.0
    warehouse_us: float = 18.0
    wall_us: float = 15.0
    spool_bytes: float = 870.0
    stored_bytes: float = 180.0
    load_rows: float = 130_000.0
    parts_a_load: float = 9.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked: a mean of events a second, the peak as a multiple of it, and what is kept."""

    events_per_s: float = 1_000.0
    peak: float = 3.0
    outage_h: float = 4.0
    kept_days: float = 90.0
    queries_per_minute: float = 10.0
    query_cpu_s: float = 2.0
    replicas: float = 1.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of any kind, and what it costs; prices are yours, 0 for not told."""

    cores: float = 8.0
    disk_gb: float = 4_000.0
    price_a_month: float = 0.0


@dataclass(frozen=True, slots=True)
class Size:
    """What it takes; `warehouses` above one are installations that share nothing."""

    collectors: int
    warehouses: int
    shards: int
    machines: int
    parts_a_second: float
    received_gb_a_day: float
    stored_gb_a_day: float
    spool_gb: float
    longest_lag_s: float
    catch_up_h: float
    price_a_month: float


Kind = TypeVar("Kind", Demand, Machine, Costs)


def size(demand: Demand, machine: Machine, costs: Costs) -> Size:
    """Size an installation for a demand.

    One loader feeds a warehouse, since people of all loads are refreshed by turns: where its wall
    time does not suffice for the peak, products are parted among several warehouses. A loader that
    has little to do makes about one load a second.
    """
    at_peak = demand.events_per_s * demand.peak
    warehouses = math.ceil(at_peak * costs.wall_us / 1e6)
    of_one = at_peak / warehouses
    queries = demand.queries_per_minute * demand.query_cpu_s / 60
    cores = of_one * costs.warehouse_us / 1e6 + queries / warehouses
    stored = demand.events_per_s * DAY_S * costs.stored_bytes / 1e9
    kept = stored * demand.kept_days / warehouses
    shards = max(
        math.ceil(cores / (machine.cores * _BUSY)), math.ceil(kept / (machine.disk_gb * _BUSY))
    )
    collectors = math.ceil(at_peak * costs.collect_us / 1e6 / (machine.cores * _BUSY))
    loaders = math.ceil(of_one * costs.derive_us / 1e6 / (machine.cores * _BUSY)) * warehouses
    machines = collectors + loaders + warehouses * shards * math.ceil(demand.replicas)
    day = list(play(demand, warehouses * 1e6 / costs.wall_us))
    worst = max(minute.backlog for minute in day)
    return Size(
        collectors=collectors,
        warehouses=warehouses,
        shards=shards,
        machines=machines,
        parts_a_second=max(1, of_one / costs.load_rows) * costs.parts_a_load * warehouses * shards,
        received_gb_a_day=demand.events_per_s * DAY_S * costs.spool_bytes / 1e9,
        stored_gb_a_day=stored * demand.replicas,
        spool_gb=worst * costs.spool_bytes / 1e9,
        longest_lag_s=max(minute.lag_s for minute in day),
        catch_up_h=caught_up(day, demand) / 60,
        price_a_month=machines * machine.price_a_month,
    )


@dataclass(frozen=True, slots=True)
class Minute:
    """What waits in the spool at the end of a minute, in events, and how old the oldest is."""

    backlog: float
    lag_s: float


def play(demand: Demand, loaded_per_s: float) -> Iterator[Minute]:
    """Play two days minute by minute; the warehouse is away before the peak of the first one."""
    steepness = _steepness(demand.peak)
    away_until = DAY_S // _MINUTE_S // 2
    away_from = away_until - demand.outage_h * 60
    came, gone, arrivals = 0.0, 0.0, [0.0]
    oldest = 0
    for minute in range(2 * DAY_S // _MINUTE_S):
        turn = math.pi * minute * _MINUTE_S / DAY_S
        rate = demand.events_per_s * demand.peak * abs(math.sin(turn)) ** (2 * steepness)
        came += rate * _MINUTE_S
        arrivals.append(came)
        if not away_from <= minute < away_until:
            gone = min(came, gone + loaded_per_s * _MINUTE_S)
        while oldest < len(arrivals) and arrivals[oldest] <= gone:
            oldest += 1
        yield Minute(came - gone, max(0, minute + 2 - oldest) * float(_MINUTE_S))


def caught_up(day: list[Minute], demand: Demand) -> int:
    """Count the minutes from the warehouse's return until nothing waits, within both days."""
    back = DAY_S // _MINUTE_S // 2
    if not demand.outage_h:
        return 0
    return next((minute for minute, at in enumerate(day[back:]) if at.backlog < 1), len(day) - back)


def _steepness(peak: float) -> float:
    """Find k so that the mean of sin(x)^2k over half a turn is 1 / peak; 1 for a peak of 2.

    The mean is Γ(k + 1/2) / (√π Γ(k + 1)) (Wallis' integral, DLMF 5.12.2).
    """
    low, high = 0.0, 150.0
    for _ in range(60):
        k = (low + high) / 2
        mean = math.exp(math.lgamma(k + 0.5) - math.lgamma(k + 1)) / math.sqrt(math.pi)
        low, high = (k, high) if mean > 1 / peak else (low, k)
    return low


def main() -> None:
    """Print the size of what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    for kind in (Demand, Machine, Costs):
        group = parser.add_argument_group((kind.__doc__ or "").splitlines()[0])
        for field in fields(kind):
            option = f"--{field.name.replace('_', '-')}"
            group.add_argument(option, type=float, default=field.default)
    given = vars(parser.parse_args())
    found = size(_of(Demand, given), _of(Machine, given), _of(Costs, given))
    table = Table("it takes", "", box=None)
    for field in fields(found):
        table.add_row(field.name.replace("_", " "), f"{getattr(found, field.name):,.10g}")
    Console().print(table)


def _of(kind: type[Kind], given: Mapping[str, float]) -> Kind:
    return kind(**{field.name: given[field.name] for field in fields(kind)})


if __name__ == "__main__":
    main()
