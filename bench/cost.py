"""What one request costs a worker: how long others wait, how much memory and disk it takes."""

import asyncio
import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from funnelhouse.ingest.collector.encoding import inflate
from funnelhouse.ingest.collector.endpoints import Collector
from funnelhouse.processes.worker import NoPandas, Worker, build_worker, keep_collector_away
from funnelhouse.settings import Settings

_PATIENCE_S = 600.0
_MB = 1e6
_MOST_INFLATED = 1 << 30
SMALL_BYTES = 16_384
"""A request may take so much disk however short it is: a frame of one row has 2 KB."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as far as its cost goes; with a `query` a GET, else a POST of the body."""

    path: str
    body: bytes = b""
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def bytes(self) -> int:
        """Its bytes without the headers, the body inflated."""
        encoding = dict(self.headers).get(b"content-encoding", b"").decode()
        plain = inflate(self.body, encoding, _MOST_INFLATED)
        return len(self.query) + len(plain if isinstance(plain, bytes) else self.body)


class Cost(NamedTuple):
    """What a request took; times are of the processor, so that a busy machine adds none.

    `blocked_ms` is the longest time between two turns of the loop.
    """

    status: int
    blocked_ms: float
    total_ms: float
    memory_mb: float
    disk_bytes: int
    bytes: int

    @property
    def disk_ratio(self) -> float:
        """Bytes on disk, beyond those that any request may take, for each byte of it."""
        return max(self.disk_bytes - SMALL_BYTES, 0) / max(self.bytes, 1)


class Scales:
    """Weighs requests one by one, each in a child of this process that leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        sys.meta_path.insert(0, NoPandas())
        settings = Settings(
            data=folder,
            write_keys="dev:web",
            snowplow_key="dev",
            secret="a secret of no use",  # noqa: S106 - it hashes what is made up
        )
        self._spool = settings.spool_folder
        self._worker = build_worker(settings, 0, 1)
        pa.array(["warm"], pa.string())
        keep_collector_away()

    def weigh(self, request: Request) -> Cost:
        """Serve a request and say what it took."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writing, orjson.dumps(asyncio.run(_served(request, self._worker))))
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        disk = sum(file.stat().st_size for file in self._spool.iterdir())
        shutil.rmtree(self._spool)
        self._spool.mkdir()
        status, blocked_ms, total_ms, memory_mb = orjson.loads(answer)
        return Cost(status, blocked_ms, total_ms, memory_mb, disk, request.bytes)


async def _served(request: Request, worker: Worker) -> tuple[int, float, float, float]:
    """Serve a request; its status, milliseconds blocked and in all, and megabytes."""
    _forget_peak()
    before = _resident("VmRSS")
    started = time.process_time()
    ticks = asyncio.create_task(_longest_turn())
    await asyncio.sleep(0)
    status = await _answered(request, worker.app)
    total_s = time.process_time() - started
    ticks.cancel()
    blocked_s = await ticks
    memory = _resident("VmHWM") - before
    return status, blocked_s * 1e3, total_s * 1e3, memory / _MB


async def _longest_turn() -> float:
    longest, last = 0.0, time.process_time()
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(0)
            now = time.process_time()
            longest, last = max(longest, now - last), now
    return longest


async def _answered(request: Request, app: Collector) -> int:
    statuses: list[int] = []
    messages = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    scope = {
        "type": "http",
        "path": request.path,
        "method": "GET" if request.query else "POST",
        "query_string": request.query,
        "headers": list(request.headers),
        "client": ("192.0.2.1", 40_000),
    }
    await asyncio.wait_for(app(scope, receive, send), _PATIENCE_S)
    return statuses[0]


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets VmHWM


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
