"""Processes of the running product are killed at random moments, and no answered event is lost."""

import threading
from pathlib import Path
from random import Random

import httpx
import psutil
import pytest

from tests.conftest import RunningProduct, running_product, wait_for_file
from tests.faults.senders import body_of, sending

WORKER = "funnelhouse.processes.worker"
WAREHOUSE = "funnelhouse.processes.warehouse"
ROUND = ((WORKER,), (WAREHOUSE,), (WORKER,), (WAREHOUSE,), (WORKER, WAREHOUSE))
_ALIVE_S = 60.0
SPOOL_BYTES = 256 * 1024 * 1024
"""Beyond this senders are told to wait; what they have sent can be loaded in the end."""


def child(product: RunningProduct, module: str) -> psutil.Process | None:
    """Find the process that runs a module for this product's supervisor, if it lives."""
    for process in psutil.Process(product.process.pid).children():
        try:
            if module in process.cmdline():
                return process
        except psutil.Error:
            continue
    return None


def kill(product: RunningProduct, modules: tuple[str, ...], random: Random) -> None:
    """Kill processes of these modules with SIGKILL, as soon as they live and a moment later."""
    pause = threading.Event()
    for module in modules:
        for _ in range(int(_ALIVE_S / 0.02)):
            if child(product, module):
                break
            pause.wait(0.02)
    pause.wait(random.uniform(0, 1.5))
    control = product.settings.run_folder / "control.json"
    if WAREHOUSE in modules:
        wait_for_file(control)  # without it every kill would come before the first load
        in_the_middle_of_a_load(product, random)
    for module in modules:
        if process := child(product, module):
            process.kill()
    if WAREHOUSE in modules:
        control.unlink(missing_ok=True)


def in_the_middle_of_a_load(product: RunningProduct, random: Random) -> None:
    """Wait until a load is under way, at most for a while, and then for a part of its time.

    One that was cut short is done again: every other kill comes at its start, or some time after.
    """
    pause = threading.Event()
    for _ in range(200):
        if any((product.settings.spool_folder / "loads").glob("*.json")):
            break
        pause.wait(0.01)
    pause.wait(random.uniform(0, random.choice((0.03, 1.5))))


def again(product: RunningProduct) -> RunningProduct:
    """Reach the product after its warehouse process was started again, under a new token."""
    product.client.close()
    product.console.close()
    product.__post_init__()
    return product


def loaded(product: RunningProduct, acked: set[str]) -> bool:
    """Whether all answered events are in the view and the spool holds none."""
    try:
        again(product)
        found = {row["event_id"] for row in product.sql("SELECT event_id FROM events")}
    except (AssertionError, httpx.TransportError):
        return False  # not prepared yet, or not listening
    return acked <= found and drained(product)


def drained(product: RunningProduct) -> bool:
    """Whether every sealed segment has been loaded and let go."""
    return not any(product.settings.spool_folder.glob("*.arrow"))


def duplicates(product: RunningProduct) -> int:
    """Count the copies that came after their first."""
    (row,) = product.sql("SELECT count() AS copies FROM duplicate_events")
    return int(row["copies"])


def kill_and_check(folder: Path, kills: int, seed: int) -> None:
    """Kill so many times under load, let everything settle, and hold the promises."""
    random = Random(seed)
    with running_product(folder, "dev:web", spool_max_bytes=SPOOL_BYTES) as product:
        with sending(product.url) as senders:
            product.wait_visible(lambda: bool(senders.acked))
            for n in range(kills):
                kill(product, ROUND[n % len(ROUND)], random)
            before = len(senders.acked)
            product.wait_visible(lambda: len(senders.acked) > before)
        assert senders.unexpected == []
        product.wait_visible(lambda: loaded(product, senders.acked), 120)
        twice = sorted(senders.acked)[:20]
        known = duplicates(product)
        assert product.post("/v1/batch", body_of(twice)).status_code == 200
        product.wait_visible(lambda: duplicates(product) == known + len(twice) and drained(product))
        assert product.sql("SELECT count() = uniqExact(event_id) AS ok FROM events") == [{"ok": 1}]
        (ledger,) = product.sql(
            "SELECT sum(abs(unaccounted)) AS unaccounted, sum(in_spool) AS in_spool,"
            " sum(loaded) AS loaded, sum(rejected) AS rejected FROM ledger_minutely"
        )
        assert int(ledger["loaded"]) >= len(senders.acked)
        wrong = {name: int(ledger[name]) for name in ("unaccounted", "in_spool", "rejected")}
        assert wrong == {"unaccounted": 0, "in_spool": 0, "rejected": 0}
        assert not (product.settings.spool_folder / "damaged").exists()


def test_a_dozen_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """Workers, the warehouse process in the middle of a load, and both at once are killed.

    Every event answered with 200 is in the view exactly once, and the ledger reconciles.
    """
    kill_and_check(tmp_path, kills=12, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_hundreds_of_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """The same for a night's worth of kills."""
    kill_and_check(tmp_path, kills=210, seed=2)
