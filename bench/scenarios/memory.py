"""Memory of a collector worker over many events, which must not grow with their number."""

from collections.abc import Iterator

from bench import contenders, events
from bench.figures import MEMORY, PRODUCT, Figure
from bench.load import peak
from bench.plan import RunPlan
from bench.server import Server, running

_SLICE_S = 5.0


def measure(plan: RunPlan) -> Iterator[Figure]:
    """Send batches until the plan's number of events is in; sealed segments go on the way."""
    folder = plan.fresh("memory")
    request = events.template(events.BATCH)
    with running(contenders.product(folder, collect=True, warehouse=False)) as server:
        sent = 0
        first = 0.0
        while sent < plan.events:
            plan.say(f"worker memory: {sent:,} of {plan.events:,} events")
            load = peak(request, server.port, _SLICE_S, plan.clients(events.BATCH))
            if not load.requests:
                raise RuntimeError("The collector answers nothing; run it by hand to see why.")
            sent += load.requests * events.BATCH
            first = first or _worker_mb(server)
            for segment in (folder / "spool").glob("*.arrow"):
                segment.unlink()
        yield Figure(PRODUCT, "worker peak memory after the first seconds", "MB", (first,))
        yield Figure(PRODUCT, MEMORY, "MB", (_worker_mb(server),))
        yield Figure(PRODUCT, "events sent for it", "events", (sent,))


def _worker_mb(server: Server) -> float:
    return server.peak_bytes("funnelhouse.processes.worker") / 1e6
