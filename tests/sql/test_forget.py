"""Who is forgotten, and how surely: owners of devices as reports have them, kills, every file."""

import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.forget import GATHERED, forget, go_on
from funnelhouse.sql.personal_rows import TABLES
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring

UNACCOUNTED = "SELECT sum(abs(unaccounted)), sum(received) FROM ledger_minutely"


class Killed(Exception):  # noqa: N818 - what happened
    """The process ended at a statement."""


class Mortal:
    """A connection whose process dies at its `life`-th statement, before or after it ran."""

    def __init__(self, client: Client, life: int, *, after: bool) -> None:
        self._client, self._life, self._after = client, life, after
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._client, name)
        if name not in {"command", "query", "insert", "insert_arrow"}:
            return work

        def mortal(*arguments: Any, **named: Any) -> Any:
            self.statements += 1
            if self.statements == self._life and not self._after:
                raise Killed
            done = work(*arguments, **named)
            if self.statements == self._life:
                raise Killed
            return done

        return mortal


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give the way into a warehouse with the funnel `course` and nothing else."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    return Road(warehouse.place, tmp_path)


def events(client: Client) -> set[tuple[str, str, int]]:
    """Who and what every event names that is left, with its id."""
    rows = client.query("SELECT user_id, anonymous_id, event_id FROM events").result_rows
    return {(user, device, one.int) for user, device, one in rows}


def at(second: int, **told: Any) -> Told:
    """An event on the funnel at a second of one minute, received in the same order."""
    plain = {"id": second, "came": second, "at": f"2024-08-05 12:00:{second:02}", "name": "applied"}
    return Told(**plain | told)


SHARED = [
    at(1, anonymous="tablet"),
    at(2, anonymous="tablet", user="kim"),
    at(3, anonymous="tablet"),
]
"""One device, on which kim logged in."""


@pytest.mark.parametrize("merged", [False, True], ids=["before merges", "after merges"])
def test_a_copy_that_names_another_takes_nothing(
    warehouse: PreparedWarehouse, road: Road, *, merged: bool
) -> None:
    """Whoever only a later copy names owns nothing: the first person keeps all of it."""
    road.load([SHARED, [at(2, came=9, anonymous="tablet", user="lee")]])
    if merged:
        warehouse.client.command("OPTIMIZE TABLE events_raw FINAL")
    forget(warehouse.client, "lee")
    kept = {("", "tablet", 1), ("kim", "tablet", 2), ("", "tablet", 3)}
    assert events(warehouse.client) == kept
    assert warehouse.client.query(UNACCOUNTED).result_rows == [(0, 4)]
    entries = "SELECT person_id FROM stage_entries"
    assert warehouse.client.query(entries).result_rows == [("kim",)]
    forget(warehouse.client, "kim")
    assert events(warehouse.client) == set()
    assert warehouse.client.query(UNACCOUNTED).result_rows == [(0, 4)]


def test_a_device_whose_other_login_is_a_copy_goes_whole(
    warehouse: PreparedWarehouse, road: Road
) -> None:
    """A device is a person's alone when somebody else's login on it is a later copy."""
    road.load([SHARED, [at(2, came=9, anonymous="tablet", user="lee")]])
    told = forget(warehouse.client, "kim")
    assert (told.devices, told.shared_devices) == (1, 0)
    assert events(warehouse.client) == set()


def test_turns_on_a_shared_device(warehouse: PreparedWarehouse, road: Road) -> None:
    """Of a device of two, the anonymous events go that the reports count for the one forgotten."""
    road.load(
        [
            [*SHARED, at(4, anonymous="tablet", user="lee"), at(5, anonymous="tablet")],
            [at(6, anonymous="tablet", user="kim"), at(7, anonymous="tablet")],
        ]
    )
    forget(warehouse.client, "lee")
    left = {number for _, _, number in events(warehouse.client)}
    assert left == {1, 2, 5, 6, 7}
    counted = "SELECT sum(events) FROM sessions WHERE person_id = 'kim'"
    assert warehouse.client.query(counted).result_rows == [(5,)]


def test_what_retention_has_dropped(warehouse: PreparedWarehouse, road: Road) -> None:
    """What was noted of events goes too where the events themselves are gone before."""
    road.load([SHARED])
    warehouse.client.command("TRUNCATE TABLE events_raw")
    forget(warehouse.client, "kim")
    for table in ("session_events", "stage_events", "device_logins", "seen_events", "arrivals"):
        rows = warehouse.client.query(f"SELECT count() FROM {table}").result_rows
        assert (table, rows) == (table, [(0,)])


def test_a_device_with_an_owner_names_them(warehouse: PreparedWarehouse, road: Road) -> None:
    """The id of a device on which somebody logged in forgets nobody, and says who it is."""
    road.load([SHARED])
    with pytest.raises(ValueError, match="'tablet' is a device of 'kim'; forget a person by"):
        forget(warehouse.client, "tablet")
    assert len(events(warehouse.client)) == 3


def test_tables_of_others(warehouse: PreparedWarehouse, road: Road) -> None:
    """What somebody made of the tables in our database loses the rows that name the person."""
    client = warehouse.client
    road.load([SHARED])
    client.command(
        "CREATE TABLE `my list` (who Nullable(String), n UInt8) ENGINE = MergeTree ORDER BY n"
    )
    try:
        client.command("INSERT INTO `my list` VALUES ('kim', 1), ('lee', 2), (NULL, 3)")
        told = forget(client, "kim")
        assert told.removed["`my list`"] == 1
        left = client.query("SELECT who FROM `my list` ORDER BY n").result_rows
        assert left == [("lee",), (None,)]
    finally:
        client.command("DROP TABLE `my list`")


def story(person: str, first: int) -> list[Told]:
    """Events of somebody with two user ids, a device, a copy, a rejected event and a test run's."""
    first *= 100
    plain: dict[str, Any] = {"at": "2024-08-05 12:00:00"}
    return [
        at(1, id=first + 1, came=first + 1, anonymous=f"{person}-phone", **plain),
        at(2, id=first + 2, came=first + 2, user=person, anonymous=f"{person}-phone", **plain),
        at(2, id=first + 2, came=first + 3, user=person, anonymous=f"{person}-phone", **plain),
        at(
            3,
            id=first + 4,
            came=first + 4,
            user=f"{person}-new",
            previous=person,
            call="alias",
            **plain,
        ),
        at(
            4,
            id=first + 5,
            came=first + 5,
            user=f"{person}-new",
            session=f"{person}-visit",
            **plain,
        ),
        at(5, id=first + 6, came=first + 6, user=person, reason="schema", **plain),
        at(6, id=first + 7, came=first + 7, user=person, run="1-abc", **plain),
    ]


def rows_left(client: Client, person: str) -> dict[str, int]:
    """In how many rows of each table some text holds the person's name."""
    found = {}
    for table in sorted(TABLES | set(GATHERED) | {"forgotten_raw", "forgettings"}):
        rows = client.query(
            f"SELECT count() FROM {table} WHERE position(toString(tuple(*)), {{name:String}}) > 0",
            parameters={"name": person},
        ).result_rows
        found[table] = int(rows[0][0])
    return {table: rows for table, rows in found.items() if rows}


@pytest.fixture(scope="module")
def length(embedded: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many statements forgetting somebody takes."""
    embedded.empty()
    bring(embedded.client, COURSE)
    Road(embedded.place, tmp_path_factory.mktemp("road")).load([story("somebody", 1)])
    mortal: Any = Mortal(embedded.client, 0, after=False)
    forget(mortal, "somebody")
    return int(mortal.statements)


SHARES = [
    pytest.param(share, marks=() if share in {20, 50, 80} else pytest.mark.slow)
    for share in range(0, 100, 2)
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("share", SHARES)
def test_killed_and_repeated(
    warehouse: PreparedWarehouse, road: Road, length: int, share: int, *, after: bool
) -> None:
    """Killed at a statement and repeated, nothing of them is left and the ledger is reconciled."""
    client = warehouse.client
    road.load([story("kim", 1), story("lee", 2)])
    others = rows_left(client, "lee")
    mortal: Any = Mortal(client, 1 + length * share // 100, after=after)
    with pytest.raises(Killed):
        forget(mortal, "kim")
    forget(client, "kim")
    assert rows_left(client, "kim") == {}
    assert rows_left(client, "lee") == others
    assert client.query(UNACCOUNTED).result_rows == [(0, 14)]


def test_gone_on_with_at_the_start(warehouse: PreparedWarehouse, road: Road, length: int) -> None:
    """What was broken off is finished by going on alone, without the name."""
    client = warehouse.client
    road.load([story("kim", 1)])
    mortal: Any = Mortal(client, length * 2 // 3, after=False)
    with pytest.raises(Killed):
        forget(mortal, "kim")
    assert rows_left(client, "kim")
    assert go_on(client)
    assert rows_left(client, "kim") == {}
    assert client.query(UNACCOUNTED).result_rows == [(0, 7)]


def marks_of(client: Client, *ids: str) -> list[bytes]:
    """What a file would hold of somebody: ids as text, and their hashes as numbers and as text."""
    marks = [one.encode() for one in ids]
    for one in ids:
        for kind in ("user", "device"):
            (row,) = client.query(
                "SELECT hex(sipHash128({kind:String}, {id:String})), cityHash64({id:String})",
                parameters={"kind": kind, "id": one},
            ).result_rows
            marks += [bytes.fromhex(row[0]), row[0].encode(), int(row[1]).to_bytes(8, "little")]
    return marks


def files_with(folder: Path, marks: list[bytes], *, but_parts: bool = False) -> list[str]:
    """Name the files below a folder that hold a mark; without those of parts where asked."""
    found = []
    # The engine removes folders meanwhile, which a walk passes over.
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in sorted(names)):
            if but_parts and path.suffix not in {".txt", ".sql", ".json", ".log"}:
                continue
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            found += [str(path.relative_to(folder)) for mark in marks if mark in data]
    return found


KIM = ("kim", "kim-new", "kim-phone")


def test_no_note_of_the_engine_names_them(warehouse: PreparedWarehouse, road: Road) -> None:
    """Right after it no mutation's file holds an id or hash, one of an earlier version neither."""
    client, folder = warehouse.client, warehouse.place.folder
    road.load([story("kim", 1)])
    marks = marks_of(client, *KIM)
    client.command(
        "ALTER TABLE user_devices DELETE WHERE user_id = 'kim-new' SETTINGS mutations_sync = 2"
    )
    assert [name for name in files_with(folder, marks, but_parts=True) if "mutation_" in name]
    forget(client, "kim")
    assert files_with(folder, marks, but_parts=True) == []


@pytest.mark.slow
def test_no_file_holds_them(warehouse: PreparedWarehouse, road: Road) -> None:
    """Within ten minutes no file of the warehouse holds an id or a hash of theirs."""
    client, folder = warehouse.client, warehouse.place.folder
    mark = uuid4().hex
    road.load([story(mark, 1)])
    marks = marks_of(client, mark, f"{mark}-new", f"{mark}-phone")
    assert files_with(folder, marks)
    forget(client, mark)
    until = time.monotonic() + 600
    while left := files_with(folder, marks):
        assert time.monotonic() < until, left
        time.sleep(1)
