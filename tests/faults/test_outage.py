"""The warehouse is away for a while: events are taken all the same, and loaded once it is back."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from funnelhouse.settings import Settings
from tests.conftest import _RUN_PRODUCT, RunningProduct, free_port, stop_process
from tests.faults.senders import Senders, sending

_HOLD = (
    "import sys; from chdb.session import Session; s = Session(sys.argv[1]);"
    " print(1, flush=1); input()"
)


@contextmanager
def started(data: Path, warehouse: str = "") -> Iterator[RunningProduct]:
    """Run the product without waiting for its warehouse, and stop it at the end."""
    settings = Settings(
        data=data,
        collector=f"127.0.0.1:{free_port()}",
        console=f"127.0.0.1:{free_port()}",
        write_keys="dev:web",
        workers=1,
        warehouse=warehouse,
    )
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN_PRODUCT],
        env={**os.environ, **settings.as_environment()},
        start_new_session=True,
    )
    product = RunningProduct(settings, process)
    try:
        yield product
    finally:
        product.client.close()
        product.console.close()
        stop_process(process)


@contextmanager
def stand_in(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a stand-in for a ClickHouse server on a port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.stand_in", f"{folder}", f"{port}"]
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


PAUSE_S = 0.05
"""Between two batches: how many events wait out an outage makes no difference."""


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold the folder of an embedded engine by another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, f"{folder}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def retries(product: RunningProduct) -> float:
    """Read how often an insert or a connection was tried again."""
    lines = product.client.get("/metrics").text.splitlines()
    return sum(float(ln.split()[-1]) for ln in lines if ln.startswith("funnelhouse_loader_retries"))


def outlast(product: RunningProduct, senders: Senders, tries: int) -> None:
    """Wait until the loader has tried so many times in vain, while events are answered."""
    before = len(senders.acked)
    product.wait_visible(
        lambda: retries(product) >= tries and len(senders.acked) > before, 60 + tries * 31
    )
    assert product.client.get("/readyz").status_code == 200


def all_loaded(product: RunningProduct, senders: Senders) -> None:
    """Wait until every answered event is in the view, once, and the ledger reconciles."""
    count = "SELECT count() AS events, uniqExact(event_id) AS ids FROM events"

    def loaded() -> bool:
        try:
            (found,) = product.sql(count)
        except (AssertionError, httpx.TransportError):
            return False  # not prepared yet
        return int(found["ids"]) >= len(senders.acked) and not any(
            product.settings.spool_folder.glob("*.arrow")
        )

    product.wait_visible(loaded, 120)
    assert senders.unexpected == []
    assert senders.refused == set()
    ids = {row["event_id"] for row in product.sql("SELECT event_id FROM events")}
    assert senders.acked <= ids
    (found,) = product.sql(count)
    assert found["events"] == found["ids"]
    wrong = "SELECT sum(abs(unaccounted)) + sum(in_spool) + sum(rejected) AS wrong"
    assert [int(row["wrong"]) for row in product.sql(f"{wrong} FROM ledger_minutely")] == [0]


def test_a_server_that_comes_late_gets_everything(tmp_path: Path) -> None:
    """With nobody at the server's address events are taken; all are loaded once it answers.

    A server that dies under load and comes back is no different.
    """
    port = free_port()
    url = f"http://default@127.0.0.1:{port}/funnelhouse"
    with started(tmp_path / "data", url) as product:
        with sending(product.url, threads=1, pause_s=PAUSE_S) as senders:
            outlast(product, senders, 2)
            with stand_in(tmp_path / "server", port):
                product.wait_visible(lambda: loaded_any(product))
            outlast(product, senders, int(retries(product)) + 2)
        with stand_in(tmp_path / "server", port):
            all_loaded(product, senders)


def loaded_any(product: RunningProduct) -> bool:
    """Whether some rows have been loaded."""
    lines = product.client.get("/metrics").text.splitlines()
    name = 'funnelhouse_loader_rows_total{outcome="loaded"}'
    return any(line.startswith(name) and float(line.split()[-1]) > 0 for line in lines)


def test_an_engine_held_by_another_process_is_waited_for(tmp_path: Path) -> None:
    """While another process holds the embedded engine's folder, events are taken and wait."""
    (tmp_path / "warehouse").mkdir()
    with ExitStack() as held:
        held.enter_context(holding(tmp_path / "warehouse"))
        with started(tmp_path) as product:
            with sending(product.url, threads=1, pause_s=PAUSE_S) as senders:
                outlast(product, senders, 3)
            held.close()
            all_loaded(product, senders)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_an_outage_longer_than_the_longest_wait_loses_nothing(tmp_path: Path) -> None:
    """The waits between tries have grown to their longest, half a minute, when the server comes."""
    port = free_port()
    url = f"http://default@127.0.0.1:{port}/funnelhouse"
    with started(tmp_path / "data", url) as product:
        with sending(product.url, threads=1, pause_s=PAUSE_S) as senders:
            outlast(product, senders, 11)
        with stand_in(tmp_path / "server", port):
            all_loaded(product, senders)


def test_the_whole_line_into_a_real_server(tmp_path: Path) -> None:
    """Against a ClickHouse server in a container the line is the same, by the same client."""
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.skip("a real ClickHouse server needs a Docker engine, and none answers here")
    from testcontainers.clickhouse import ClickHouseContainer  # noqa: PLC0415 - only with Docker

    server = ClickHouseContainer(
        "clickhouse/clickhouse-server:25.8", username="line", password="line", dbname="funnelhouse"
    )
    with server:
        address = f"{server.get_container_host_ip()}:{server.get_exposed_port(8123)}"
        with started(tmp_path, f"http://line:line@{address}/funnelhouse") as product:
            with sending(product.url) as senders:
                product.wait_visible(lambda: loaded_any(product), 120)
            all_loaded(product, senders)
