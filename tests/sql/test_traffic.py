"""Where people come from: the team's figures, and random histories against a plain reference."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import PreparedWarehouse
from tests.sql.history import ARRANGED, ARRANGEMENTS, COURSE, Road, Told, bring

DAYS = "first_day = '2024-08-12', last_day = '2024-08-13'"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
YOUTUBE = {"utm_source": "youtube", "utm_medium": "video", "utm_campaign": "guide"}
NAVER = {"utm_source": "naver", "utm_medium": "cpc"}


@pytest.fixture(scope="module", autouse=True)
def _course(warehouse: PreparedWarehouse) -> None:
    """Let the funnel `course` be the only one."""
    warehouse.empty()
    bring(warehouse.client, COURSE)


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse, which is empty."""
    warehouse.empty()
    return Road(warehouse.place, tmp_path)


def shown(warehouse: PreparedWarehouse, columns: str, view: str, where: str = "true") -> list[Any]:
    """Read columns of a view, sorted."""
    text = f"SELECT {columns} FROM {view} WHERE {where} ORDER BY ALL"
    return list(warehouse.client.query(text).result_rows)


def page(number: int, user: str, at: str, **changes: Any) -> Told:
    """Tell of a page viewed in a session of its own, which is the user's."""
    told: dict[str, Any] = {"id": number, "came": number, "session": f"s-{number}"}
    return Told(name="page_viewed", user=user, at=at, **told | changes)


def step(number: int, name: str, user: str, at: str, **changes: Any) -> Told:
    """Tell of a step as a server does."""
    told: dict[str, Any] = {"id": number, "came": number, "server": True}
    return Told(name=name, user=user, at=at, **told | changes)


SOURCES = "channel, source, campaign"


def test_who_comes_by_youtube(warehouse: PreparedWarehouse, road: Road) -> None:
    """12 of 250 sessions, 4.8 %, come by YouTube, after 1 of 10 in the two days before."""
    now, before = "2024-08-12 00:00:00", "2024-08-10 00:00:00"
    history = [
        *(page(n, f"user-{n % 100}", now, query=YOUTUBE if n < 12 else {}) for n in range(250)),
        *(page(n, f"user-{n}", before, query=YOUTUBE if n < 301 else {}) for n in range(300, 310)),
        # the moments before and after, and a bot
        page(400, "user-1", "2024-08-09 23:59:59", query=YOUTUBE),
        page(401, "user-1", "2024-08-14 00:00:00", query=YOUTUBE),
        page(402, "bot", now, query=YOUTUBE, agent=BOT),
    ]
    road.load([history])
    columns = (
        f"{SOURCES}, sessions, sessions_share, sessions_before, sessions_share_before,"
        " round(sessions_share_change, 4), people, people_share, people_before"
    )
    assert shown(warehouse, columns, f"traffic_sources({DAYS})") == [
        ("direct", "", "", 238, 0.952, 9, 0.9, 0.052, 100, 1, 9),
        ("video", "youtube", "guide", 12, 0.048, 1, 0.1, -0.052, 12, 0.12, 1),
    ]


@pytest.mark.parametrize("arrangement", ARRANGED)
def test_a_session_is_its_person_s(
    warehouse: PreparedWarehouse, road: Road, arrangement: str
) -> None:
    """A device that logs in later is one person; a copy and a late first event keep one session."""
    history = [
        [
            page(1, "", "2024-08-12 10:05:00", anonymous="a", session="s", query=NAVER),
            page(2, "", "2024-08-12 12:00:00", anonymous="b", query=YOUTUBE),
            page(2, "", "2024-08-12 12:00:00", anonymous="c", query=NAVER, came=9),
        ],
        [
            # came late, and was the first of the session
            page(3, "", "2024-08-12 10:00:00", anonymous="a", session="s", query=YOUTUBE),
            page(4, "kim", "2024-08-15 10:00:00", anonymous="a"),
            page(5, "kim", "2024-08-15 10:00:00", anonymous="b"),
        ],
    ]
    road.load(ARRANGEMENTS[arrangement](history))
    found = shown(warehouse, f"{SOURCES}, sessions, people", f"traffic_sources({DAYS})")
    assert found == [("video", "youtube", "guide", 2, 1)]


def test_who_comes_of_itself(warehouse: PreparedWarehouse, road: Road) -> None:
    """11 of 37 enrolments, 29.7 %, come without a session or a step before; 1 of 2 before."""
    at, early = "2024-08-13 23:59:59", "2024-08-01 09:00:00"
    history = [
        *(step(n, "joined", f"user-{n}", at) for n in range(37)),
        *(step(n + 100, "applied", f"user-{n}", early) for n in range(11, 30)),
        *(page(n + 200, f"user-{n}", early) for n in range(30, 37)),
        # what comes after the entry, and a bot's session, is no reason
        page(300, "user-0", "2024-08-14 00:00:00"),
        step(301, "passed", "user-1", "2024-08-14 00:00:00"),
        page(302, "user-2", early, agent=BOT),
        *(step(n + 400, "joined", f"user-{n}", "2024-08-10 00:00:00") for n in (400, 401)),
        step(500, "passed", "user-400", "2024-08-09 09:00:00"),
    ]
    road.load([history])
    asked = f"natural_inflow(funnel = 'course', stage = 'joined', {DAYS})"
    columns = "entries, natural, round(natural_share, 3), entries_before, natural_before"
    assert shown(warehouse, columns, asked) == [(37, 11, 0.297, 2, 1)]


@pytest.mark.parametrize("arrangement", ARRANGED)
def test_a_late_login_makes_an_entry_tracked(
    warehouse: PreparedWarehouse, road: Road, arrangement: str
) -> None:
    """A session of a device that proves to be the person's counts, before it is known or after."""
    history = [
        [step(1, "joined", "kim", "2024-08-12 12:00:00")],
        [page(2, "", "2024-08-12 11:00:00", anonymous="a")],
        [page(3, "kim", "2024-08-12 13:00:00", anonymous="a")],
    ]
    road.load(ARRANGEMENTS[arrangement](history))
    asked = f"natural_inflow(funnel = 'course', stage = 'joined', {DAYS})"
    assert shown(warehouse, "entries, natural", asked) == [(1, 0)]


def test_share_aged_45_and_over(warehouse: PreparedWarehouse, road: Road) -> None:
    """Shares of a segment add up to 1 in each of the two spans, told and untold together."""
    ages = ["45+"] * 3 + ["25-34"] * 6 + [""]
    history = [
        *(
            step(n, "applied", f"user-{n}", "2024-08-12 00:00:00", properties={"occupation": age})
            for n, age in enumerate(ages)
        ),
        *(
            step(n, "applied", f"user-{n}", "2024-08-11 23:59:59", properties={"occupation": age})
            for n, age in enumerate(["45+", "25-34"], start=50)
        ),
    ]
    road.load([history])
    columns = "value, entries, share, entries_before, share_before, round(change, 3)"
    asked = f"entry_shares(funnel = 'course', {DAYS})"
    assert shown(warehouse, columns, asked, "dimension = 'segment'") == [
        ("", 1, 0.1, 0, 0, 0.1),
        ("25-34", 6, 0.6, 1, 0.5, 0.1),
        ("45+", 3, 0.3, 1, 0.5, -0.2),
    ]


EVENTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    name=st.sampled_from(["page_viewed", "page_viewed", "applied", "passed", "joined"]),
    at=st.sampled_from(
        [f"2024-08-{day:02} {at}" for day in range(9, 15) for at in ("00:00:00", "23:59:59")]
    ),
    user=st.sampled_from([f"user-{n}" for n in range(6)]),
    session=st.sampled_from(["1", "2", "3"]),
    query=st.sampled_from([{}, YOUTUBE, NAVER]),
    server=st.booleans(),
)
FIRST, LAST = (datetime.fromisoformat(day) for day in ("2024-08-12", "2024-08-13"))
NEVER = datetime.fromisoformat("9999-12-31")


def span(at: datetime) -> int | None:
    """Say whether a time is in the chosen days (0) or in as many before (1)."""
    if FIRST <= at < LAST + timedelta(days=1):
        return 0
    return 1 if FIRST - timedelta(days=2) <= at < FIRST else None


def time(one: Told) -> datetime:
    """Return the time of an event on Seoul's clock."""
    return datetime.fromisoformat(one.at)


def sessions(told: list[Told]) -> list[tuple[str, datetime, dict[str, str]]]:
    """Find each session's person, begin, and the campaign of its first event."""
    of: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for one in told:
        if not one.server:
            of[one.user, one.session].append(one)
    firsts = [min(events, key=lambda one: (time(one), one.id)) for events in of.values()]
    return [(one.user, time(one), one.query) for one in firsts]


def traffic(told: list[Told]) -> dict[tuple[str, str], tuple[int, ...]]:
    """Count sessions and people by source and campaign, now and before."""
    counts: dict[tuple[str, str], Counter[tuple[str, int]]] = defaultdict(Counter)
    people: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    for user, at, query in sessions(told):
        now = span(at)
        if now is not None:
            key = (query.get("utm_source", ""), query.get("utm_campaign", ""))
            counts[key]["sessions", now] += 1
            people[key].add((user, now))
    return {
        key: (
            count["sessions", 0],
            count["sessions", 1],
            *(sum(now == which for _, now in people[key]) for which in (0, 1)),
        )
        for key, count in counts.items()
    }


def natural(told: list[Told]) -> tuple[int, ...]:
    """Count entries into `joined` and those with nothing before, now and before."""
    entries: dict[tuple[str, str], datetime] = {}
    for one in told:
        key = (one.user, one.name)
        entries[key] = min(time(one), entries.get(key, NEVER))
    seen = sessions(told)
    counts: Counter[tuple[int, bool]] = Counter()
    for (user, name), at in entries.items():
        now = span(at)
        if name == "joined" and now is not None:
            earlier = [begin for who, begin, _ in seen if who == user]
            earlier += [entries.get((user, step), NEVER) for step in ("applied", "passed")]
            counts[now, min(earlier) >= at] += 1
    return tuple(
        sum(counts[now, own] for own in owns) for now in (0, 1) for owns in ((True, False), (True,))
    )


@pytest.mark.usefixtures("rounds")
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(EVENTS, min_size=5, max_size=60), st.randoms())
def test_traffic_agrees_with_a_plain_reference(
    warehouse: PreparedWarehouse, road: Road, events: list[dict[str, Any]], chance: Any
) -> None:
    """Whatever happened in whatever order, sources and natural inflow are those of a few lines."""
    warehouse.empty()
    told = [Told(id=n, came=n, **one) for n, one in enumerate(events)]
    chance.shuffle(told)
    road.load([told])
    columns = "source, campaign, sessions, sessions_before, people, people_before"
    found = shown(warehouse, columns, f"traffic_sources({DAYS})")
    assert {tuple(row[:2]): tuple(row[2:]) for row in found} == traffic(told)
    asked = f"natural_inflow(funnel = 'course', stage = 'joined', {DAYS})"
    columns = "entries, natural, entries_before, natural_before"
    assert shown(warehouse, columns, asked) == [natural(told)]
    asked = f"entry_shares(funnel = 'course', {DAYS})"
    shares = shown(
        warehouse,
        "sum(entries), sum(entries_before)",
        asked,
        "stage = 'joined' AND dimension = 'track'",
    )
    assert [tuple(row) for row in shares] == [natural(told)[::2]]
