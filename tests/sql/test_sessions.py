"""Sessions against a plain reference: histories of any kind, in any loads."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelhouse.sql.builds import apply_plan
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.timeouts import refresh_sessions
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring, optimize_all, tables

GAP = timedelta(minutes=30)
NOON = datetime.fromisoformat("2024-08-05 12:00:00")
EVENTS = st.builds(
    dict,
    id=st.integers(1, 30),
    name=st.sampled_from(["page_viewed", "cta_clicked", "section_viewed"]),
    minute=st.integers(0, 240),
    user=st.sampled_from(["", "", "", "kim", "lee"]),
    anonymous=st.sampled_from(["a", "b"]),
    session=st.sampled_from(["", "", "s-1"]),
    server=st.sampled_from([False, False, False, True]),
)


@st.composite
def loads(draw: st.DrawFn) -> list[list[Told]]:
    """Draw copies of a few events, loaded in any order in some loads."""
    drawn = draw(st.lists(EVENTS, min_size=1, max_size=30))
    told = [
        Told(
            id=one["id"],
            came=7 * second,
            name=one["name"],
            at=str(NOON + timedelta(minutes=one["minute"])),
            user=one["user"],
            anonymous=one["anonymous"],
            session=one["session"],
            server=one["server"],
            properties={"cta_id": "apply", "section_id": "div"},
        )
        for second, one in enumerate(drawn)
    ]
    told = draw(st.permutations(told))
    cut = draw(st.integers(5, 30))
    return [told[start : start + cut] for start in range(0, len(told), cut)]


def first_copies(told: list[Told]) -> list[Told]:
    """Keep of each event the copy that came first."""
    first: dict[tuple[str, int], Told] = {}
    for copy in sorted(told, key=lambda copy: copy.came):
        first.setdefault((copy.source, copy.id), copy)
    return list(first.values())


def owner(copy: Told, first: list[Told]) -> str:
    """Give an event's user, or else that of its device's next login, or of the one before."""
    if copy.user:
        return copy.user
    logins = [login for login in first if login.user and login.anonymous == copy.anonymous]
    logins.sort(key=lambda login: (login.at, login.came))
    later = [login for login in logins if login.at >= copy.at]
    found = later[:1] or logins[-1:]
    return found[0].user if found else copy.anonymous


def cut(events: list[Told], gap: timedelta) -> Iterator[list[Told]]:
    """Cut one person's events without a session id where a gap is over the timeout."""
    session: list[Told] = []
    for event in sorted(events, key=lambda event: (event.at, event.source, event.id)):
        if session and moment(event) - moment(session[-1]) > gap:
            yield session
            session = []
        session.append(event)
    yield session


def moment(event: Told) -> datetime:
    """Return the event's time on Seoul's clock."""
    return datetime.fromisoformat(event.at)


def reference(
    told: list[Told], gap: timedelta = GAP
) -> list[tuple[str, datetime, datetime, int, int, list[str]]]:
    """List each session as person, start, end, events, pages and CTAs clicked."""
    first = first_copies(told)
    of: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for event in first:
        if not event.server:
            of[owner(event, first), event.session].append(event)
    found = []
    for (person, session_id), events in of.items():
        for session in [events] if session_id else cut(events, gap):
            times = [moment(event) for event in session]
            names = [event.name for event in session]
            ctas = ["apply"] if "cta_clicked" in names else []
            pages = names.count("page_viewed")
            found.append((person, min(times), max(times), len(session), pages, ctas))
    return sorted(found)


@pytest.fixture(autouse=True)
def _empty(warehouse: PreparedWarehouse) -> Iterator[None]:
    warehouse.empty()
    yield
    warehouse.empty()


def sessions(warehouse: PreparedWarehouse) -> list[tuple[object, ...]]:
    """Read the sessions as the reference lists them."""
    rows = warehouse.client.query(
        "SELECT person_id, toTimeZone(started_at, 'Asia/Seoul'),"
        " toTimeZone(ended_at, 'Asia/Seoul'), events, pages, ctas_clicked FROM sessions"
    ).result_rows
    return sorted(
        (person, start.replace(tzinfo=None), end.replace(tzinfo=None), *counts)
        for person, start, end, *counts in rows
    )


@pytest.mark.usefixtures("rounds")
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(loads())
def test_sessions_agree_with_a_naive_reference(
    warehouse: PreparedWarehouse, tmp_path: Path, history: list[list[Told]]
) -> None:
    """Whatever came when and in which loads, each person's sessions are those of the whole."""
    warehouse.empty()
    Road(warehouse.place, tmp_path).load(history)
    assert sessions(warehouse) == reference([copy for load in history for copy in load])


def page(id_: int, at: str, **more: object) -> Told:
    """Return an event of device a-1, a page view unless it is named."""
    told = {"anonymous": "a-1", "name": "page_viewed"} | more
    return Told(id=id_, came=id_, at=f"2024-08-05 {at}", **told)  # type: ignore[arg-type]


def test_half_an_hour_does_not_split_and_a_second_more_does(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """A gap of exactly the timeout goes on; one longer begins anew; midnight splits nothing."""
    views = [
        page(1, "23:20:00"),
        page(2, "23:50:00"),
        Told(id=3, came=3, name="page_viewed", at="2024-08-06 00:20:00", anonymous="a-1"),
        Told(id=4, came=4, name="page_viewed", at="2024-08-06 00:50:01", anonymous="a-1"),
    ]
    Road(warehouse.place, tmp_path).load([views])
    assert [row[3] for row in sessions(warehouse)] == [3, 1]


def test_a_late_event_joins_two_sessions(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """What seemed two visits is one when the page between them arrives, and the two are gone."""
    road = Road(warehouse.place, tmp_path)
    road.load([[page(1, "10:00:00"), page(3, "10:50:00")]])
    assert len(sessions(warehouse)) == 2
    road.load([[page(2, "10:25:00")]])
    optimize_all(warehouse.client)
    assert [row[3] for row in sessions(warehouse)] == [3]


def test_a_late_login_moves_the_sessions_of_its_device(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Anonymous sessions are the user's once the user is known, and the device's no more."""
    road = Road(warehouse.place, tmp_path)
    road.load([[page(1, "10:00:00"), page(2, "15:00:00")], [page(3, "20:00:00", user="kim")]])
    assert [row[0] for row in sessions(warehouse)] == ["kim", "kim", "kim"]


def test_a_server_event_touches_no_session(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """A server's event between two visits neither joins them nor counts in one."""
    between = Told(
        id=9, came=9, name="joined", at="2024-08-05 10:25:00", anonymous="a-1", server=True
    )
    Road(warehouse.place, tmp_path).load([[page(1, "10:00:00"), between, page(2, "10:50:00")]])
    assert [row[3] for row in sessions(warehouse)] == [1, 1]


@pytest.mark.usefixtures("rounds")
@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(loads(), st.sampled_from([5, 10, 90]))
def test_another_timeout_settles_everybody_anew(
    warehouse: PreparedWarehouse, tmp_path: Path, history: list[list[Told]], minutes: int
) -> None:
    """After a change of the setting sessions are as if it had always been so; then it is done."""
    warehouse.empty()
    Road(warehouse.place, tmp_path).load(history)
    told = [copy for load in history for copy in load]
    seen: list[tuple[str, int, int]] = []
    changed = Refresh("Asia/Seoul", 60 * minutes)
    with mock.patch("funnelhouse.sql.timeouts._EVENTS_A_BUCKET", 10):
        assert refresh_sessions(warehouse.client, changed, lambda *note: seen.append(note))
    assert sessions(warehouse) == reference(told, timedelta(minutes=minutes))
    noted = warehouse.client.query("SELECT count() FROM session_events").result_rows[0][0]
    assert seen == [("sessions", n, -(-noted // 10)) for n in range(-(-noted // 10))]
    assert not refresh_sessions(warehouse.client, changed, lambda *_: None)


def test_a_change_of_timeout_that_was_broken_off_begins_anew(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Stopped on the way, neither the new timeout nor the one before counts as refreshed."""
    views = [page(1, "10:00:00"), page(2, "10:20:00")]
    Road(warehouse.place, tmp_path).load([views])
    before, after = (Refresh("Asia/Seoul", seconds) for seconds in (1800, 600))
    refresh_sessions(warehouse.client, before, lambda *_: None)

    def broken(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        refresh_sessions(warehouse.client, after, broken)
    assert refresh_sessions(warehouse.client, before, lambda *_: None)
    assert refresh_sessions(warehouse.client, after, lambda *_: None)
    assert [row[3] for row in sessions(warehouse)] == [1, 1]


ORDERED = [
    [
        page(1, "10:00:00", user="kim"),
        page(2, "10:20:00", user="kim", name="applied"),
        page(3, "12:00:00", user="kim"),
    ],
    [
        page(4, "10:10:00", user="kim", name="passed", server=True),
        page(5, "15:00:00", user="kim", name="joined", server=True),
        page(6, "09:00:00", name="applied", anonymous="a-2"),
    ],
]
"""In the first session kim applies and is passed by a server, and joins in none; a-2 begins."""


@pytest.mark.parametrize(
    "planned", ["before", "after", pytest.param("between", marks=pytest.mark.slow), "meanwhile"]
)
def test_a_session_tells_the_steps_entered_in_it(
    warehouse: PreparedWarehouse, tmp_path: Path, planned: str
) -> None:
    """Steps from begin to end stand in it, and convert unless they are first, whenever planned."""
    refresh = Refresh("Asia/Seoul")
    road = Road(warehouse.place, tmp_path, refresh)

    def load_once(what: str, done: int, _of: int) -> None:
        if (what, done) == ("people", 0):
            road.load(ORDERED[1:])

    bring(warehouse.client, [])
    if planned == "before":
        bring(warehouse.client, COURSE)
    road.load(ORDERED[:1])
    if planned == "meanwhile":
        apply_plan(warehouse.client, tables(COURSE), refresh, load_once)
    if planned == "between":
        bring(warehouse.client, COURSE)
    if planned != "meanwhile":
        road.load(ORDERED[1:])
    if planned == "after":
        bring(warehouse.client, COURSE)
    rows = warehouse.client.query(
        "SELECT person_id, stages_entered, converted FROM sessions ORDER BY started_at"
    ).result_rows
    assert [tuple(row) for row in rows] == [
        ("a-2", ["course:applied"], False),
        ("kim", ["course:passed", "course:applied"], True),
        ("kim", [], False),
    ]


def test_a_session_sums_what_was_done(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """Neither another campaign nor a login splits; the first campaign counts, the rest adds up."""
    ad = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "autumn"}
    mail = {"utm_source": "news", "utm_medium": "email", "utm_campaign": "late"}
    shown = {"experiment_id": "guide", "variation_id": "b"}
    Road(warehouse.place, tmp_path).load([[
        page(1, "10:00:00", query=ad),
        page(2, "10:01:00", name="scroll_depth_reached", properties={"depth": 75}),
        page(3, "10:02:00", name="scroll_depth_reached", properties={"depth": 50}),
        page(4, "10:03:00", name="engaged_time", properties={"engaged_ms": 4000}),
        page(5, "10:04:00", name="engaged_time", properties={"engaged_ms": 5500}),
        page(6, "10:05:00", name="section_viewed", properties={"section_id": "div"}),
        page(7, "10:06:00", name="experiment_viewed", properties=shown),
        page(8, "10:20:00", query=mail, name="guide_opened", properties={"entry": "youtube"}),
        page(9, "10:30:00", user="kim"),
        page(11, "12:00:00", anonymous="a-3"),
        page(12, "12:00:05", anonymous="a-3", name="engaged_time", properties={"engaged_ms": 9999}),
        page(13, "12:00:00", anonymous="a-4"),
        page(14, "12:00:05", anonymous="a-4", name="cta_clicked", properties={"cta_id": "apply"}),
    ]])  # fmt: skip
    rows = warehouse.client.query(
        "SELECT person_id, channel, utm_campaign, pages, events, engaged_s, deepest_scroll,"
        " sections_seen, variants_seen, guide_entry, guide_section, guide_logged_in, logged_in,"
        " bounced, ctas_clicked FROM sessions ORDER BY person_id"
    ).result_rows
    assert [tuple(row) for row in rows] == [
        ("a-3", "direct", "", 1, 2, 9.999, 0, [], [], "", "", False, False, True, []),
        ("a-4", "direct", "", 1, 2, 0, 0, [], [], "", "", False, False, False, ["apply"]),
        (
            "kim", "paid_search", "autumn", 2, 9, 9.5, 75, ["div"], ["guide:b"], "youtube", "div",
            False, True, False, [],
        ),
    ]  # fmt: skip
