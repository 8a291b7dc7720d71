"""Evaluates the plan's alerts in the background; tells a Slack-like webhook and Alertmanager.

A webhook is told once when a condition begins and once when it is over, also across restarts;
Alertmanager is told again each time, as it wants, and keeps to once itself.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import httpx
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.analysis.alerts import AlertChanges, AlertCondition, conditions, turn
from funnelhouse.sql.client import WarehouseError, connection
from funnelhouse.sql.location import Warehouse

log = logging.getLogger(__name__)
_TIMEOUT_S = 10.0
_LASTS = 4
"""Alertmanager forgets an alert that was not told again for so many rounds."""
_COLUMNS = ("alert", "subject", "title", "severity", "told", "since", "until")


@dataclass(frozen=True, slots=True)
class Receivers:
    """Whom to tell: addresses of a webhook and of an Alertmanager, "" for none."""

    webhook: str
    alertmanager: str


class Alerts:
    """Looks every `every_s` seconds; `oldest_s` asks for the age of the oldest segment."""

    def __init__(
        self,
        warehouse: Warehouse,
        receivers: Receivers,
        oldest_s: Callable[[], float],
        every_s: float,
    ) -> None:
        self._warehouse, self._receivers = warehouse, receivers
        self._oldest_s, self._every_s = oldest_s, every_s
        self._stop = Event()
        self._thread = Thread(target=self._run, name="alerts")

    def begin(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; returns when what is under way has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.look()
            except (ClickHouseError, WarehouseError) as error:
                log.warning("alerts were not evaluated", extra={"error": str(error)[:500]})

    def look(self) -> AlertChanges:
        """Evaluate once, tell what changed, and note what was told."""
        with connection(self._warehouse) as client:
            now = conditions(client, self._oldest_s())
            changed = turn(now, _told_of(client))
            self._tell_alertmanager(now, changed.over)
            for one in changed.began:
                if self._tell_webhook(one, over=False):
                    _note(client, one, over=False)
            for one in changed.over:
                if self._tell_webhook(one, over=True):
                    _note(client, one, over=True)
        return changed

    def _tell_webhook(self, condition: AlertCondition, *, over: bool) -> bool:
        """Say whether it was told, or nobody wants to be: else it is tried again."""
        return not self._receivers.webhook or _post(
            self._receivers.webhook, message(condition, over=over)
        )

    def _tell_alertmanager(
        self, now: Sequence[AlertCondition], over: Sequence[AlertCondition]
    ) -> None:
        if not self._receivers.alertmanager or not (now or over):
            return
        at = datetime.now(UTC)
        later = at + timedelta(seconds=_LASTS * self._every_s)
        told = [_alert(one, later) for one in now] + [_alert(one, at) for one in over]
        _post(f"{self._receivers.alertmanager.rstrip('/')}/api/v2/alerts", told)


def message(condition: AlertCondition, *, over: bool) -> dict[str, str]:
    """Write what Slack's incoming webhooks take; its three signs of markup are escaped."""
    state = "over" if over else condition.severity
    text = f"[{state}] {condition.title}: {condition.told}"
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, written)
    return {"text": text}


def _alert(condition: AlertCondition, ends_at: datetime) -> dict[str, Any]:
    labels = {
        "alertname": condition.alert,
        "subject": condition.subject,
        "severity": condition.severity,
        "product": "funnelhouse",
    }
    annotations = {"summary": condition.title, "description": condition.told}
    return {"labels": labels, "annotations": annotations, "endsAt": ends_at.isoformat()}


def _post(url: str, body: Any) -> bool:
    try:
        answer = httpx.post(url, json=body, timeout=_TIMEOUT_S)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The address of a webhook is a secret, and errors bear it.
        log.warning("an alert was not told", extra={"error": type(error).__name__})
        return False
    return True


def _told_of(client: Client) -> list[AlertCondition]:
    rows = client.query(
        "SELECT alert, subject, title, severity, told FROM alert_states WHERE until IS NULL"
    ).result_rows
    return [AlertCondition(*row) for row in rows]


def _note(client: Client, condition: AlertCondition, *, over: bool) -> None:
    now = datetime.now(UTC)
    since = now
    if over:
        found = client.query(
            "SELECT since FROM alert_states WHERE alert = {a:String} AND subject = {s:String}",
            parameters={"a": condition.alert, "s": condition.subject},
        ).result_rows
        since = found[0][0].replace(tzinfo=UTC) if found else now
    row = [condition.alert, condition.subject, condition.title, condition.severity, condition.told]
    client.insert(
        "alert_states_raw", [[*row, since, now if over else None]], column_names=list(_COLUMNS)
    )
