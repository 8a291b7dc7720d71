"""A process of its own for each warehouse of the archive's tests: fills, exports, imports, reads.

Run as a module with settings in the environment and one action with its arguments.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client

from funnelhouse.archive.export import export
from funnelhouse.archive.loading import load_archive, read_archive
from funnelhouse.archive.work import archive_jobs, insert_piece
from funnelhouse.command_line.warehouse_access import open_warehouse
from funnelhouse.plan.plan_tables import tables_of
from funnelhouse.processes.jobs import JOBS
from funnelhouse.processes.warehouse import prepare
from funnelhouse.schemas.registry import load_plan
from funnelhouse.settings import Settings
from funnelhouse.sql.builds import apply_plan
from funnelhouse.sql.client import connection
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.snapshot import ARCHIVED
from funnelhouse.sql.upgrade import migrate
from tests.sql.history import Road, Told, over_tables
from tests.sql.shards import CLUSTER, connect_shards

ROWS_A_FILE = 50
"""Few, so that a little history makes several files of a table."""

FIRST = "first"
_MONTH_S = 30 * 86_400
PARAMETERS = {
    "first_day": "2024-07-01",
    "last_day": "2024-09-30",
    "funnel": "bootcamp_short",
    "stage": "document_passed",
    "audience": "first_applied",
    "lookback_days": 30,
    "half_life_days": 7,
    "within_days": 7,
    "window_days": 30,
    "days": 7,
    "at": "2024-08-20 00:00:00",
    "unit": "week",
    "split": "true",
    "by_session": "true",
    "experiment": "oopy_guide",
    "as_of": "2024-08-25",
    "since": "2024-08-01 00:00:00",
    "until": "2024-10-01 00:00:00",
    "run": "",
    "release": "1.0",
}


def _steps(number: int) -> list[Told]:
    """Tell of one applicant: what their device sent, what the server knew, and copies of it."""
    user, device = f"u{number}", f"d{number % 7}"
    day = f"2024-08-{5 + number % 14:02d}"
    base = 100 * number + 1
    told: dict[str, Any] = {"product": "nbcamp", "anonymous": device, "release": "1.0"}
    later = _MONTH_S if number % 3 == 0 else 0
    server: dict[str, Any] = {"product": "nbcamp", "source": "backend", "server": True}
    shown = {"experiment_id": "oopy_guide", "variation_id": ["control", "guide_div"][number % 2]}
    query = {"utm_source": ["youtube", "google", "meta"][number % 3], "utm_medium": "cpc"}
    events = [
        Told(id=base, came=base, name="page_viewed", at=f"{day} 09:00:00", query=query, **told),
        Told(
            id=base + 1,
            came=base,
            name="experiment_viewed",
            at=f"{day} 09:00:01",
            properties=shown,
            **told,
        ),
        Told(
            id=base + 2,
            came=base,
            name="cta_clicked",
            at=f"{day} 09:01:00",
            properties={"cta_id": "apply"},
            **told,
        ),
        Told(
            id=base + 3,
            came=base + later,
            name="first_application_submitted",
            at=f"{day} 10:00:00",
            user=user,
            properties={"occupation": ["학생", "직장인"][number % 2]},
            **told,
        ),
    ]
    if number % 2:
        events.append(
            Told(
                id=base + 4,
                came=base + later,
                name="document_passed",
                at=f"{day} 12:00:00",
                user=user,
                **server,
            )
        )
        events.append(
            Told(
                id=base + 5,
                came=base + later + 1,
                name="message_sent",
                at=f"{day} 13:00:00",
                user=user,
                properties={"campaign": "m", "cluster": "a"},
                **server,
            )
        )
    if number % 4 == 1:
        events.append(
            Told(
                id=base + 6,
                came=base + later + 2,
                name="slack_joined",
                at=f"{day} 15:00:00",
                user=user,
                **server,
            )
        )
        events.append(
            Told(
                id=base + 7,
                came=base + later + 2,
                name="payment_completed",
                at=f"{day} 16:00:00",
                user=user,
                properties={"amount": 100 + number},
                **server,
            )
        )
    if number % 5 == 0:
        # Of the copies of one event that tell of another user and time, only the first counts.
        events.append(
            Told(
                id=base + 2,
                came=base + 50,
                name="cta_clicked",
                at=f"{day} 08:00:00",
                user="somebody",
                properties={"cta_id": "other"},
                **told,
            )
        )
        events.append(
            Told(
                id=base + 1,
                came=base + 60,
                name="experiment_viewed",
                at=f"{day} 07:00:00",
                properties=shown,
                **told,
            )
        )
    return events


HISTORY = [
    [event for number in range(12) for event in _steps(number)],
    [event for number in range(8, 20) for event in _steps(number)],
    [
        Told(id=9001, came=5000, name="", call="alias", user="u3", previous="u4"),
        Told(
            id=9002,
            came=5001,
            name="cta_clicked",
            reason="schema",
            why=("$.properties", "cta_id"),
            anonymous="d1",
        ),
        Told(id=9003, came=5002, name="cta_clicked", reason="schema", anonymous="d2"),
        Told(id=9004, came=5003, name="page_viewed", run="night", anonymous="d3"),
        Told(id=9005, came=5004, name="page_viewed", run="night", reason="schema"),
    ],
    [Told(id=9003, came=5002, name="cta_clicked", anonymous="d2", replayed=True)],
]


def fill(settings: Settings, _: Sequence[str]) -> None:
    """Fill an empty warehouse with all kinds of rows, and merge what merges would."""
    refresh = Refresh(settings.timezone)
    with connection(settings.warehouse_place) as client:
        prepare(client, settings, refresh)
        client.command(
            "INSERT INTO runs_raw (run, starts_at, ends_at, note)"
            " VALUES ('night', '2024-08-01', '2024-12-01', 'a run')"
        )
        Road(settings.warehouse_place, settings.data, refresh).load(HISTORY)
        JOBS["spend"](client, [_SPEND])
        JOBS["targets"](client, [_TARGET])
        for table in _MADE_UP:
            _make_up(client, table)
        client.command("OPTIMIZE TABLE events_raw FINAL")


_SPEND = {
    "product": "nbcamp",
    "track": "kotlin",
    "channel": "paid_search",
    "period_start": "2024-08-05",
    "period_end": "2024-08-11",
    "amount": "1234567.89",
}
_TARGET = {
    "funnel": "bootcamp_short",
    "product": "nbcamp",
    "track": "kotlin",
    "cohort": "",
    "metric": "entries",
    "from_stage": "",
    "stage": "document_passed",
    "period": "week",
    "role": "target",
    "direction": "at_least",
    "value": 3.0,
    "valid_from": "2024-07-01",
}
_MADE_UP = (
    "experiment_readouts_raw",
    "removal_effects_raw",
    "alert_states_raw",
    "forgotten_raw",
)


def _make_up(client: Client, table: str) -> None:
    """Put rows of any values into a table whose rows others compute."""
    client.command(
        f"INSERT INTO {table} SELECT * FROM generateRandom("
        f"(SELECT arrayStringConcat(groupArray(name || ' ' || type), ', ') FROM system.columns"
        f" WHERE database = currentDatabase() AND table = '{table}'), 1, 8) LIMIT 5"
    )


def views(settings: Settings, arguments: Sequence[str]) -> None:
    """Write all rows of views into a file as JSON; without names of every view.

    The name FIRST stands for all that others follow of.
    """
    path, *names = arguments
    with connection(settings.warehouse_place) as client:
        Path(path).write_bytes(orjson.dumps(_read(client, names)))


def _read(client: Client, names: Sequence[str]) -> dict[str, list[str]]:
    rows = client.query(
        "SELECT name, as_select, parameterized_view_parameters FROM system.tables"
        " WHERE database = currentDatabase() AND engine = 'View' ORDER BY name"
    ).result_rows
    if FIRST in names:
        names = over_tables(client, {name: text for name, text, _ in rows})
    return {
        name: _rows(client, name, [parameter["name"] for parameter in given])
        for name, _, given in rows
        if not names or name in names
    }


def _rows(client: Client, view: str, parameters: Sequence[str]) -> list[str]:
    given = ", ".join(f"{name} = {PARAMETERS[name]!r}" for name in parameters)
    asked = f"{view}({given})" if parameters else view
    text = client.raw_query(
        f"SELECT * FROM {asked} ORDER BY ALL", fmt="JSONCompactEachRow"
    ).decode()
    return text.splitlines()


def tables(settings: Settings, arguments: Sequence[str]) -> None:
    """Write how many rows each table of an archive has, under FINAL where it can be."""
    with connection(settings.warehouse_place) as client:
        counts = {
            one.table: client.query(
                f"SELECT count() FROM {one.table} {'FINAL' if one.final else ''}"
            ).result_rows[0][0]
            for one in ARCHIVED
        }
    Path(arguments[0]).write_bytes(orjson.dumps(counts))


def dying_export(settings: Settings, arguments: Sequence[str]) -> None:
    """Export, and be killed when a file of which the path has a part is about to be written."""
    with open_warehouse(settings) as access:
        export(access, Path(arguments[0]), _killed_at(arguments[1]), ROWS_A_FILE)


def dying_load(settings: Settings, arguments: Sequence[str]) -> None:
    """Import, and be killed when a note has a part."""
    folder = Path(arguments[0])
    manifest = read_archive(folder, lambda *_: None)
    with open_warehouse(settings) as access:
        load_archive(access, folder, manifest, _killed_at(arguments[1]))


def _killed_at(part: str) -> Callable[[int, str], None]:
    def note(_done: int, told: str) -> None:
        if part and part in told:
            os.kill(os.getpid(), signal.SIGKILL)

    return note


class _OverShards:
    """A cluster of two shards, as an import asks it."""

    def __init__(self, client: Client, settings: Settings, refresh: Refresh) -> None:
        self._client, self._refresh = client, refresh
        self._jobs = archive_jobs(settings.spool_folder, refresh, nullcontext)

    def query(self, statement: str, fmt: str) -> bytes:
        """Run a statement."""
        return self._client.raw_query(statement, fmt=fmt)

    def job(self, name: str, argument: Any = None) -> Any:
        """Run a job."""
        return self._jobs[name](self._client, argument)

    def insert(self, table: str, rows: bytes, token: str) -> None:
        """Insert rows of an archive through the table over all shards."""
        insert_piece(self._refresh, self._client, table, token, rows)


def load_over_shards(settings: Settings, arguments: Sequence[str]) -> None:
    """Import into two shards, twice, and write views, and how many events each shard has."""
    archive, path, *names = arguments
    folder, refresh = Path(archive), Refresh(settings.timezone)
    client = connect_shards(settings.data)
    list(migrate(client, settings.timezone, CLUSTER))
    apply_plan(client, tables_of(load_plan(settings.plan)), refresh, lambda *_: None)
    access = _OverShards(client, settings, refresh)
    for _ in range(2):
        load_archive(access, folder, read_archive(folder, lambda *_: None), lambda *_: None)
    read = _read(client, names)
    split = "SELECT count() FROM events_raw GROUP BY cityHash64(source, event_id) % 2"
    read["on shards"] = [str(events) for (events,) in client.query(split).result_rows]
    Path(path).write_bytes(orjson.dumps(read))


def lose_notes(settings: Settings, arguments: Sequence[str]) -> None:
    """Import what is there, and lose what was noted of imports, and the engine's log of tokens."""
    folder = Path(arguments[0])
    with open_warehouse(settings) as access:
        loaded = load_archive(
            access, folder, read_archive(folder, lambda *_: None), lambda *_: None
        )
    if loaded:
        sys.exit(f"{loaded} rows were loaded again")
    with connection(settings.warehouse_place) as client:
        client.command("TRUNCATE TABLE archived_files")
    logs = list((settings.data / "warehouse").rglob("deduplication_log_*.txt"))
    assert logs
    for log in logs:
        log.write_bytes(b"")


ACTIONS = {
    action.__name__: action
    for action in (fill, views, tables, dying_export, dying_load, load_over_shards, lose_notes)
}

if __name__ == "__main__":
    ACTIONS[sys.argv[1]](Settings(), sys.argv[2:])
