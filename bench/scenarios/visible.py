"""From the POST of an event to the moment at which the view shows it, at rest and under load."""

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles

import httpx

from bench import contenders, events
from bench.figures import AT_REST, P95_LOADED, PRODUCT, Figure
from bench.load import at_rate
from bench.plan import RunPlan
from bench.server import running
from bench.warehouse import ask, prepared, wait_until

_EVENTS_PER_S = 20_000
_AT_REST = 10
_UNDER_LOAD_S = 20.0
_PATIENCE_S = 60.0


def measure(plan: RunPlan) -> Iterator[Figure]:
    """Start the whole product, one worker held to the first core, and time probe events."""
    folder = plan.fresh("visible")
    whole = contenders.product(folder, collect=True, warehouse=True)
    with running(whole, cores="0,1") as server:
        wait_until(lambda: prepared(folder))
        _seconds_to_visible(folder, server.port)
        plan.say("POST to visible at rest")
        at_rest = tuple(_seconds_to_visible(folder, server.port) for _ in range(_AT_REST))
        yield Figure(PRODUCT, AT_REST, "s", at_rest)
        plan.say(f"POST to visible at {_EVENTS_PER_S:,} events/s")
        with ThreadPoolExecutor(1) as pool:
            template = events.template(events.BATCH)
            rate = _EVENTS_PER_S / events.BATCH
            load = pool.submit(at_rate, template, server.port, _UNDER_LOAD_S, rate)
            seen = []
            while not load.done():
                seen.append(_seconds_to_visible(folder, server.port))
            sent = load.result()
        p95 = quantiles(seen, n=20, method="inclusive")[-1]
        reached = sent.requests * events.BATCH / sent.seconds
        yield Figure(PRODUCT, P95_LOADED, "s", (p95,))
        yield Figure(PRODUCT, "POST to visible under load, each", "s", tuple(seen))
        yield Figure(PRODUCT, "events/s answered meanwhile", "1/s", (reached,))


def _seconds_to_visible(folder: Path, port: int) -> float:
    anonymous_id = secrets.token_hex(8)
    event = events.item(secrets.token_hex(16)) | {"anonymousId": anonymous_id, "writeKey": "dev"}
    started = time.monotonic()
    httpx.post(f"http://127.0.0.1:{port}/v1/track", json=event, timeout=60).raise_for_status()
    statement = f"SELECT count() FROM events_raw WHERE anonymous_id = '{anonymous_id}'"  # noqa: S608 - our own hexadecimal digits
    while ask(folder, statement) == "0":
        if time.monotonic() - started > _PATIENCE_S:
            break
        time.sleep(0.02)
    return time.monotonic() - started
