"""The loader against the real engine: whatever happens on the way, every view ends the same."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import orjson
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.ingest.loader.loader import Loader
from funnelhouse.ingest.loader.manifest import LoadManifest, plan
from funnelhouse.ingest.log.segment import read_segment
from funnelhouse.ingest.metrics import LoaderSnapshot, read_snapshot
from funnelhouse.ingest.validation.event import Envelope, Origin, RawEvent
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.ingest.validation.pipeline import Pipeline
from funnelhouse.schemas.registry import load_plan
from funnelhouse.sql.client import connect
from tests.conftest import PreparedWarehouse
from tests.faults.dying_loader import (
    REFUSES_FIVE,
    REFUSES_NONE,
    Died,
    Mortal,
    MortalClient,
    dying_loader,
    load_all,
    lose_deduplication_logs,
)
from tests.sql.history import COURSE, Road, Told, bring, first_views, segment_of

HISTORY = (
    (
        Told(id=1, came=0, name="applied", user="kim"),
        Told(id=1, came=1, name="applied", user="kim"),
        Told(id=2, came=2, name="passed", user="kim"),
        Told(id=6, came=2.5, name="joined", user="n5", reason="schema"),
        Told(id=3, came=3, name="passed", user="lee", reason="schema"),
    ),
    (
        Told(id=2, came=4, name="joined", user="kim"),
        Told(id=4, came=70, name="applied", user="lee5"),
        Told(id=5, came=71, name="applied", user="park"),
        Told(id=3, came=3, name="passed", user="lee", replayed=True),
        Told(id=6, came=2.5, name="joined", user="n5", replayed=True),
    ),
)
THIRD = (Told(id=7, came=80, name="applied", user="choi", source="app"),)
LEDGER = (
    "SELECT sum(received), sum(loaded), sum(rejected), sum(duplicate), sum(abs(unaccounted))"
    " FROM ledger_minutely"
)


@pytest.fixture(autouse=True)
def _course(warehouse: PreparedWarehouse) -> Iterator[None]:
    """Start each test empty under the funnel `course`."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    yield
    warehouse.client.command(REFUSES_NONE)
    warehouse.empty()


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse with the history laid out in its spool."""
    road = Road(warehouse.place, tmp_path)
    lay(road)
    return road


def lay(road: Road) -> None:
    """Put the history into the spool, a segment each part."""
    for number, history in enumerate(HISTORY, start=1):
        road.lay(number, history)


def loader_of(road: Road) -> Loader:
    """Return a loader that nothing befalls."""
    return road.loader(lambda: connect(road.place))


def left(road: Road) -> list[str]:
    """Name what is left in the spool and its loads."""
    return [path.name for path in road.spool.rglob("*") if path.is_file()]


def test_a_spool_is_loaded_to_its_end(warehouse: PreparedWarehouse, road: Road) -> None:
    """Events, rejections and duplicates stand in their views, and the segments are gone."""
    load_all(loader_of(road))
    assert warehouse.client.query(LEDGER).result_rows == [(8, 6, 0, 2, 0)]
    assert left(road) == []


def test_what_a_version_before_left_is_loaded(warehouse: PreparedWarehouse, road: Road) -> None:
    """After an upgrade the spool may hold rows that lack a column; they land with all others."""
    older = Told(id=99, came=9, name="applied", user="older", at="2024-08-05 12:00:00")
    road.lay(9, [older], lacking=["run"])
    load_all(loader_of(road))
    found = warehouse.client.query("SELECT count() FROM events WHERE user_id = 'older'")
    assert found.result_rows == [(1,)]
    assert left(road) == []


def test_many_segments_become_one_insert(warehouse: PreparedWarehouse, road: Road) -> None:
    """All segments of a load land as one part a table, however many frames they have."""
    load_all(loader_of(road))
    parts = warehouse.client.query(
        "SELECT table, uniqExact(name) FROM system.parts WHERE active AND rows > 0"
        " AND database = currentDatabase() AND table IN ('events_raw', 'arrivals', 'stage_events')"
        " GROUP BY table ORDER BY table"
    )
    assert parts.result_rows == [("arrivals", 1), ("events_raw", 1), ("stage_events", 1)]


def test_a_load_is_fixed_on_disk_before_its_first_row_is_sent(road: Road) -> None:
    """Whenever rows of a load are sent, its extent and token already lie in the spool."""
    sent: list[tuple[str, str, list[str]]] = []

    class Watching:
        """Takes what is inserted, and notes the token and the loads that are fixed by then."""

        def raw_insert(self, table: str, *insert: Any) -> None:
            """Note."""
            _, _, settings, _ = insert
            fixed = [path.stem for path in (road.spool / "loads").glob("*.json")]
            sent.append((table, settings["insert_deduplication_token"], fixed))

        def __getattr__(self, name: str) -> Any:
            """Die: all rows are sent, and their people are refreshed next."""
            raise Died

    with suppress(Died):
        load_all(road.loader(Watching))  # type: ignore[arg-type]
    of_the_load = [entry for entry in sent if entry[0] != "received_raw"]
    assert "events_raw" in {table for table, _, _ in of_the_load}
    for _, token, fixed in of_the_load:
        assert len(fixed) == 1
        assert token.startswith(fixed[0])


def test_a_load_keeps_to_its_size(warehouse: PreparedWarehouse, road: Road) -> None:
    """Segments beyond the bytes of one load wait for the next."""
    loader = road.loader(lambda: connect(road.place), max_load_bytes=1)
    came = []
    while loader.load_once():
        came += warehouse.client.query("SELECT count() FROM arrivals").result_rows[0]
    assert list(dict.fromkeys(came)) == [3, 8]
    assert warehouse.client.query(LEDGER).result_rows == [(8, 6, 0, 2, 0)]


def test_loads_that_come_while_people_are_settled_are_settled_together(
    warehouse: PreparedWarehouse, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loads are inserted meanwhile, and no segment goes before its people are refreshed."""
    refreshed: list[tuple[int, int]] = []
    refresh = road.refresh.load
    two_more = Event()

    def watched(client: Client, events: pa.Table) -> None:
        assert two_more.wait(30)
        refreshed.append((events.num_rows, len(list(road.spool.glob("*.arrow")))))
        refresh(client, events)

    monkeypatch.setattr(road.refresh, "load", watched)
    loader = road.loader(lambda: connect(road.place), max_load_bytes=1)
    assert loader.load_once()
    road.lay(3, THIRD)
    assert loader.load_once()
    two_more.set()
    load_all(loader)
    assert refreshed == [(3, 3), (6, 2)]
    assert warehouse.client.query(LEDGER).result_rows == [(9, 7, 0, 2, 0)]
    state = read_snapshot(road.folder / "loader.json", LoaderSnapshot)
    assert state is not None
    assert state.retries_total == 0


def test_what_comes_while_a_load_is_prepared_waits_for_more(
    warehouse: PreparedWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a backlog the next load is fixed when the last is inserted, with all there is."""
    road = Road(warehouse.place, tmp_path)
    road.lay(1, HISTORY[0])
    planned: list[list[str]] = []

    def plan_and_lay(waiting: list[Path], most: int) -> LoadManifest:
        load = plan(waiting, most)
        if not planned:
            road.lay(2, HISTORY[1])
        planned.append([name[:16].lstrip("0") for name in load.segments])
        return load

    monkeypatch.setattr("funnelhouse.ingest.loader.loader.plan", plan_and_lay)
    loader = loader_of(road)
    assert loader.load_once()
    road.lay(3, THIRD)
    load_all(loader)
    assert planned == [["1"], ["2", "3"]]


@pytest.mark.parametrize(("enough", "first"), [(3, 3), (4, 8)])
def test_people_of_a_backlog_are_settled_many_at_once(
    road: Road, monkeypatch: pytest.MonkeyPatch, enough: int, first: int
) -> None:
    """While more waits than one load takes, people are refreshed once enough rows of them came."""
    refreshed: list[int] = []
    refresh = road.refresh.load

    def watched(client: Client, events: pa.Table) -> None:
        refreshed.append(events.num_rows)
        refresh(client, events)

    monkeypatch.setattr(road.refresh, "load", watched)
    monkeypatch.setattr("funnelhouse.ingest.loader.refresh_queue._ENOUGH_ROWS", enough)
    road.lay(3, THIRD)
    load_all(road.loader(lambda: connect(road.place), max_load_bytes=1))
    assert refreshed[0] == first
    assert sum(refreshed) == 9


def test_events_of_200_months_land_in_one_insert(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """History of many years comes in at once; the engine refuses no insert for its partitions."""
    history = [
        Told(id=n, came=n, name="applied", at=f"{2008 + n // 12}-{n % 12 + 1:02}-01 12:00:00")
        for n in range(200)
    ]
    Road(warehouse.place, tmp_path).load([history])
    months = "SELECT uniqExact(toStartOfMonth(event_time, 'Asia/Seoul')) FROM events"
    assert warehouse.client.query(months).result_rows == [(200,)]


def test_identical_batches_are_duplicates_and_not_dropped(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """A batch that a client sends again comes in under a token of its own, and is counted."""
    batch = [Told(id=n, came=0, name="applied", user="kim") for n in range(3)]
    again = [replace(told, came=1) for told in batch]
    Road(warehouse.place, tmp_path).load([batch, again])
    assert warehouse.client.query(LEDGER).result_rows == [(6, 3, 0, 3, 0)]


def test_refused_rows_alone_are_rejected(warehouse: PreparedWarehouse, road: Road) -> None:
    """Of a batch with rows that break a constraint exactly those are rejected, with the error.

    A replayed one among them stays rejected, now for this reason.
    """
    warehouse.client.command(REFUSES_FIVE)
    loader = loader_of(road)
    load_all(loader)
    rejected = warehouse.client.query(
        "SELECT toUInt128(event_id), reason, detail LIKE '%no_five%'"
        " FROM rejected_events ORDER BY 1"
    )
    assert rejected.result_rows == [
        (4, "refused_by_warehouse", True),
        (6, "refused_by_warehouse", True),
    ]
    events = warehouse.client.query("SELECT toUInt128(event_id) FROM events ORDER BY 1")
    assert events.result_rows == [(1,), (2,), (3,), (5,)]
    assert warehouse.client.query(LEDGER).result_rows == [(8, 4, 2, 2, 0)]
    state = read_snapshot(road.folder / "loader.json", LoaderSnapshot)
    assert state is not None
    assert (state.loaded_rows_total, state.refused_rows_total) == (6, 2)


def test_a_refusal_outlives_a_crash(warehouse: PreparedWarehouse, road: Road) -> None:
    """A row that was refused before a crash stays rejected, even if it would be taken by now."""
    warehouse.client.command(REFUSES_FIVE)

    class Dying(MortalClient):
        """Dies when all rows have been dealt with, and the load is not finished yet."""

        def raw_insert(self, table: str, *insert: Any) -> None:
            """Insert, or die."""
            if table == "landed_segments":
                raise Died
            super().raw_insert(table, *insert)

    with suppress(Died):
        load_all(road.loader(lambda: Dying(connect(road.place), Mortal(0))))  # type: ignore[arg-type, return-value]
    warehouse.client.command(REFUSES_NONE)
    load_all(loader_of(road))
    assert warehouse.client.query(LEDGER).result_rows == [(8, 4, 2, 2, 0)]


def test_a_damaged_segment_loses_its_damage_alone(
    warehouse: PreparedWarehouse, road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    """A frame that was altered on the disk is set aside and reported; all others are loaded."""
    first, second = sorted(road.spool.glob("*.arrow"))
    data = bytearray(second.read_bytes())
    frame = read_segment(bytes(data)).frames[0]
    data[frame.offset + frame.length // 2] ^= 1
    second.write_bytes(data)
    load_all(loader_of(road))
    assert warehouse.client.query("SELECT toUInt128(event_id) FROM events").result_rows == [
        (1,),
        (2,),
    ]
    (aside,) = (road.spool / "damaged").glob("*.bin")
    assert aside.read_bytes() == data[frame.offset :][: frame.length]
    (record,) = (r for r in caplog.records if "damaged" in r.message)
    assert (record.levelname, vars(record)["segment"]) == ("ERROR", second.name)
    assert not first.exists()
    assert not second.exists()


def test_a_loader_that_is_stopped_leaves_its_load(road: Road) -> None:
    """Told to stop while the warehouse is away, it ends and keeps the segments for the next one."""

    def away() -> Any:
        loader.stop.set()
        raise ConnectionError("nobody answers")

    loader = road.loader(away)
    loader.run()
    assert len(list(road.spool.glob("*.arrow"))) == 2


def test_an_event_that_grows_past_the_limit_by_hashing_is_loaded(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Hashes longer than what they hide leave an accepted event whole, and the loader alive."""
    limits = Limits()
    item = {"type": "identify", "userId": "kim", "traits": {"email": "a@b.kr"}}
    room = limits.max_event_bytes - len(orjson.dumps(item | {"integrations": [""]}))
    size = limits.max_string_length
    item["integrations"] = ["x" * (size - 3)] * (room // size) + ["x" * (room % size - 3)]
    text = orjson.dumps(item)
    assert limits.max_event_bytes - 60 < len(text) <= limits.max_event_bytes
    pipeline = Pipeline(Rules(load_plan(warehouse.settings.plan), limits, b"secret"))
    (row,) = pipeline.admit(
        Envelope("dev", None, [RawEvent(item, text)]), Origin("web", server=False)
    ).rows
    assert len(row.payload) > limits.max_event_bytes
    road = Road(warehouse.place, tmp_path)
    road.spool.mkdir()
    (road.spool / "1-a-1.arrow").write_bytes(segment_of([row]))
    load_all(loader_of(road))
    payloads = warehouse.client.query("SELECT payload FROM events").result_rows
    assert payloads == [(row.payload.decode(),)]


def crash_at_steps(warehouse: PreparedWarehouse, road: Road, *, every: int, lost: bool) -> int:
    """Die at every n-th step in turn, load again, compare; returns how many steps there are."""
    load_all(loader_of(road))
    expected = first_views(warehouse.client)
    assert expected["events"]
    step, died = 1, True
    while died:
        warehouse.empty()
        lay(road)
        mortal = Mortal(step)
        with suppress(Died):
            load_all(dying_loader(road.config(), lambda: connect(road.place), mortal))
        died = mortal.steps == step
        if lost:
            lose_deduplication_logs(warehouse.client)
        load_all(loader_of(road))
        assert first_views(warehouse.client) == expected, f"died at step {step}"
        assert left(road) == []
        step += every
    return step


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("lost", [False, True], ids=["log kept", "log lost"])
def test_a_crash_at_any_step_changes_no_view(
    warehouse: PreparedWarehouse, road: Road, *, every: int, lost: bool
) -> None:
    """Dying before any file operation, or around any insert, leads to the same views.

    With the engine's deduplication log or without it.
    """
    assert crash_at_steps(warehouse, road, every=every, lost=lost) > 15


@pytest.mark.parametrize("every", [83, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "lost",
    [pytest.param(False, marks=pytest.mark.slow), True],
    ids=["log kept", "log lost"],
)
def test_a_crash_in_the_middle_of_splitting_changes_no_view(
    warehouse: PreparedWarehouse, road: Road, *, every: int, lost: bool
) -> None:
    """While rows are refused and parts are split, dying at any step leads to the same views."""
    warehouse.client.command(REFUSES_FIVE)
    assert crash_at_steps(warehouse, road, every=every, lost=lost) > 60
