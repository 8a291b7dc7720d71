"""The warehouse process: the loader in a thread, and the control application beside it.

It alone opens the embedded engine.
"""

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Protocol

from clickhouse_connect.driver.client import Client
from fastapi import FastAPI
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from funnelhouse.archive.work import insert_piece
from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.control import Control, control, write_address
from funnelhouse.console.export import Export
from funnelhouse.console.pages.prewarm import Prewarm
from funnelhouse.console.pages.site import LINKED, LoadProgress, Site
from funnelhouse.ingest.loader.loader import Loader, LoaderConfig
from funnelhouse.ingest.log.depth import Depth, is_drained, measure
from funnelhouse.ingest.metrics import LoaderSnapshot, WarehouseCollector, exposition, read_snapshot
from funnelhouse.plan.plan_change import PlanChange
from funnelhouse.plan.plan_tables import tables_of
from funnelhouse.processes.address import host_and_port, is_loopback
from funnelhouse.processes.alerts import Alerts, Receivers
from funnelhouse.processes.endpoint import Endpoint
from funnelhouse.processes.fingerprint import check_secret
from funnelhouse.processes.forgetting import Loading, finish_forgetting
from funnelhouse.processes.heartbeat import Heartbeat
from funnelhouse.processes.jobs import Job, jobs_of
from funnelhouse.processes.logs import configure_logs
from funnelhouse.processes.parent_watch import stop_on_signal, stop_without_parent
from funnelhouse.processes.permissions import keep_private
from funnelhouse.processes.process_lock import AlreadyRunningError, only_one
from funnelhouse.processes.readouts import Readouts
from funnelhouse.processes.secret import SecretError
from funnelhouse.processes.server import Server, protected_server
from funnelhouse.processes.untrusted_sql import strangers_of
from funnelhouse.processes.verification import Verification
from funnelhouse.schemas.registry import PlanError, load_plan
from funnelhouse.settings import Settings
from funnelhouse.sql.builds import apply_plan, plan_in_force
from funnelhouse.sql.client import connect
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.retention import retain
from funnelhouse.sql.upgrade import migrate

log = logging.getLogger(__name__)
_PATIENCE_S = 5.0
_DRAINED_S = 60.0
_LOOK_S = 0.05


def upgrade(client: Client, settings: Settings) -> None:
    """Bring a warehouse to this version's tables and views."""
    for name in migrate(client, settings.timezone, settings.cluster):
        log.info("migration applied", extra={"migration": name})


def prepare(client: Client, settings: Settings, refresh: Refresh) -> None:
    """Bring a warehouse to this version's tables and views, and a plan into force if none is.

    Raises:
        PlanError: the first plan has a fault.
    """
    upgrade(client, settings)
    finish_forgetting(client, refresh)
    if not plan_in_force(client):
        plan = load_plan(settings.plan)
        for fault in plan.refused:
            log.warning("a file of the plan is refused", extra={"fault": str(fault)})
        apply_plan(client, tables_of(plan), refresh, _log_progress)


def _log_progress(what: str, done: int, of: int) -> None:
    log.info("building stages", extra={"what": what, "done": done, "of": of})


def _progress(settings: Settings) -> LoadProgress:
    """Tell how far the loader is, for the console's first page."""
    loader = read_snapshot(settings.run_folder / "loader.json", LoaderSnapshot)
    held = _held(settings)
    return LoadProgress(loader.lag_s if loader else 0.0, held.segments)


def _held(settings: Settings) -> Depth:
    return measure(settings.spool_folder, time.time())


def _oldest_s(settings: Settings) -> float:
    return _held(settings).oldest_age_s


def _await_drained(settings: Settings) -> None:
    """Wait until what was received before now is loaded.

    Raises:
        ValueError: that takes too long.
    """
    asked_at = time.time()
    while not is_drained(settings.spool_folder, asked_at):
        if time.time() > asked_at + _DRAINED_S:
            raise ValueError("The spool is not loaded yet; see `funnelhouse status`, ask again.")
        time.sleep(_LOOK_S)


def _jobs(
    settings: Settings,
    change: PlanChange,
    refresh: Refresh,
    loader: Loader,
    verification: Verification,
) -> dict[str, Job]:
    drain = partial(_await_drained, settings)
    loading = Loading(settings.spool_folder, drain, loader.at_rest)
    return jobs_of(change, refresh, loading, verification)


def _control(settings: Settings, ready: Event, jobs: dict[str, Job], refresh: Refresh) -> Control:
    """Gather what the routes work with."""
    host, _ = host_and_port(settings.console)
    door = ReadAccess(settings.readers, open=is_loopback(host))
    export = Export(door, settings.export_max_rows) if settings.readers else None
    drained = partial(is_drained, settings.spool_folder)
    progress = partial(_progress, settings)
    return Control(
        ready.is_set,
        settings.warehouse_place,
        jobs,
        export,
        door,
        drained,
        progress,
        settings.timezone,
        exposition(WarehouseCollector(settings.run_folder, partial(_held, settings))),
        partial(insert_piece, refresh),
    )


class _BackgroundTask(Protocol):
    """Works beside loading: begins when the warehouse is ready, and stops with the process."""

    def begin(self) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """Stop; returns when it has."""


def _background_tasks(
    settings: Settings, change: PlanChange, state: Control, site: Callable[[], Site]
) -> list[_BackgroundTask]:
    """Give what works beside loading, in the order in which it begins."""
    receivers = Receivers(settings.alert_webhook, settings.alertmanager)
    oldest_s = partial(_oldest_s, settings)
    return [
        change,
        Readouts(lambda: connect(settings.warehouse_place), settings.timezone),
        Endpoint(settings, state.strangers, state.door.guesses),
        Alerts(settings.warehouse_place, receivers, oldest_s, settings.alerts_every_s),
        Prewarm(site),
    ]


def _server(settings: Settings, app: FastAPI) -> Server:
    host, port = host_and_port(settings.console)
    return protected_server(settings, app, LINKED, host=host, port=port)


def _loading(loader: Loader, server: Server) -> tuple[threading.Thread, Event]:
    """Give the thread that loads, and what is set when it failed; the server stops then."""
    failed = Event()

    def load() -> None:
        try:
            loader.run()
        except Exception:
            log.exception("the loader stopped")
            failed.set()
            server.should_exit = True

    return threading.Thread(target=load, name="loader"), failed


def run(settings: Settings, heartbeat: Heartbeat) -> int:
    """Load and answer until told to stop; the exit status is 1 when the loader failed.

    A plan that is not in force yet is brought into it beside that, once the warehouse is ready.

    Raises:
        PlanError: the first plan of the warehouse has a fault.
        SecretError: the secret is not the warehouse's, or is too short.
    """
    ready = Event()
    refresh = Refresh(settings.timezone, settings.session_timeout_s)
    change = PlanChange(settings, refresh)
    strangers = strangers_of(settings)
    faulty: list[PlanError | SecretError] = []

    def opened() -> Client:
        client = connect(settings.warehouse_place)
        if not ready.is_set():
            try:
                prepare(client, settings, refresh)
                check_secret(client, settings.secret_bytes())
                retain(client, settings.retention_days)
            except (PlanError, SecretError) as error:
                faulty.append(error)
                loader.stop.set()
                server.should_exit = True
                raise
            heartbeat.ready()
            ready.set()
            for one in beside:
                one.begin()
            if settings.sql_warm:
                strangers.warm()
        return client

    loader = Loader(
        LoaderConfig(settings.spool_folder, settings.run_folder, settings.load_max_bytes),
        opened,
        refresh,
    )
    verification = Verification(settings, refresh)
    jobs = _jobs(settings, change, refresh, loader, verification)
    state = replace(_control(settings, ready, jobs, refresh), strangers=strangers)
    app = control(state)
    beside = [*_background_tasks(settings, change, state, lambda: app.state.site), verification]
    server = _server(settings, app)
    server.on_turn = heartbeat.turned
    thread, failed = _loading(loader, server)
    for stop_when in (stop_on_signal, stop_without_parent):
        stop_when(lambda: setattr(server, "should_exit", True))
    write_address(settings.run_folder, f"http://{settings.console}", state.token)
    thread.start()
    try:
        server.run()
    finally:
        loader.stop.set()
        strangers.stop()
        for one in beside:
            one.stop()
        thread.join()
    if faulty:
        raise faulty[0]
    return 1 if failed.is_set() else 0


def main() -> int:
    """Run as a child of the supervisor."""
    heartbeat = Heartbeat()
    configure_logs()
    # The rows of a load are no cycles: walking them again and again took half of the time.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    settings = Settings()
    keep_private(settings.data)
    # A command of this machine may hold the folder for the moment that its question takes.
    patiently = Retrying(
        retry=retry_if_exception_type(AlreadyRunningError),
        stop=stop_after_delay(_PATIENCE_S),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    try:
        with ExitStack() as held:
            patiently(lambda: held.enter_context(only_one(settings, "warehouse")))
            return run(settings, heartbeat)
    except (AlreadyRunningError, PlanError, SecretError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
