"""Each view over warehouses of a crowd's events, refreshing, and how both grow with the events."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from clickhouse_connect.driver.client import Client

from bench import crowd
from bench.figures import (
    ATTRIBUTION,
    READOUT,
    REFRESHED_EVERYBODY,
    REFRESHED_LOAD,
    SESSIONS,
    Figure,
)
from bench.plan import RunPlan
from funnelhouse.analysis import experiments
from funnelhouse.settings import Settings
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.upgrade import ROOT, VIEWS, migrate

_LOADS = (50, 5_000, 200_000)
_ROWS_OF_EVENTS = ("events/events", "events/rejected_events")
_GIVEN = {
    "funnel": f"'{crowd.FUNNEL}'",
    "stage": "'slack_joined'",
    "audience": "'slack_joined'",
    "experiment": f"'{crowd.EXPERIMENT}'",
    "unit": "'week'",
    "split": "true",
    "by_session": "true",
    "first_day": "'2024-10-01'",
    "last_day": "'2024-12-29'",
    "as_of": "'2024-12-01'",
    "at": "'2024-12-01 00:00:00'",
    "days": "7",
    "within_days": "3",
    "window_days": "30",
    "lookback_days": "30",
    "half_life_days": "7",
    "since": "'2024-12-01 00:00:00'",
    "until": "'2024-12-02 00:00:00'",
    "run": "''",
    "release": "''",
}
_MEASURED = (("time", "s"), ("rows read", "rows"), ("memory", "MB"))
_TOOK = """
SELECT
    query_duration_ms / 1000,
    read_rows,
    memory_usage / 1e6
FROM system.query_log
WHERE type = 'QueryFinish' AND query_kind = 'Select' AND log_comment = {view:String}
"""


def measure(plan: RunPlan) -> Iterator[Figure]:
    """Fill a warehouse of each size in a process of its own, since one can hold no second one."""
    for events in plan.scales:
        plan.say(f"views over {events:,} events: filling")
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            folder = plan.fresh(f"views-{events}")
            yield from process.submit(at_scale, folder, events, plan.repeat).result()


def at_scale(folder: Path, events: int, repeat: int) -> list[Figure]:
    """Measure in a warehouse of so many events; what it was filled with remains in the folder."""
    settings = Settings()
    refresh = Refresh(settings.timezone)
    with crowd.warehouse(folder) as client:
        list(migrate(client, settings.timezone))
        crowd.bring_plan(client, refresh)
        people = crowd.Crowd(client, refresh, events)
        people.fill()
        return [
            *_everybody(client, refresh, events),
            *(_load(people, size, repeat, events) for size in _LOADS if size <= events),
            *(_answer(name, ask, client, repeat, events) for name, ask in _QUESTIONS.items()),
            *(one for report in _reports() for one in _view(client, *report, repeat, events)),
        ]


def _day(client: Client) -> None:
    client.command(
        "SELECT * FROM sessions WHERE started_at >= toDateTime64('2024-08-19', 6, 'Asia/Seoul')"
        " AND started_at < toDateTime64('2024-08-20', 6, 'Asia/Seoul') FORMAT Null"
    )


def _month(client: Client) -> None:
    client.command(
        f"SELECT * FROM attribution(funnel = '{crowd.FUNNEL}', stage = 'first_applied',"  # noqa: S608
        " first_day = '2024-08-01', last_day = '2024-08-30', lookback_days = 30,"
        " half_life_days = 7) FORMAT Null"
    )


def _readout(client: Client) -> None:
    (experiment,) = experiments.experiments_in_force(client)
    experiments.refresh(client, experiment, experiment.ends_on)


_QUESTIONS: dict[str, Callable[[Client], None]] = {
    SESSIONS: _day,
    ATTRIBUTION: _month,
    READOUT: _readout,
}


def _answer(
    name: str, ask: Callable[[Client], None], client: Client, repeat: int, events: int
) -> Figure:
    """Measure how long it takes to ask, after the caches are as they are in daily use."""
    ask(client)
    seconds = []
    for _ in range(repeat):
        started = time.monotonic()
        ask(client)
        seconds.append(time.monotonic() - started)
    return Figure(name, "time", "s", tuple(seconds), events)


def _everybody(client: Client, refresh: Refresh, events: int) -> Iterator[Figure]:
    """Refresh everybody anew, as a plan does whose funnel was edited."""
    builds = [build for (build,) in client.query("SELECT build FROM funnels").result_rows]
    started = time.monotonic()
    refresh.backfill(client, builds, lambda _done, _of: None)
    seconds = time.monotonic() - started
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 1e3
    yield Figure(REFRESHED_EVERYBODY, "time", "s", (seconds,), events)
    yield Figure(REFRESHED_EVERYBODY, "peak memory of the process", "MB", (peak,), events)


def _load(people: crowd.Crowd, size: int, repeat: int, events: int) -> Figure:
    seconds = tuple(people.visit(size) for _ in range(repeat))
    return Figure(REFRESHED_LOAD.format(size), "time", "s", seconds, events)


def _reports() -> Iterator[tuple[str, str]]:
    """Give each view's name, and the statement that reads all of it."""
    for view in VIEWS:
        if view not in _ROWS_OF_EVENTS:
            text = (ROOT / "views" / f"{view}.sql").read_text(encoding="utf-8")
            names = sorted(set(re.findall(r"\{(\w+):", text)))
            given = ", ".join(f"{name} = {_GIVEN[name]}" for name in names)
            name = Path(view).name
            yield name, f"SELECT * FROM {name}{f'({given})' if given else ''} FORMAT Null"  # noqa: S608


def _view(client: Client, name: str, statement: str, repeat: int, events: int) -> Iterator[Figure]:
    for _ in range(repeat):
        client.command(statement, settings={"log_comment": name})
    client.command("SYSTEM FLUSH LOGS")
    took = client.query(_TOOK, parameters={"view": name}).result_rows
    for (quantity, unit), values in zip(_MEASURED, zip(*took, strict=True), strict=True):
        yield Figure(name, quantity, unit, values, events)
