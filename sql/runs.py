"""Test runs: which are registered, and when each of them begins and ends."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from clickhouse_connect.driver.client import Client

MOST_MINUTES = 7 * 24 * 60
_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


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
        ValueError: a run of that name was registered before, or it cannot be meant.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        raise ValueError(f"A run lasts 1 to {MOST_MINUTES} minutes; write --minutes within that.")
    if not _ID.fullmatch(run):
        raise ValueError(
            f'"{run}" cannot be the id of a run; write up to 100 letters, digits, ., _, : and -.'
        )
    if any(True for _ in _runs(client, [run])):
        raise ValueError(f'A run "{run}" was registered before; give this one another name.')
    now = _now(client)
    begun = Run(run, now, now + timedelta(minutes=minutes), note)
    _write(client, begun)
    return begun


def end_run(client: Client, run: str) -> Run:
    """End a run now, if it has not ended before; what it has received stays its own.

    Raises:
        ValueError: there is no such run.
    """
    found = find_run(client, run)
    ended = Run(run, found.starts_at, min(found.ends_at, _now(client)), found.note)
    _write(client, ended)
    return ended


def find_run(client: Client, run: str) -> Run:
    """Find a registered run.

    Raises:
        ValueError: there is none of that id.
    """
    found = next(_runs(client, [run]), None)
    if found is None:
        names = [one.run for one in newest_runs(client)]
        close = get_close_matches(run, names, n=1)
        mend = f'write "{close[0]}"' if close else "start it with `funnelhouse run start`"
        raise ValueError(f'No run "{run}" is registered; {mend}.')
    return found


def newest_runs(client: Client) -> list[Run]:
    """List runs, the newest first, at most 200."""
    rows = client.query(
        "SELECT run, starts_at, ends_at, note FROM runs ORDER BY starts_at DESC, run LIMIT 200"
    ).result_rows
    return [_run(row) for row in rows]


def registered(client: Client, names: Iterable[str]) -> dict[str, Run]:
    """Find those of these runs that are registered, whether they have ended or not."""
    return {run.run: run for run in _runs(client, list(names))}


def _runs(client: Client, names: list[str]) -> Iterator[Run]:
    rows = client.query(
        "SELECT run, starts_at, ends_at, note FROM runs WHERE run IN {names:Array(String)}",
        parameters={"names": names},
    ).result_rows
    return (_run(row) for row in rows)


def _run(row: Sequence[Any]) -> Run:
    run, starts_at, ends_at, note = row
    return Run(run, _utc(starts_at), _utc(ends_at), note)


def _now(client: Client) -> datetime:
    ((now,),) = client.query("SELECT now64(6, 'UTC')").result_rows
    return _utc(now)


def _utc(time: datetime) -> datetime:
    """Say of a time that it is in UTC: the client leaves that out."""
    return time.replace(tzinfo=UTC)


def _write(client: Client, run: Run) -> None:
    rows = [[run.run, run.starts_at, run.ends_at, run.note]]
    client.insert("runs_raw", rows, column_names=["run", "starts_at", "ends_at", "note"])
