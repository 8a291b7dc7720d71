"""One collector worker: takes connections from a listening socket until it is told to stop."""

import asyncio
import gc
import os
import resource
import secrets
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.abc import MetaPathFinder
from pathlib import Path

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from funnelhouse.console.access.host_names import is_known_host
from funnelhouse.ingest.collector.connection import Connection
from funnelhouse.ingest.collector.connections import Connections
from funnelhouse.ingest.collector.cross_origin import Closed
from funnelhouse.ingest.collector.endpoints import Collector
from funnelhouse.ingest.collector.intake import AccessPolicy, EventPath, Receiver
from funnelhouse.ingest.collector.proxies import Proxies
from funnelhouse.ingest.collector.rates import RateLimiter, Rates
from funnelhouse.ingest.collector.service import service
from funnelhouse.ingest.collector.tag import Tag
from funnelhouse.ingest.collector.trackers import routes
from funnelhouse.ingest.log.disk import LOCAL_DISK, Disk
from funnelhouse.ingest.log.row import SCHEMA
from funnelhouse.ingest.log.spool import Spool
from funnelhouse.ingest.metrics import SnapshotCollector, WorkerMetrics
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.ingest.validation.pipeline import Pipeline
from funnelhouse.processes.assignment import running_today
from funnelhouse.processes.heartbeat import Heartbeat
from funnelhouse.processes.logs import configure_logs
from funnelhouse.processes.parent_watch import stop_on_signal, stop_without_parent
from funnelhouse.processes.permissions import keep_private
from funnelhouse.processes.qa_panel import expected_of_pages
from funnelhouse.processes.secret import SecretError
from funnelhouse.schemas.registry import load_events
from funnelhouse.settings import Settings

TAG_FOLDER = Path(__file__).parent.parent / "tag"
_PUBLISH_S = 1.0
_LOOK_S = 1.0
_OTHER_FILES = 256
"""Open files of a worker that are no connections."""
_SYNC_FAILED = 74
"""Exit status (EX_IOERR) after a failed sync."""


@dataclass(frozen=True, slots=True)
class Worker:
    """The parts of one worker that outlive a request."""

    app: Collector
    spool: Spool
    metrics: WorkerMetrics


@dataclass(frozen=True, slots=True)
class Place:
    """Which of how many workers this process is, and its sign of life."""

    slot: int
    workers: int
    heartbeat: Heartbeat


def rules_of(settings: Settings) -> Rules:
    """Load what events are judged by."""
    return Rules(
        load_events(settings.plan),
        settings.limits,
        settings.secret_bytes(),
        accept_unknown=settings.unknown_events == "accept",
        mask_ip=settings.mask_ip,
        redact_patterns=settings.redact_patterns,
    )


def build_worker(settings: Settings, slot: int, workers: int, disk: Disk = LOCAL_DISK) -> Worker:
    """Wire one worker; `slot` numbers it among the `workers` that share the key rates."""
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    rules = rules_of(settings)
    # Segments of many machines meet in one warehouse, and containers have the same process ids.
    worker = f"{os.getpid()}_{secrets.token_hex(4)}"
    spool = Spool(settings.spool, SCHEMA, disk, worker=worker)
    metrics = WorkerMetrics(settings.run_folder, slot)
    trusted = settings.trusted_proxies
    intake = Receiver(
        AccessPolicy(settings.keys(), rules.limits, _rates_of(settings, workers), Proxies(trusted)),
        EventPath(Pipeline(rules), spool, metrics),
    )
    known = partial(is_known_host, names=settings.known_names)
    rest = Closed(service(SnapshotCollector(settings.run_folder, spool.depth), spool.full, known))
    behind = ProxyHeadersMiddleware(rest, trusted)  # type: ignore[arg-type]  # FastAPI takes any mapping for a scope
    endings = {
        "experiments": running_today(rules.plan.experiments, settings.timezone),
        "panel": lambda: expected_of_pages(rules.plan.coverage),
    }
    trackers = routes(rules.plan.snowplow, settings.snowplow_key)
    connections = Connections(settings.connections, Proxies(trusted).trusts)
    app = Collector(intake, Tag(TAG_FOLDER, endings, behind), trackers, connections)
    return Worker(app, spool, metrics)


def _rates_of(settings: Settings, workers: int) -> Rates:
    """Give each of the workers its part of the rates of a key."""

    def limiter(per_s: float, burst: int) -> RateLimiter:
        return RateLimiter(per_s / workers, max(burst // workers, 1))

    return Rates(
        limiter(settings.rate_events_per_s, settings.rate_burst_events),
        limiter(settings.rate_bytes_per_s, settings.rate_burst_bytes),
    )


async def serve(settings: Settings, listener: socket.socket, place: Place) -> int:
    """Serve until told to stop, drain, seal; the exit status is not 0 after a failed sync."""
    worker = build_worker(settings, place.slot, place.workers)
    server = uvicorn.Server(
        uvicorn.Config(
            worker.app,
            http=Connection,
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=settings.keep_alive_s,
            timeout_graceful_shutdown=settings.drain_s,
            lifespan="off",
            ws="none",
        )
    )
    for stop_when in (stop_on_signal, stop_without_parent):
        stop_when(lambda: setattr(server, "should_exit", True))
    tasks = [
        asyncio.create_task(_publish(worker.metrics)),
        asyncio.create_task(_close_late(worker.app.connections)),
        asyncio.create_task(place.heartbeat.turn()),
        asyncio.create_task(_leave_when_failed(worker.spool, server)),
    ]
    keep_collector_away()
    await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()
    await worker.spool.close()
    worker.metrics.publish()
    return _SYNC_FAILED if worker.spool.failed.is_set() else 0


async def _publish(metrics: WorkerMetrics) -> None:
    while True:
        metrics.publish()
        await asyncio.sleep(_PUBLISH_S)


async def _close_late(connections: Connections) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_LOOK_S)
        connections.close_late(loop.time())


async def _leave_when_failed(spool: Spool, server: uvicorn.Server) -> None:
    await spool.failed.wait()
    server.should_exit = True


def keep_collector_away() -> None:
    """Let cyclic garbage wait: requests make none, and each young collection walks their events."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


class NoPandas(MetaPathFinder):
    """Says that pandas is not here: Arrow would load its 50 MB to look at the first rows."""

    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: object = None) -> None:
        """Refuse pandas, leave all else to the other finders."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def main() -> int:
    """Run as a child of the supervisor: arguments are the socket's descriptor, slot and count."""
    descriptor, slot, workers = map(int, sys.argv[1:4])
    settings = Settings()
    place = Place(slot, workers, Heartbeat())
    configure_logs()
    _allow_files(settings.max_connections + _OTHER_FILES)
    sys.meta_path.insert(0, NoPandas())
    keep_private(settings.data)
    with (
        socket.socket(fileno=descriptor) as listener,
        asyncio.Runner(loop_factory=_new_loop) as runner,
    ):
        try:
            return runner.run(serve(settings, listener, place))
        except SecretError as error:
            sys.stderr.write(f"{error}\n")
            return 2


def _allow_files(wanted: int) -> None:
    """Raise the limit of open files, which is 1,024 on most machines, as far as one may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - only workers need it

    return uvloop.new_event_loop()


if __name__ == "__main__":
    sys.exit(main())
