"""Latency at half of the peak, from the moment at which each request was due."""

from collections.abc import Iterator

from bench import contenders, events
from bench.figures import P99, P99_PLAIN_RATE, PLAIN, PRODUCT, Figure
from bench.load import LoadResult, at_rate, peak
from bench.plan import RunPlan
from bench.server import running


def measure(plan: RunPlan) -> Iterator[Figure]:
    """Measure the product and the plain FastAPI route, each at its own half and at the route's."""
    ours = contenders.product(plan.fresh("latency"), collect=True, warehouse=False)
    request = events.template(1)
    with running(ours) as product, running(contenders.fastapi(plan.folder)) as plain:
        servers = {PRODUCT: product.port, PLAIN: plain.port}
        halves = {}
        for name, port in servers.items():
            plan.say(f"peak before latency, {name}")
            load = peak(request, port, plan.seconds, plan.connections)
            halves[name] = load.requests_per_s / 2
            yield Figure(name, "half of its peak", "1/s", (halves[name],))
        for p99, rates in (
            (P99, halves),
            (P99_PLAIN_RATE, dict.fromkeys(servers, halves[PLAIN])),
        ):
            seen: dict[str, list[LoadResult]] = {name: [] for name in servers}
            for round_ in range(plan.repeat):
                for name, port in servers.items():
                    plan.say(f"{p99}, {name}, {round_ + 1} of {plan.repeat}")
                    seen[name].append(at_rate(request, port, plan.seconds, rates[name]))
            for name, loads in seen.items():
                p50 = tuple(load.p50_ms for load in loads)
                yield Figure(name, p99.replace("p99", "p50"), "ms", p50)
                yield Figure(name, p99, "ms", tuple(load.p99_ms for load in loads))
