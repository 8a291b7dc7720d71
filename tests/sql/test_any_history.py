"""Histories of any kind, told to the warehouse and to a naive reference of a few lines."""

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
STAGES = {rule.stage for rule in COURSE}
COPIES = st.builds(
    dict,
    id=st.integers(1, 4),
    name=st.sampled_from(["applied", "passed", "joined", "withdrawn", "elsewhere"]),
    at=st.sampled_from(
        ["2024-08-04 23:59:59", "2024-08-05 00:00:00", "2024-08-11 15:00:00", "2024-08-12 08:00:00"]
    ),
    user=st.sampled_from(["kim", "lee", ""]),
    anonymous=st.sampled_from(["a", "b"]),
    source=st.sampled_from(["web", "app"]),
    track=st.sampled_from(["kotlin", "node"]),
    product=st.sampled_from(["camp", "camp", "other"]),
    agent=st.sampled_from(["", "", BOT]),
)


@st.composite
def loads(draw: st.DrawFn) -> list[list[Told]]:
    """Draw copies that came one second after the other, loaded in any order in some loads."""
    copies = draw(st.lists(COPIES, min_size=1, max_size=12))
    told = [Told(came=7 * second, **copy) for second, copy in enumerate(copies)]
    told = draw(st.permutations(told))
    cut = draw(st.integers(1, len(told)))
    return [told[start : start + cut] for start in range(0, len(told), cut)]


def first_copies(told: list[Told]) -> list[Told]:
    """Keep of each event the copy that came first."""
    first: dict[tuple[str, int], Told] = {}
    for copy in sorted(told, key=lambda copy: copy.came):
        first.setdefault((copy.source, copy.id), copy)
    return list(first.values())


def person(copy: Told, first: list[Told]) -> str:
    """Give an event's user, or else that of its device's next login, or of the one before."""
    if copy.user:
        return copy.user
    logins = [login for login in first if login.user and login.anonymous == copy.anonymous]
    logins.sort(key=lambda login: (login.at, login.came))
    later = [login for login in logins if login.at >= copy.at]
    return (later[:1] or logins[-1:] or [Told(id=0, came=0, name="", user=copy.anonymous)])[0].user


def entries(told: list[Told]) -> dict[tuple[str, str, str], datetime]:
    """Find when each person reached each stage first, by track, stage and person."""
    found: dict[tuple[str, str, str], datetime] = {}
    first = first_copies(told)
    for copy in first:
        if copy.name in STAGES and copy.product == "camp" and not copy.agent:
            key = (copy.track, copy.name, person(copy, first))
            at = datetime.fromisoformat(copy.at)
            found[key] = min(at, found.get(key, at))
    return found


def monday(day: date) -> date:
    """Return the first day of a day's week."""
    return day - timedelta(days=day.weekday())


@pytest.fixture(scope="module")
def course(warehouse: PreparedWarehouse) -> PreparedWarehouse:
    """Give the warehouse with the funnel `course` alone."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    return warehouse


@pytest.mark.usefixtures("rounds")
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(loads())
def test_views_agree_with_a_naive_reference(
    course: PreparedWarehouse, tmp_path: Path, history: list[list[Told]]
) -> None:
    """Whatever came in whatever loads, events, duplicates, ledger, entries and weeks are right."""
    course.empty()
    Road(course.place, tmp_path).load(history)
    told = [copy for load in history for copy in load]
    query = course.client.query
    first = first_copies(told)
    assert sorted(query("SELECT source, toUInt128(event_id), arrival FROM events").result_rows) == (
        sorted((copy.source, copy.id, copy.arrival) for copy in first)
    )
    later = sorted(copy.arrival for copy in told if copy not in first)
    copies = query("SELECT arrival FROM duplicate_events ORDER BY 1").result_rows
    assert [arrival for (arrival,) in copies] == later
    ledger = "SELECT sum(received), sum(loaded), sum(duplicate), sum(abs(unaccounted))"
    counts = (len(told), len(first), len(later), 0)
    assert query(f"{ledger} FROM ledger_minutely").result_rows == [counts]
    expected = entries(told)
    found = query(
        "SELECT track, stage, person_id, toTimeZone(entered_at, 'Asia/Seoul') FROM stage_entries"
    ).result_rows
    assert {row[:3]: row[3].replace(tzinfo=None) for row in found} == expected
    weeks = Counter((track, stage, monday(at.date())) for (track, stage, _), at in expected.items())
    found = query("SELECT track, stage, week, entries FROM funnel_weekly WHERE entries > 0")
    assert {row[:3]: row[3] for row in found.result_rows} == weeks
