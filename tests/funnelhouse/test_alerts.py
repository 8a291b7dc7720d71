"""Alerts are told once when a condition begins and once when it is over."""

import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from funnelhouse.analysis.alerts import AlertCondition
from funnelhouse.processes.alerts import Alerts, Receivers, message
from funnelhouse.schemas.alerts import KINDS
from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.location import Warehouse
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring
from tests.sql.test_coverage import expects

NOW = "toUnixTimestamp(now()) - 1724025600"
"""Seconds from the receipt of the event with `came` 0 until now."""


class Receiver:
    """A server that keeps what is posted to it; `status` is its answer."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((self.path, orjson.loads(body)))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def texts(self) -> list[str]:
        """Give the texts that the webhook got, and forget them."""
        found = [body["text"] for path, body in self.got if path.startswith("/hook")]
        self.got = []
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a webhook and Alertmanager in one."""
    started = Receiver()
    yield started
    started.server.shutdown()
    started.server.server_close()


def rule(kind: str, **changes: Any) -> tuple[Any, ...]:
    """Return a rule of a plan of the name of its kind."""
    row: dict[str, Any] = {
        "alert": kind,
        "kind": kind,
        "title": kind.replace("_", " "),
        "coverage": "",
        "source": "",
        "funnel": "",
        "minutes": 60,
        "above": 0.1,
        "at_least": 2,
        "seconds": 30,
        "severity": "warning",
    }
    return tuple((row | changes).values())


def now(warehouse: PreparedWarehouse) -> int:
    """Give the seconds from the first receipt of histories until now."""
    ((seconds,),) = warehouse.client.query(f"SELECT {NOW}").result_rows
    return int(seconds)


def alerts(warehouse: PreparedWarehouse, receiver: Receiver, oldest_s: float = 0.0) -> Alerts:
    """Return alerts as a new process has them."""
    receivers = Receivers(f"{receiver.url}/hook/secret", receiver.url)
    return Alerts(warehouse.place, receivers, lambda: oldest_s, 60)


def test_once_and_once_over(
    warehouse: PreparedWarehouse, receiver: Receiver, tmp_path: Path
) -> None:
    """A gap is told when it begins, never again, also by another process, and when it is closed."""
    warehouse.empty()
    rules = [rule("coverage_gap"), rule("spool_age")]
    planned = [("viewed", "course", "1-0-0", [], [])]
    expected = [expects("viewed", coverage="course")]
    bring(warehouse.client, COURSE, coverage=expected, events=planned, alerts=rules)
    alerts(warehouse, receiver).look()
    assert receiver.texts() == [
        "[warning] coverage gap: viewed is missing: no such event came",
    ]
    for _ in range(2):
        alerts(warehouse, receiver).look()
    assert receiver.texts() == []
    alerts(warehouse, receiver, oldest_s=31).look()
    (told,) = receiver.texts()
    assert told.startswith("[warning] spool age: The oldest segment waits for 31 s")
    event = Told(
        id=1, came=now(warehouse) - 5, name="viewed", anonymous="a", path="/course/x", product=None
    )
    Road(warehouse.place, tmp_path).load([[event]])
    alerts(warehouse, receiver).look()
    assert sorted(text.split(":")[0] for text in receiver.texts()) == [
        "[over] coverage gap",
        "[over] spool age",
    ]
    rows = warehouse.client.query("SELECT alert, until IS NULL FROM alert_states ORDER BY alert")
    assert rows.result_rows == [("coverage_gap", 0), ("spool_age", 0)]


def test_every_kind(warehouse: PreparedWarehouse, receiver: Receiver, tmp_path: Path) -> None:
    """Silence and rejections are found beside the others; each rule's statement answers."""
    warehouse.empty()
    bring(warehouse.client, COURSE, alerts=[rule(kind) for kind in KINDS])
    came = now(warehouse)
    history = [
        Told(id=1, came=came - 7200, name="applied", anonymous="a", source="app"),
        *(
            Told(id=n, came=came - n, name="applied", anonymous="a", reason="schema")
            for n in range(2, 5)
        ),
    ]
    Road(warehouse.place, tmp_path).load([history])
    changed = alerts(warehouse, receiver, oldest_s=31).look()
    told = {one.key: one.told for one in changed.began}
    assert told["silence", "app"].startswith("app has sent nothing for 12")
    assert told["reject_rate", "web"].startswith("3 of 3 events of web were rejected")
    assert set(told) == {("silence", "app"), ("reject_rate", "web"), ("spool_age", "spool")}


def test_a_webhook_that_fails_is_told_later(
    warehouse: PreparedWarehouse, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """What was not taken is told again; the log has neither the address nor its secret."""
    warehouse.empty()
    bring(warehouse.client, COURSE, alerts=[rule("spool_age")])
    receiver.status = 500
    with caplog.at_level(logging.WARNING):
        alerts(warehouse, receiver, oldest_s=31).look()
    assert "secret" not in "".join(str(vars(record)) for record in caplog.records)
    receiver.status, receiver.got = 200, []
    alerts(warehouse, receiver, oldest_s=31).look()
    assert len(receiver.texts()) == 1


def test_alertmanager_is_told_each_time(warehouse: PreparedWarehouse, receiver: Receiver) -> None:
    """It gets every alert that holds with its labels, and its end once it is over."""
    warehouse.empty()
    bring(warehouse.client, COURSE, alerts=[rule("spool_age")])
    for _ in range(2):
        alerts(warehouse, receiver, oldest_s=31).look()
    posts = [body for path, body in receiver.got if path == "/api/v2/alerts"]
    assert [[one["labels"]["alertname"] for one in body] for body in posts] == [["spool_age"]] * 2
    assert posts[0][0]["labels"]["subject"] == "spool"
    receiver.got = []
    alerts(warehouse, receiver).look()
    (body,) = [body for path, body in receiver.got if path == "/api/v2/alerts"]
    assert body[0]["endsAt"] < posts[1][0]["endsAt"]


def test_text_of_strangers_is_no_markup() -> None:
    """Slack's own signs are escaped."""
    condition = AlertCondition("a", "b", "t", "warning", "<!channel> & <http://x|y>")
    assert message(condition, over=False)["text"].endswith(
        "&lt;!channel&gt; &amp; &lt;http://x|y&gt;"
    )


def test_a_warehouse_that_is_away_stops_nothing(tmp_path: Path, receiver: Receiver) -> None:
    """Without a warehouse nothing is told, and the thread goes on."""
    away = Warehouse(tmp_path, "http://127.0.0.1:1/funnelhouse")
    watch = Alerts(away, Receivers(receiver.url, ""), lambda: 0.0, 0.01)
    with pytest.raises(WarehouseError):
        watch.look()
    watch.begin()
    watch.stop()
    assert receiver.got == []
