"""Test runs: which are registered, and when each of them begins and ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickhouse_connect.driver.client import Client

MOST_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Run:
    """A test run: its events are those received from `starts_at` until before `ends_at`."""

    run: str
    starts_at: datetime
    ends_at: datetime
    note: str = ""


def start_run(client: Client, run: str, minutes: int, note: str = "") -> Run:
    """Register a run that begins now.

    Raises:
        ValueError: a run of that name is registered already, or would last too long.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        raise ValueError(f"A run lasts 1 to {MOST_MINUTES} minutes; write --minutes within that.")
    if any(True for _ in _runs(client, [run])):
        raise ValueError(f'A run "{run}" was registered before; give this one another name.')
    ((now,),) = client.query("SELECT now64(6, 'UTC')").result_rows
    begun = Run(run, now, now + timedelta(minutes=minutes), note)
    _write(client, begun)
    return begun


def end_run(client: Client, run: str) -> Run:
    """End a run now, if it has not ended before; what it has received stays its own.

    Raises:
        ValueError: there is no such run.
    """
    found = next(_runs(client, [run]), None)
    if found is None:
        raise ValueError(f'No run "{run}" is registered; start it with `funnelhouse run start`.')
    ((now,),) = client.query("SELECT now64(6, 'UTC')").result_rows
    ended = Run(run, found.starts_at, min(found.ends_at, now), found.note)
    _write(client, ended)
    return ended


def registered(client: Client, names: Iterable[str]) -> dict[str, Run]:
    """Find those of these runs that are registered, whether they have ended or not."""
    return {run.run: run for run in _runs(client, list(names))}


def _runs(client: Client, names: list[str]) -> Iterator[Run]:
    rows = client.query(
        "SELECT run, starts_at, ends_at, note FROM runs WHERE run IN {names:Array(String)}",
        parameters={"names": names},
    ).result_rows
    return (Run(*row) for row in rows)


def _write(client: Client, run: Run) -> None:
    rows = [[run.run, run.starts_at, run.ends_at, run.note]]
    client.insert("runs_raw", rows, column_names=["run", "starts_at", "ends_at", "note"])
