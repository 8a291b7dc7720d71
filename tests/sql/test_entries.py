"""Stage entries, stage hits and people against a plain reading of their definitions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelhouse.sql.refresh import Refresh
from tests.conftest import PreparedWarehouse
from tests.faults.dying_loader import Died, Mortal, MortalClient
from tests.sql.history import READS, Road, Told, bring, optimize_all, rule
from tests.sql.reference import Entry, Hit, entries, hits
from tests.sql.reference_people import Link, People

REASON = READS | {"detail": "reason"}
AMOUNT = READS | {"detail": "feature", "amount": "amount", "cluster": "cluster"}
SECOND: dict[str, Any] = {"funnel_version": 2}
OTHER: dict[str, Any] = {"funnel": "other", "product": "school"}
GAVE_UP = [("reason", "is", ['"gave up"'])]
RULES = (
    rule(1, "applied"),
    rule(2, "passed", reads=AMOUNT),
    rule(3, "withdrawn", kind="withdrawn", reads=REASON),
    rule(4, "joined", reenter="daily"),
    rule(4, "joined", "moved", reenter="daily"),
    rule(5, "failed", kind="rejected"),
    rule(6, "paid", reenter="always", reads=AMOUNT),
    rule(0, "revenue", "paid", kind="measure", reenter="always", reads=AMOUNT),
    rule(0, "activity", "applied", kind="measure", reenter="daily"),
    rule(0, "activity", "moved", kind="measure", reenter="daily"),
    # the second version begins elsewhere, may begin again, and leaves out who gave up
    rule(1, "passed", reenter="always", **SECOND),
    rule(2, "joined", **SECOND),
    rule(3, "withdrawn", kind="withdrawn", reads=REASON, **SECOND),
    rule(0, "excluded", "failed", kind="excluded", conditions=GAVE_UP, **SECOND),
    # another product's funnel, with another segment
    rule(1, "applied", reads=READS | {"segment": "reason"}, **OTHER),
    rule(2, "paid", reads=AMOUNT | {"segment": "reason"}, **OTHER),
)
CHANNELS: dict[str, dict[str, Any]] = {
    "direct": {},
    "paid_search": {"query": {"utm_source": "naver", "utm_medium": "cpc"}},
    "email": {"query": {"utm_source": "sun", "utm_medium": "email"}},
    "internal": {"referrer": "https://camp.example/"},
}
TIMES = (
    "2024-08-04 23:59:59.999999",
    "2024-08-05 00:00:00",
    "2024-08-05 08:59:59",
    "2024-08-05 09:00:00",
    "2024-08-07 12:00:00",
    "2024-08-07 18:00:00",
    "2024-08-08 12:00:00",
    "2024-08-09 12:00:00",
)


def channel(told: Told) -> str:
    """Give the channel that an event tells: a server knows of none, an inner page of no new one."""
    if told.server or told.referrer:
        return ""
    return next(name for name, one in CHANNELS.items() if one.get("query", {}) == told.query)


def ids(world: int, *names: str) -> st.SearchStrategy[str]:
    """Draw one of a world's ids, or none where "" is among the names."""
    return st.sampled_from([name and f"{name}_{world}" for name in names])


def world(number: int) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a copy of an event among a few people, some of whose devices bear a user's name."""
    user = ids(number, "kim", "lee", "park", "")
    event = st.fixed_dictionaries(
        {
            "id": st.integers(1, 14).map(lambda n: 100 * number + n),
            "name": st.sampled_from(
                ["applied", "applied", "passed", "joined", "moved", "paid", "withdrawn", "failed"]
            ),
            "at": st.sampled_from(TIMES),
            "user": user,
            "anonymous": ids(number, "a", "b", "c", "kim", ""),
            "source": st.sampled_from(["web", "web", "app"]),
            "server": st.sampled_from([False, False, True]),
            "product": st.sampled_from(["camp", "camp", "camp", "school"]),
            "track": st.sampled_from(["", "kotlin", "kotlin", "node"]),
            "cohort": st.sampled_from(["", "6", "6", "7"]),
            "properties": st.fixed_dictionaries(
                {},
                optional={
                    "occupation": st.sampled_from(["student", "worker", ""]),
                    "card_holder": st.sampled_from([True, False, None]),
                    "reason": st.sampled_from(["gave up", "moved away"]),
                    "feature": st.sampled_from(["guide", "chat"]),
                    "cluster": st.sampled_from(["a", "b"]),
                    "amount": st.sampled_from([1, 99.5, 350_000]),
                },
            ),
            "session": st.sampled_from(["", "s", "t"]),
        }
    )
    alias = st.fixed_dictionaries(
        {"call": st.just("alias"), "previous": ids(number, "kim", "lee", "choi", "a", "b", "")},
    )
    told = st.one_of(event, event, event, st.builds(dict.__or__, event, alias))
    return st.builds(dict.__or__, told, st.sampled_from(list(CHANNELS.values())))


@dataclass(frozen=True, slots=True)
class History:
    """Copies in the loads in which they come; whether the engine merges early, and what dies."""

    loads: list[list[Told]]
    merges_early: bool
    dies_at: int


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw three worlds of copies, received in one order and loaded in any other."""
    copies = [copy for n in range(3) for copy in draw(st.lists(world(n), min_size=1, max_size=16))]
    order = draw(st.permutations(range(len(copies))))
    told = [Told(came=7 * n, **copy) for n, copy in zip(order, copies, strict=True)]
    told = draw(st.permutations(told))
    cut = draw(st.integers(1 + len(told) // 5, len(told)))
    loads = [told[start : start + cut] for start in range(0, len(told), cut)]
    return History(loads, draw(st.booleans()), draw(st.integers(0, 6)))


class Faltering(Refresh):
    """Dies once while it refreshes each load, and is repeated; merges all tables before if told."""

    def __init__(self, history: History) -> None:
        super().__init__("Asia/Seoul")
        self._history = history
        self.deaths = 0

    def load(self, client: Client, events: pa.Table) -> None:
        """Refresh twice, the first time to the step of death."""
        if self._history.merges_early:
            optimize_all(client)
        mortal = MortalClient(client, Mortal(self._history.dies_at))
        try:
            super().load(mortal, events)  # type: ignore[arg-type]
        except Died:
            self.deaths += 1
        super().load(client, events)


class Lean(Refresh):
    """Refreshes with little memory for each of its statements."""

    def load(self, client: Client, events: pa.Table) -> None:
        """Refresh."""
        client.set_client_setting("max_memory_usage", 300_000_000)
        super().load(client, events)


def shown(client: Client, kind: type[Entry | Hit | Link], view: str) -> list[Any]:
    """Read a view as rows of a kind, times in microseconds."""
    columns = ", ".join(map(_plain, kind._fields))
    rows = client.query(f"SELECT {columns} FROM {view}").result_rows
    return sorted((kind(*row) for row in rows), key=repr)


def _plain(column: str) -> str:
    if column == "event_id":
        return "toUInt128(event_id)"
    if column.endswith(("_at", "_time")):
        return f"toUnixTimestamp64Micro({column})"
    return column


def views_of(client: Client) -> dict[str, list[Any]]:
    """Read the three views."""
    return {
        "people": shown(client, Link, "people"),
        "stage_hits": shown(client, Hit, "stage_hits"),
        "stage_entries": shown(client, Entry, "stage_entries"),
    }


def expected_of(told: Sequence[Told]) -> dict[str, list[Any]]:
    """Give what the views should show."""
    people = People(told)
    return {
        "people": sorted(people.links(), key=repr),
        "stage_hits": sorted(hits(RULES, people), key=repr),
        "stage_entries": sorted(entries(RULES, people, channel), key=repr),
    }


@pytest.fixture(scope="module")
def ruled(warehouse: PreparedWarehouse) -> PreparedWarehouse:
    """Give the warehouse with the funnels of this module alone."""
    warehouse.empty()
    bring(warehouse.client, RULES)
    return warehouse


def hold(warehouse: PreparedWarehouse, folder: Path, history: History) -> None:
    """Load a history, merge it, build it afresh, and hold the views against the reference."""
    client = warehouse.client
    warehouse.empty()
    expected = expected_of([told for load in history.loads for told in load])
    Road(warehouse.place, folder, Faltering(history)).load(history.loads)
    assert views_of(client) == expected
    optimize_all(client)
    assert views_of(client) == expected
    bring(client, [])
    bring(client, RULES)
    assert views_of(client) == expected


SETTINGS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=2, **SETTINGS)
@given(histories())
def test_any_history_is_settled_as_defined(
    ruled: PreparedWarehouse, tmp_path: Path, history: History
) -> None:
    """Whatever came, however cut into loads, killed and merged meanwhile: the views are right."""
    hold(ruled, tmp_path, history)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(max_examples=300, **SETTINGS)
@given(histories())
def test_many_histories_are_settled_as_defined(
    ruled: PreparedWarehouse, tmp_path: Path, history: History
) -> None:
    """The same for a few hundred histories."""
    hold(ruled, tmp_path, history)


CHANGED = (
    [
        Told(id=1, came=0, name="applied", anonymous="phone"),
        Told(id=2, came=1, name="passed", user="kim"),
        Told(id=3, came=9, name="applied", user="lee"),
        Told(id=4, came=3, name="aliased", call="alias", previous="park", user="choi"),
        Told(id=5, came=4, name="paid", user="park"),
    ],
    [
        # a late login, an earlier event, the first copy of an event, and one more alias
        Told(id=6, came=5, name="elsewhere", user="kim", anonymous="phone"),
        Told(id=7, came=6, name="passed", user="kim", at="2024-08-04 12:00:00"),
        Told(id=3, came=2, name="applied", user="kang"),
        Told(id=8, came=7, name="aliased", call="alias", previous="choi", user="lee"),
    ],
)
"""A second load that changes entries of everybody whom the first one brought."""


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_a_settling_that_dies_anywhere_is_made_good(
    ruled: PreparedWarehouse, tmp_path: Path, every: int
) -> None:
    """Killed before or after whatever a refresh writes, and repeated, it ends the same."""
    expected = expected_of([told for load in CHANGED for told in load])
    step, died = 1 - every, True
    while died:
        step += every
        ruled.empty()
        road = Road(ruled.place, tmp_path)
        road.load(CHANGED[:1])
        faltering = Faltering(History([], merges_early=False, dies_at=step))
        replace(road, refresh=faltering).load(CHANGED[1:])
        assert views_of(ruled.client) == expected, f"died at step {step}"
        died = faltering.deaths > 0
    assert step > 5


def test_a_clock_set_back_hides_nothing(ruled: PreparedWarehouse, tmp_path: Path) -> None:
    """What is refreshed later counts, though the clock stood at a later hour before."""
    ruled.empty()
    Road(ruled.place, tmp_path).load(CHANGED[:1])
    for table in ("stage_entries_raw", "stage_hits_raw", "sessions_raw", "aliased_users"):
        ruled.client.command(
            f"INSERT INTO {table} SELECT * REPLACE (changed_at + 3600000000 AS changed_at)"
            f" FROM {table}"
        )
    Road(ruled.place, tmp_path).load(CHANGED[1:])
    assert views_of(ruled.client) == expected_of([told for load in CHANGED for told in load])


@pytest.mark.parametrize("users", [1, 2], ids=["re-entries", "turns of a device"])
def test_a_storm_takes_little_memory(ruled: PreparedWarehouse, tmp_path: Path, users: int) -> None:
    """Thousands of re-entries, logins and anonymous events of one device do not multiply."""
    ruled.empty()
    told = [
        Told(
            id=n,
            came=n,
            name="paid",
            at=f"2024-08-05 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}",
            user="" if n % 2 else f"u{n // 2 % users}",
            anonymous="pc",
        )
        for n in range(8000)
    ]
    refresh = Lean("Asia/Seoul")
    Road(ruled.place, tmp_path, refresh).load([told])
    people = People(told)
    assert shown(ruled.client, Hit, "stage_hits") == sorted(hits(RULES, people), key=repr)
