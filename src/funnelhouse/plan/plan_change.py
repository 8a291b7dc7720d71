"""The change of plan that a process makes: one at a time, in a thread, while all else goes on.

Until it is done every view reads the plan before; what goes wrong is kept to be told.
"""

import logging
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.archive.earlier import earlier_events
from funnelhouse.plan.plan_tables import tables_of
from funnelhouse.schemas.registry import load_plan
from funnelhouse.settings import Settings
from funnelhouse.sql.backfill import events_read, stop_growing
from funnelhouse.sql.builds import Earlier, apply_plan
from funnelhouse.sql.client import WarehouseError, connection
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.timeouts import refresh_sessions

log = logging.getLogger(__name__)
_AGAIN_S = 0.5
_SINCE = (
    "SELECT formatDateTime(max(since), '%Y-%m-%d %H:%i UTC') FROM plan_states HAVING count() > 0"
)


class PlanChangeStopped(Exception):  # noqa: N818 - what happened, not an error
    """The change was told to stop; whatever it has done is good for the next time."""


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """How far a change is: `what` is "" when none is under way, else plan, events or people.

    It is sessions when the plan is in force, and sessions are cut by another timeout. After the
    last one `error` says why the plan is not in force, `changed` whether it was not yet.
    """

    what: str = ""
    done: int = 0
    of: int = 0
    error: str = ""
    changed: bool = False


class PlanChange:
    """Brings the plan in the settings' folder into force, and then their session timeout."""

    def __init__(self, settings: Settings, refresh: Refresh) -> None:
        self._settings = settings
        self._refresh = refresh
        self._folder = settings.plan.resolve()
        self._beginning = Lock()
        self._stop = Event()
        self._thread: Thread | None = None
        self._progress = PlanProgress()

    def begin(self, folder: str | None = None) -> None:
        """Begin, and return at once; `folder` is where the plan is believed to be.

        Raises:
            ValueError: one is under way, or the plan of this process is in another folder.
        """
        if folder is not None and Path(folder) != self._folder:
            raise ValueError(
                f"The running product works by the plan in {self._folder}, not by {folder};"
                " name that folder, or start the product with the other one."
            )
        with self._beginning:
            if self._progress.what:
                raise ValueError(
                    "A plan is being brought into force already; see `funnelhouse status` for how"
                    " far it is, and ask again when it is done."
                )
            self._progress = PlanProgress("plan")
        self._thread = Thread(target=self._run, name="plan")
        self._thread.start()

    def progress(self, client: Client) -> dict[str, Any]:
        """Give the fields of `PlanProgress`, and `since` when the plan is in force."""
        progress = self._progress
        if progress.what == "events":
            done, of = events_read(client)
            progress = replace(progress, done=done, of=of)
        since = client.query(_SINCE).result_rows
        return asdict(progress) | {"since": since[0][0] if since else ""}

    def stop(self) -> None:
        """Stop what is under way; returns when it has ended."""
        self._stop.set()
        while self._thread is not None and self._thread.is_alive():
            with (
                suppress(WarehouseError, ClickHouseError),
                connection(self._settings.warehouse_place) as client,
            ):
                stop_growing(client)
            self._thread.join(_AGAIN_S)

    def _run(self) -> None:
        try:
            plan = load_plan(self._folder)
            for fault in plan.refused:
                log.warning("a file of the plan is refused", extra={"fault": str(fault)})
            with connection(self._settings.warehouse_place) as client:
                changed = apply_plan(
                    client, tables_of(plan), self._refresh, self._note, self._earlier()
                )
                self._refresh_sessions(client)
            self._progress = PlanProgress(changed=changed)
        except Exception as error:
            # Nobody waits for the thread: whatever it was is told by `progress`.
            self._progress = PlanProgress(error=str(error))
            if not self._stop.is_set():
                log.exception("the plan is not in force, the one before is")

    def _earlier(self) -> Earlier | None:
        folders = self._settings.archives
        return partial(earlier_events, folders) if folders else None

    def _refresh_sessions(self, client: Client) -> None:
        try:
            refresh_sessions(client, self._refresh, self._note)
        except Exception:
            # The plan is in force all the same; the next start refreshes sessions again.
            if not self._stop.is_set():
                log.exception("sessions are not all refreshed by the new timeout; start again")

    def _note(self, what: str, done: int, of: int) -> None:
        if self._stop.is_set():
            raise PlanChangeStopped("The change of the plan was stopped; apply it again.")
        self._progress = PlanProgress(what, done, of)
