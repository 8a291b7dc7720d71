"""Rows from the spool to the views, all materialized views included, on two cores."""

import time
from collections.abc import Iterator
from pathlib import Path

from bench import contenders, events
from bench.figures import LOADED, PRODUCT, Figure
from bench.load import peak
from bench.plan import RunPlan
from bench.server import Server, running
from bench.warehouse import ask, prepared, wait_until

_SLICE_S = 2.0


def measure(plan: RunPlan) -> Iterator[Figure]:
    """Fill a spool through the collector, then start the warehouse and watch it drain."""
    rates, per_million, memory = [], [], []
    for round_ in range(plan.repeat):
        folder = plan.fresh(f"loading-{round_}")
        plan.say(f"filling the spool, {round_ + 1} of {plan.repeat}")
        sent = _fill(plan, folder)
        plan.say(f"loading {sent:,} events, {round_ + 1} of {plan.repeat}")
        warehouse = contenders.product(folder, collect=False, warehouse=True)
        with running(warehouse, cores="0,1") as server:
            before, seconds = _drain(server, folder)
            rows = int(ask(folder, "SELECT count() FROM events"))
            if rows < sent:
                raise RuntimeError(f"{sent} events were answered, {rows} are in the view.")
            rates.append(rows / seconds)
            per_million.append((server.cpu_s() - before) * 1e6 / rows)
            memory.append(server.peak_bytes("funnelhouse.processes.warehouse") / 1e6)
    yield Figure(PRODUCT, LOADED, "1/s", tuple(rates))
    yield Figure(PRODUCT, "loading: cpu-s per million events", "cpu-s", tuple(per_million))
    yield Figure(PRODUCT, "peak memory of the warehouse process", "MB", tuple(memory))


def _fill(plan: RunPlan, folder: Path) -> int:
    request = events.template(events.BATCH)
    sent = 0
    with running(contenders.product(folder, collect=True, warehouse=False)) as server:
        while sent < plan.events:
            load = peak(request, server.port, _SLICE_S, plan.clients(events.BATCH))
            sent += load.requests * events.BATCH
            request = events.template(events.BATCH)
    return sent


def _drain(server: Server, folder: Path) -> tuple[float, float]:
    """Wait from the moment the warehouse is prepared until no segment is left."""
    wait_until(lambda: prepared(folder))
    cpu_s, started = server.cpu_s(), time.monotonic()
    wait_until(lambda: not any((folder / "spool").glob("*.arrow")))
    return cpu_s, time.monotonic() - started
