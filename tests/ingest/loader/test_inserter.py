"""One insert: what a token does in the real engine, and which errors are tried again."""

from itertools import count
from threading import Event
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from funnelhouse.ingest.loader.inserter import DATA_ERRORS, DataError, Inserter, InserterStopped
from funnelhouse.ingest.loader.tables import event_table, rows_of
from funnelhouse.sql.client import connect
from tests.conftest import PreparedWarehouse
from tests.faults.dying_loader import lose_deduplication_logs
from tests.ingest.loader.test_tables import frames
from tests.sql.history import COURSE, Told, bring

EVENTS = event_table(
    rows_of(
        frames(*(Told(id=n, came=n, name="applied", user=f"{n}").row() for n in range(4)))
    ).accepted
)
TARGETS = ("events_raw", "arrivals", "stage_events")


class Waits(Event):
    """A stop that notes how long it was waited for, and never waits."""

    def __init__(self, stop_after: int = 1000) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._stop_after = stop_after

    def wait(self, timeout: float | None = None) -> bool:
        """Note the time."""
        self.seconds.append(timeout or 0.0)
        if len(self.seconds) >= self._stop_after:
            self.set()
        return self.is_set()


class Failing:
    """A client that raises each error once, then takes what comes; `opened` counts connections."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = iter(errors)
        self.opened = 0
        self.closed = 0
        self.taken: list[tuple[str, dict[str, str]]] = []

    def connect(self) -> Any:
        """Open it again."""
        self.opened += 1
        return self

    def raw_insert(
        self, table: str, _names: list[str], _rows: bytes, settings: dict[str, str], _fmt: str
    ) -> None:
        """Raise the next error, or take the rows."""
        error = next(self._errors, None)
        if error is not None:
            raise error
        self.taken.append((table, settings))

    def close(self) -> None:
        """Close."""
        self.closed += 1


def refusal(code: int, text: str = "") -> DatabaseError:
    """Return an error as the client raises it for a code of the engine."""
    error = DatabaseError(f"Code: {code}. DB::Exception: {text}")
    error.code = code
    return error


def insertion(client: Failing, stop: Event, noted: list[str] | None = None) -> Inserter:
    """Return an insertion over a failing client."""
    return Inserter(client.connect, stop, ([] if noted is None else noted).append)


@pytest.mark.parametrize("code", sorted(DATA_ERRORS))
def test_an_error_of_the_rows_is_not_tried_again(code: int) -> None:
    """A code of the closed list is raised at once, over the same connection."""
    client = Failing(refusal(code))
    waits = Waits()
    with pytest.raises(DataError):
        insertion(client, waits).insert("events_raw", EVENTS, "t")
    assert (waits.seconds, client.opened, client.closed, client.taken) == ([], 1, 0, [])


@pytest.mark.parametrize(
    "error",
    [
        # unknown table, timeout, too slow, network, memory, disk, too many parts, read only,
        # coordination lost, and one that no list knows
        *(refusal(code) for code in (60, 159, 160, 210, 241, 243, 252, 164, 999, 123456)),
        refusal(469, "Constraint `c` is violated: while pushing to view funnelhouse.arrivals_mv"),
        OperationalError("connection refused"),
        ConnectionResetError("reset"),
        DatabaseError("an answer without a code"),
    ],
    ids=str,
)
def test_any_other_error_is_tried_again(error: Exception) -> None:
    """It blames no row: the connection is opened anew, and the insert done under the same token."""
    client = Failing(error, error)
    noted: list[str] = []
    insertion(client, Waits(), noted).insert("events_raw", EVENTS, "t")
    ((table, settings),) = client.taken
    assert (table, settings["insert_deduplication_token"]) == ("events_raw", "t")
    assert (client.opened, client.closed, len(noted)) == (3, 2, 2)


def test_waits_grow_at_random_up_to_the_longest() -> None:
    """The n-th wait lies below 0.2 s times 2^n and below the longest, and is drawn at random."""
    client = Failing(*(OperationalError("away") for _ in range(60)))
    waits = Waits()
    insertion(client, waits).insert("events_raw", EVENTS, "t")
    bounds = [min(0.2 * 2.0**n, 30.0) for n in range(60)]
    assert all(0 <= wait <= bound for wait, bound in zip(waits.seconds, bounds, strict=True))
    assert sum(waits.seconds[10:]) / 50 > 5
    assert len(set(waits.seconds)) > 50


def test_a_stop_ends_the_trying() -> None:
    """Told to stop while it waits, it says that the rows do not stand."""
    client = Failing(*(OperationalError("away") for _ in range(60)))
    with pytest.raises(InserterStopped):
        insertion(client, Waits(stop_after=3)).insert("events_raw", EVENTS, "t")
    assert client.taken == []


def test_an_interrupt_is_no_error_to_try_again() -> None:
    """What ends the process passes through."""

    class Interrupted(Failing):
        """Is interrupted when used."""

        def raw_insert(self, *_: Any) -> None:
            """Interrupt."""
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        insertion(Interrupted(), Waits(stop_after=3)).insert("events_raw", EVENTS, "t")


def test_no_rows_are_no_insert() -> None:
    """An empty table asks nothing of the warehouse."""
    client = Failing()
    insertion(client, Waits()).insert("events_raw", EVENTS.slice(0, 0), "t")
    assert client.opened == 0


def test_an_insert_is_never_asynchronous() -> None:
    """The engine's default would answer before the rows are in a part, so each insert says no."""
    client = Failing()
    insertion(client, Waits()).insert("events_raw", EVENTS, "t")
    ((_, settings),) = client.taken
    assert settings["async_insert"] == "0"


@pytest.fixture(scope="module")
def _course(warehouse: PreparedWarehouse) -> None:
    """Let the funnel `course` be the only one."""
    warehouse.empty()
    bring(warehouse.client, COURSE)


@pytest.fixture
def engine(warehouse: PreparedWarehouse, _course: None) -> Client:
    """Give the real engine, empty, under the funnel `course`."""
    warehouse.empty()
    return warehouse.client


def real(warehouse: PreparedWarehouse, stop: Event | None = None) -> Inserter:
    """Return an insertion into the real engine."""
    return Inserter(lambda: connect(warehouse.place), stop or Waits(), print)


def stored(engine: Client) -> list[int]:
    """Count the rows as they lie in the parts, copies included."""
    return [engine.query(f"SELECT count() FROM {table}").first_row[0] for table in TARGETS]


def test_the_engine_keeps_no_insert_back(warehouse: PreparedWarehouse, engine: Client) -> None:
    """Without the insert's own word too the connections have asynchronous inserts off."""
    setting = "SELECT value FROM system.settings WHERE name = 'async_insert'"
    assert engine.query(setting).result_rows == [("0",)]


def test_one_token_twice_leaves_every_table_alone(
    warehouse: PreparedWarehouse, engine: Client
) -> None:
    """The second insert is skipped, in the targets of the materialized views too."""
    for _ in range(2):
        real(warehouse).insert("events_raw", EVENTS, "t")
    assert stored(engine) == [4, 4, 4]


def test_the_same_rows_under_other_tokens_are_stored_again(
    warehouse: PreparedWarehouse, engine: Client
) -> None:
    """Rows are never dropped for looking like others; the views make one of them."""
    for token in ("t", "u"):
        real(warehouse).insert("events_raw", EVENTS, token)
    assert stored(engine) == [8, 8, 8]
    assert engine.query("SELECT count() FROM events").first_row == (4,)
    assert engine.query("SELECT count() FROM duplicate_events").first_row == (0,)


def test_a_lost_log_is_a_forgotten_token(warehouse: PreparedWarehouse, engine: Client) -> None:
    """Without its log the engine stores a repeated insert again, on which other tests rest."""
    real(warehouse).insert("events_raw", EVENTS, "t")
    lose_deduplication_logs(engine)
    real(warehouse).insert("events_raw", EVENTS, "t")
    assert stored(engine) == [8, 8, 8]


@pytest.mark.parametrize("target", ["arrivals", "stage_events"])
def test_a_view_that_failed_gets_the_rows_at_the_repeat(
    warehouse: PreparedWarehouse, engine: Client, target: str
) -> None:
    """An insert that reached events_raw and not a view's target is completed, each row once.

    It blames no row, though the engine's code says so: the rows stand in events_raw by then.
    """
    engine.command(f"ALTER TABLE {target} ADD CONSTRAINT never CHECK source = ''")
    tries = count(1)

    class Mending(Waits):
        """Mends the table while the insertion waits."""

        def wait(self, timeout: float | None = None) -> bool:
            """Mend at the second wait."""
            if next(tries) == 2:
                engine.command(f"ALTER TABLE {target} DROP CONSTRAINT never")
            return super().wait(timeout)

    stop = Mending()
    real(warehouse, stop).insert("events_raw", EVENTS, "t")
    assert len(stop.seconds) == 2
    assert stored(engine) == [4, 4, 4]


def test_too_many_parts_are_waited_out(warehouse: PreparedWarehouse, engine: Client) -> None:
    """A real refusal for want of merging rejects nothing: the rows stand once there is room."""
    real(warehouse).insert("events_raw", EVENTS, "t")
    engine.command("ALTER TABLE events_raw MODIFY SETTING parts_to_throw_insert = 1")
    noted: list[str] = []

    def note(error: str) -> None:
        noted.append(error)
        engine.command("ALTER TABLE events_raw RESET SETTING parts_to_throw_insert")

    Inserter(lambda: connect(warehouse.place), Waits(), note).insert("events_raw", EVENTS, "u")
    assert stored(engine)[0] == 8
    assert "Too many parts" in noted[0]
