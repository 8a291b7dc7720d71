"""The product as tests meet it: a collector, a warehouse, or the whole, each started once and real.

A test that needs a state of its own asks for other settings (`collector_with`), which start
another collector; equal settings share one.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.ingest.log.segment import read_segment
from funnelhouse.ingest.metrics import LoaderSnapshot, read_snapshot
from funnelhouse.plan.plan_tables import tables_of
from funnelhouse.processes.supervisor import listen
from funnelhouse.processes.warehouse import prepare
from funnelhouse.schemas.registry import load_plan
from funnelhouse.settings import Settings
from funnelhouse.sql.builds import apply_plan
from funnelhouse.sql.client import connect
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.refresh import Refresh

WRITE_KEYS = "dev:web,app:backend:server,shop:landing@https://shop.example|https://*.shop.example"
"""A browser's key, a server's key, and one that two origins may use."""

READ_KEY = "analyst"
"""The key that may read the running product's views by URL."""

_ANSWER_S = 60.0
_VISIBLE_S = 120.0
_AGAIN_S = 0.5
_RUN_PRODUCT = """
import sys
from funnelhouse.settings import Settings
from funnelhouse.processes.supervisor import Supervisor

class Cold(Supervisor):
    def _start_warehouse(self, beat):
        return self._start("tests.cold", ["funnelhouse.processes.warehouse"], beat)

kind = Supervisor if sys.argv[1:] == ["warm"] else Cold
sys.exit(kind(Settings(), collect=True, warehouse=True).run())
"""


class Taken(NamedTuple):
    """An answer of the collector, and the rows that the request left in the spool."""

    answer: httpx.Response
    rows: list[dict[str, Any]]


@dataclass
class RunningCollector:
    """One worker process behind `url`, its data folder, and a client without keys of its own."""

    settings: Settings
    url: str
    process: subprocess.Popen[bytes]
    client: httpx.Client

    @property
    def data(self) -> Path:
        """The data folder; its spool holds whatever was taken, since no loader runs."""
        return self.settings.data

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the spool in order of arrival, as Arrow gives it."""
        return spooled_rows(self.settings.spool_folder)

    def take(self, path: str, body: Any = b"", **request: Any) -> Taken:
        """POST a body (bytes as they are, else as JSON); `request` goes to httpx."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.taken(lambda: self.client.post(path, content=content, **request))

    def taken(self, request: Callable[[], httpx.Response]) -> Taken:
        """Make a request, and read what it added to the spool."""
        before = len(self.rows())
        answer = request()
        return Taken(answer, self.rows()[before:])

    def metrics(self) -> dict[str, float]:
        """The samples of /metrics by name and labels, as their text has them."""
        return samples_of(self.client.get("/metrics").text)


@dataclass(frozen=True, slots=True)
class PreparedWarehouse:
    """The engine in this process with the tables, views and stage rules of the shipped plan."""

    client: Client
    place: Warehouse
    settings: Settings
    refresh: Refresh

    def prepare(self) -> None:
        """Bring the shipped plan into force, whatever was before."""
        plan = tables_of(load_plan(self.settings.plan))
        apply_plan(self.client, plan, self.refresh, lambda *_: None)

    def empty(self) -> None:
        """Empty every table but the migrations and the plan; what a view reads is gone too."""
        tables = self.client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase()"
            " AND engine LIKE '%MergeTree'"
            " AND name NOT LIKE 'plan_%' AND name NOT IN ('schema_migrations', 'stage_rules')"
            " AND total_rows > 0"
        ).result_rows
        for (name,) in tables:
            self.client.command(f"TRUNCATE TABLE `{name}`")


@dataclass
class RunningProduct:
    """Collector workers, loader and warehouse, as `up` runs them."""

    settings: Settings
    process: subprocess.Popen[bytes]
    client: httpx.Client = field(init=False)
    console: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        control = orjson.loads(wait_for_file(self.settings.run_folder / "control.json"))
        self.client = httpx.Client(base_url=self.url, timeout=_ANSWER_S)
        self.console = httpx.Client(
            base_url=control["url"],
            timeout=_ANSWER_S,
            headers={"authorization": f"Bearer {control['token']}"},
        )

    @property
    def url(self) -> str:
        """Where events go."""
        return f"http://{self.settings.collector}"

    @property
    def console_url(self) -> str:
        """Where the warehouse process answers."""
        return f"http://{self.settings.console}"

    def post(self, path: str, body: Any, **request: Any) -> httpx.Response:
        """POST a body (bytes as they are, else as JSON); `request` goes to httpx."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.post(path, content=content, **request)

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """Rows of a read-only statement, as the command line gets them from the running product."""
        answer = self.console.post(
            "/control/sql", params={"fmt": "JSONEachRow"}, content=statement.encode()
        )
        assert answer.status_code == 200, answer.text
        return [orjson.loads(line) for line in answer.content.splitlines()]

    def wait_visible(self, predicate: Callable[[], bool], deadline_s: float = _VISIBLE_S) -> None:
        """Ask `predicate` again after each load and now and then, until it holds; fail at the end.

        Not more often, since a question costs as much as the load that is waited for.
        """
        until = time.monotonic() + deadline_s
        loaded = self._loaded()
        while not predicate():
            assert time.monotonic() < until, f"not visible within {deadline_s} s"
            assert self.process.poll() is None, "the product has stopped"
            again = time.monotonic() + _AGAIN_S
            while time.monotonic() < again and self._loaded() == loaded:
                time.sleep(0.01)
            loaded = self._loaded()

    def _loaded(self) -> tuple[float, ...] | None:
        """What the loader tells of itself that a load changes; None before it tells anything."""
        told = read_snapshot(self.settings.run_folder / "loader.json", LoaderSnapshot)
        return told and (told.loaded_rows_total, told.refused_rows_total, told.lag_s > 0)


def samples_of(metrics: str) -> dict[str, float]:
    """The samples of Prometheus' text format by name and labels, as the text has them."""
    lines = metrics.splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def spooled_rows(spool: Path) -> list[dict[str, Any]]:
    """Every row in a spool's segments, sealed and open, in order of arrival."""
    names = {path.stem for path in spool.glob("*") if path.suffix in {".arrow", ".open"}}
    rows = [row for name in names for row in _segment_rows(spool / f"{name}.arrow")]
    return sorted(rows, key=lambda row: row["arrival"])


def _segment_rows(sealed: Path) -> list[dict[str, Any]]:
    if not sealed.exists():
        try:
            return _rows_of(sealed.with_suffix(".open").read_bytes(), still_open=True)
        except FileNotFoundError:
            assert sealed.exists(), "a segment that is open no more is sealed"
    return _sealed_rows(sealed)


@cache
def _sealed_rows(path: Path) -> list[dict[str, Any]]:
    return _rows_of(path.read_bytes(), still_open=False)


def _rows_of(data: bytes, *, still_open: bool) -> list[dict[str, Any]]:
    segment = read_segment(data, still_open=still_open)
    assert segment.damaged == []
    return [row for frame in segment.frames for row in frame.batch.to_pylist()]


def wait_for_file(path: Path) -> bytes:
    """The content of a file that another process is about to write."""
    until = time.monotonic() + _ANSWER_S
    while not path.exists() or not path.stat().st_size:
        assert time.monotonic() < until, f"{path.name} was never written"
        time.sleep(0.02)
    return path.read_bytes()


def start_collector(settings: Settings) -> RunningCollector:
    """Start one worker as the supervisor does; requests wait in the socket until it is up."""
    with listen(settings.collector) as listener:
        host, port = listener.getsockname()[:2]
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "funnelhouse.processes.worker",
                str(listener.fileno()),
                "0",
                "1",
            ],
            env={**os.environ, **settings.as_environment()},
            pass_fds=(listener.fileno(),),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
    url = f"http://{host}:{port}"
    client = httpx.Client(base_url=url, timeout=_ANSWER_S)
    client.get("/livez").raise_for_status()
    return RunningCollector(settings, url, process, client)


def stop_process(process: subprocess.Popen[bytes]) -> int:
    """End a process in its own order and return its status."""
    process.terminate()
    status = process.wait(_ANSWER_S)
    if process.stdin is not None:
        process.stdin.close()
    return status


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the collector does."""
    return "asyncio"


@pytest.fixture(scope="session")
def collector_with(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., RunningCollector]]:
    """Give a collector of these settings, by their names; equal settings share one."""
    running: dict[str, RunningCollector] = {}

    def with_settings(**settings: Any) -> RunningCollector:
        name = repr(sorted(settings.items()))
        if name not in running:
            defaults: dict[str, Any] = {
                "data": tmp_path_factory.mktemp("collector"),
                "collector": "127.0.0.1:0",
                "write_keys": WRITE_KEYS,
                "secret": "a secret of the tests",
            }
            running[name] = start_collector(Settings(**defaults | settings))
        return running[name]

    yield with_settings
    for collector in running.values():
        collector.client.close()
        stop_process(collector.process)


@pytest.fixture(scope="session")
def collector(collector_with: Callable[..., RunningCollector]) -> RunningCollector:
    """Give the collector of the default settings and `WRITE_KEYS`."""
    return collector_with()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreparedWarehouse]:
    """Open the engine in this process, which can hold no other folder after it."""
    settings = Settings(data=tmp_path_factory.mktemp("warehouse"))
    client = connect(settings.warehouse_place)
    refresh = Refresh(settings.timezone)
    prepare(client, settings, refresh)
    yield PreparedWarehouse(client, settings.warehouse_place, settings, refresh)
    client.close()


@pytest.fixture(scope="module")
def warehouse(embedded: PreparedWarehouse) -> PreparedWarehouse:
    """Begin a file of tests with nothing but the shipped plan; what it leaves behind is its own."""
    embedded.empty()
    embedded.prepare()
    return embedded


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """Start the whole product with one worker, and give it when the warehouse is prepared."""
    folder = tmp_path_factory.mktemp("product")
    with running_product(folder, WRITE_KEYS, read_keys=READ_KEY) as running:
        yield running


@contextmanager
def running_product(
    data: Path, write_keys: str, *, warm: bool = False, **changes: Any
) -> Iterator[RunningProduct]:
    """Start the whole product with one worker in a folder of its own, and stop it at the end.

    Only a `warm` one asks ahead what the console's first pages show.
    """
    addresses = {name: f"127.0.0.1:{free_port()}" for name in ("collector", "console", "sql")}
    settings = Settings(data=data, write_keys=write_keys, workers=1, **addresses | changes)
    # What an earlier product of the same folder has left tells of an address that is no more.
    (settings.run_folder / "control.json").unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN_PRODUCT, *(["warm"] if warm else [])],
        env={**os.environ, **settings.as_environment()},
        start_new_session=True,
    )
    running = RunningProduct(settings, process)
    try:
        running.wait_visible(lambda: _prepared(running.console))
        yield running
    finally:
        running.client.close()
        running.console.close()
        stop_process(process)


def _prepared(console: httpx.Client) -> bool:
    try:
        return console.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    """Draw a port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
