"""Requests and events a second at the peak, and the processor time and memory they take."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import contenders, events
from bench.figures import BATCH, BATCH_EVENTS, SINGLE, Figure
from bench.load import LOAD_CORE, LoadResult, peak
from bench.plan import RunPlan
from bench.server import AbsentError, Contender, Server, running

_CALLS_REDIS = 20_000
_WARM_UP_S = 1.0


def measure(plan: RunPlan) -> Iterator[Figure]:
    """Measure all HTTP contenders by turns, so that what disturbs one disturbs the others too."""
    makers: tuple[Callable[[Path], Contender], ...] = (
        lambda folder: contenders.product(folder, collect=True, warehouse=False),
        contenders.fastapi,
        contenders.fastapi_insert,
        contenders.nginx,
    )
    with ExitStack() as stack:
        servers: list[Server] = []
        for number, make in enumerate(makers):
            try:
                contender = make(plan.fresh(f"throughput-{number}"))
                servers.append(stack.enter_context(running(contender)))
            except AbsentError as absent:
                plan.say(str(absent))
        yield from _singles_and_batches(plan, servers)
    yield from _redis(plan)


def _singles_and_batches(plan: RunPlan, servers: list[Server]) -> Iterator[Figure]:
    for size, kind, rate in ((1, "single", SINGLE), (events.BATCH, "batch", BATCH)):
        request = events.template(size)
        seen: dict[str, list[tuple[LoadResult, float]]] = {}
        for server in servers:
            peak(request, server.port, _WARM_UP_S, plan.clients(size))
        for round_ in range(plan.repeat):
            for server in servers:
                name = server.contender.name
                plan.say(f"{kind} requests at the peak, {name}, {round_ + 1} of {plan.repeat}")
                before = server.cpu_s()
                load = peak(request, server.port, plan.seconds, plan.clients(size))
                seen.setdefault(name, []).append((load, server.cpu_s() - before))
        for name, runs in seen.items():
            yield from _figures(name, (kind, rate, size), runs)
    for server in servers:
        mb = server.peak_bytes() / 1e6
        yield Figure(server.contender.name, "peak memory of its largest process", "MB", (mb,))


def _figures(
    name: str, of: tuple[str, str, int], runs: list[tuple[LoadResult, float]]
) -> Iterator[Figure]:
    kind, rate, size = of
    a_cpu_s = tuple(load.requests / cpu_s if cpu_s else 0.0 for load, cpu_s in runs)
    wall = tuple(load.requests_per_s for load, _ in runs)
    yield Figure(name, f"{kind} requests/s", "1/s", wall)
    yield Figure(name, rate, "1/cpu-s", a_cpu_s)
    if size > 1:
        yield Figure(name, f"{kind} events/s", "1/s", tuple(value * size for value in wall))
        yield Figure(name, BATCH_EVENTS, "1/cpu-s", tuple(value * size for value in a_cpu_s))
    if all(a_cpu_s):
        per_million = tuple(1e6 / (value * size) for value in a_cpu_s)
        yield Figure(name, f"{kind}: cpu-s per million events", "cpu-s", per_million)
    failed = sum(load.failed for load, _ in runs)
    if failed:
        yield Figure(name, f"{kind}: requests that failed", "requests", (failed,))


def _redis(plan: RunPlan) -> Iterator[Figure]:
    """Redis speaks no HTTP: its own load generator drives it."""
    try:
        with running(contenders.redis(plan.fresh("redis"))) as server:
            rates, per_cpu = [], []
            for round_ in range(plan.repeat):
                plan.say(f"{server.contender.name}, {round_ + 1} of {plan.repeat}")
                before = server.cpu_s()
                rates.append(_xadd(server.port, plan.connections))
                per_cpu.append(_CALLS_REDIS / (server.cpu_s() - before))
            yield Figure(server.contender.name, "single requests/s", "1/s", tuple(rates))
            yield Figure(server.contender.name, SINGLE, "1/cpu-s", tuple(per_cpu))
    except (AbsentError, FileNotFoundError) as absent:
        plan.say(f"{absent}")


def _xadd(port: int, connections: int) -> float:
    event = str(events.item("ajs-next-1722470400000-__rand_int__"))
    command = f"taskset -c {LOAD_CORE} redis-benchmark --csv -p {port} -c {connections}".split()
    command += ["-n", str(_CALLS_REDIS), "-r", "1000000000", "XADD", "events", "*", "event", event]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.strip().splitlines()[-1].split('","')[1])
