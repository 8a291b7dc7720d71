"""Who stands where, now and at any moment: the team's notes, closed intakes, a counted crowd."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import PreparedWarehouse
from tests.sql.crowd import INTAKES, SEEDS, Crowd, day_of, gathered, quantile
from tests.sql.history import COURSE, SEOUL, Road, Told, bring
from tests.sql.reference import Reached

NOTED = datetime.fromisoformat("2024-07-01 10:00:00")
"""When the team counted its residents."""

HOLDERS_DWELL = (1, 3, 8, 12, 15, 20, 25, 35)
OTHERS_DWELL = (*range(18), 35)
BY_OCCUPATION = {
    "취준생": (78, 11, 6, 15),
    "직장인·프리랜서": (25, 3, 2, 2),
    "학생": (31, 3, 0, 2),
    "unknown": (1, 0, 0, 0),
}
"""Residents over first application, document pass, Slack with the card, Slack without."""

MOMENTS = (
    "2024-07-29 00:00:00",
    "2024-08-04 23:59:59.999999",
    "2024-08-05 00:00:00",
    "2024-08-13 09:00:00",
    "2024-08-18 23:59:59.999999",
    "2024-08-19 00:00:00",
    "2024-09-30 00:00:00",
)


def applicant(number: int, occupation: str, way: list[str], dwell: int, card: str) -> list[Told]:
    """Tell of one who came to each stage of a way, a day apart, and stands at the last."""
    since = NOTED - timedelta(days=dwell)
    known = {"occupation": occupation} if occupation != "unknown" else {}
    return [
        Told(
            id=10 * number + nth,
            came=10 * number + nth,
            name=name,
            at=str(since - timedelta(days=len(way) - 1 - nth)),
            user=f"applicant-{number}",
            product="nbcamp",
            properties=known | ({"card_holder": card == "true"} if card else {}),
        )
        for nth, name in enumerate(way)
    ]


def noted() -> list[Told]:
    """Tell of everybody in the team's notes."""
    applied, passed, joined = "first_application_submitted", "document_passed", "slack_joined"
    numbers = count(1)
    dwells = {"true": iter(HOLDERS_DWELL), "false": iter(OTHERS_DWELL)}
    history = []
    for occupation, residents in BY_OCCUPATION.items():
        ways = [([applied], ""), ([applied, passed], "")]
        ways += [([applied, passed, joined], card) for card in ("true", "false")]
        for (way, card), people in zip(ways, residents, strict=True):
            for _ in range(people):
                dwell = next(dwells[card]) if card else 2
                history += applicant(next(numbers), occupation, way, dwell, card)
    return history


@pytest.fixture(scope="module")
def notes(
    warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PreparedWarehouse]:
    """Give the warehouse with the shipped funnels and the people of the team's notes."""
    warehouse.empty()
    history = noted()
    Road(warehouse.place, tmp_path_factory.mktemp("notes")).load([history[::2], history[1::2]])
    yield warehouse
    warehouse.empty()


@pytest.mark.parametrize(
    "view", ["funnel_residents_at(at = '2024-07-01 10:00:00')", "funnel_residents"]
)
def test_residents_by_occupation_are_those_of_the_notes(
    notes: PreparedWarehouse, view: str
) -> None:
    """Each occupation stands where the notes say, and one who named none under `unknown`."""
    found = notes.client.query(
        "SELECT segment, sumIf(residents, stage = 'first_applied'),"
        " sumIf(residents, stage = 'document_passed'),"
        " sumIf(residents, stage = 'slack_joined' AND card_holder = 'true'),"
        " sumIf(residents, stage = 'slack_joined' AND card_holder = 'false')"
        f" FROM {view} WHERE funnel = 'bootcamp_short' GROUP BY segment"
    ).result_rows
    assert {segment: tuple(residents) for segment, *residents in found} == BY_OCCUPATION
    assert sum(residents for _, residents, *_ in found) == 135


def test_dwell_at_slack_is_that_of_the_notes(notes: PreparedWarehouse) -> None:
    """Eight holders of the card stand in Slack for 14.875 days on average, 19 others for 9.89."""
    found = notes.client.query(
        "SELECT card_holder, sum(residents), sum(dwell_days_total) / sum(residents)"
        " FROM funnel_residents_at(at = '2024-07-01 10:00:00')"
        " WHERE funnel = 'bootcamp_short' AND stage = 'slack_joined'"
        " GROUP BY card_holder ORDER BY card_holder"
    ).result_rows
    assert found == [("false", 19, 188 / 19), ("true", 8, 14.875)]
    assert round(188 / 19, 2) == 9.89


def test_the_audience_of_a_message_are_the_residents(notes: PreparedWarehouse) -> None:
    """The list names each of them once, with what a message goes by."""
    found = notes.client.query(
        "SELECT person_id, dwell_days, toDate(entered_at, 'Asia/Seoul') FROM"
        " funnel_residents_list_at(at = '2024-07-01 10:00:00')"
        " WHERE funnel = 'bootcamp_short' AND stage = 'slack_joined' AND card_holder = 'true'"
    ).result_rows
    assert len({person for person, _, _ in found}) == 8
    assert sorted(dwell for _, dwell, _ in found) == list(HOLDERS_DWELL)
    assert all((NOTED.date() - day).days == dwell for _, dwell, day in found)


@pytest.fixture
def course(warehouse: PreparedWarehouse) -> PreparedWarehouse:
    """Give the warehouse, emptied, to bring a plan into."""
    warehouse.empty()
    return warehouse


def standing(client: Any, at: str, view: str = "funnel_residents_at") -> list[tuple[Any, ...]]:
    """Read stage, track, intake and number of the residents at a moment."""
    rows = client.query(
        f"SELECT stage, track, cohort, residents FROM {view}(at = '{at}') ORDER BY ALL"
    ).result_rows
    return [tuple(row) for row in rows]


def test_a_closed_intake_has_no_residents(course: PreparedWarehouse, tmp_path: Path) -> None:
    """From its first day to its last one an intake has residents, in Seoul's days."""
    days = ("course", 1, "kotlin", "6", date(2024, 8, 5), date(2024, 8, 7))
    bring(course.client, COURSE, intakes=[days])
    told = [
        Told(id=1, came=1, name="applied", user="kim", cohort="6", at="2024-08-04 12:00:00"),
        Told(id=2, came=2, name="applied", user="lee", cohort="6", at="2024-08-07 12:00:00"),
        Told(
            id=3,
            came=3,
            name="applied",
            user="choi",
            cohort="6",
            track="",
            at="2024-08-04 12:00:00",
        ),
        Told(id=4, came=4, name="applied", user="park", cohort="7", at="2024-08-04 12:00:00"),
        Told(id=5, came=5, name="applied", user="jung", track="node", cohort="6"),
    ]
    Road(course.place, tmp_path).load([told])
    kotlin, nobody_told = ("applied", "kotlin", "6"), ("applied", "", "6")
    other = ("applied", "kotlin", "7", 1)
    node = ("applied", "node", "6", 1)
    expected = {
        "2024-08-04 23:59:59.999999": [other],
        "2024-08-05 00:00:00": [(*nobody_told, 1), (*kotlin, 1), other],
        "2024-08-07 23:59:59.999999": [(*nobody_told, 1), (*kotlin, 2), other, node],
        "2024-08-08 00:00:00": [other, node],
    }
    assert {at: standing(course.client, at) for at in expected} == expected
    now = "SELECT person_id FROM funnel_residents_list ORDER BY 1"
    assert course.client.query(now).result_rows == [("jung",), ("park",)]


def test_who_names_the_track_later_stands_there_alone(
    course: PreparedWarehouse, tmp_path: Path
) -> None:
    """An entry without track or intake is over when one into the same stage tells more."""
    bring(course.client, COURSE)
    told = [
        Told(id=1, came=1, name="applied", user="kim", track="", at="2024-08-05 12:00:00"),
        Told(id=2, came=2, name="applied", user="kim", at="2024-08-06 12:00:00"),
        Told(
            id=3, came=3, name="applied", user="kim", track="", cohort="6", at="2024-08-07 12:00:00"
        ),
        Told(id=4, came=4, name="applied", user="kim", cohort="6", at="2024-08-08 12:00:00"),
        # the fuller one came first
        Told(id=5, came=5, name="applied", user="lee", track="node", at="2024-08-05 12:00:00"),
        Told(id=6, came=6, name="applied", user="lee", track="", at="2024-08-06 12:00:00"),
    ]
    Road(course.place, tmp_path).load([told[::-1]])
    lee = ("applied", "node", "", 1)
    expected = {
        "2024-08-05 13:00:00": [("applied", "", "", 1), lee],
        "2024-08-06 13:00:00": [("applied", "kotlin", "", 1), lee],
        "2024-08-07 13:00:00": [("applied", "", "6", 1), ("applied", "kotlin", "", 1), lee],
        "2024-08-08 13:00:00": [("applied", "kotlin", "6", 1), lee],
    }
    assert {at: standing(course.client, at) for at in expected} == expected


class Resident(NamedTuple):
    """A person who stands at a stage, as the list shows it; the entry's time in microseconds."""

    funnel: str
    funnel_version: int
    track: str
    cohort: str
    stage_position: int
    stage: str
    segment: str
    card_holder: str
    channel: str
    person_id: str
    known: bool
    entered_at: int
    dwell_days: int


def residents(crowd: Crowd, at: int) -> Iterator[Resident]:
    """Find, of all that anybody had reached until a moment, where they stood."""
    for (funnel, version, (person, known)), reached in crowd.journeys.items():
        moves = [one for one in reached if one.time <= at and one.rule.kind != "measure"]
        first: dict[Any, Reached] = {}
        for one in moves:
            if one.rule.kind == "step":
                first.setdefault((one.rule.stage_position, one.sorting), one)
        for one in first.values():
            intake_open = is_open((funnel, version, *one.sorting), day_of(at))
            if intake_open and not any(ends(other, one) for other in moves):
                yield Resident(
                    funnel=funnel,
                    funnel_version=version,
                    track=one.sorting[0],
                    cohort=one.sorting[1],
                    stage_position=one.rule.stage_position,
                    stage=one.rule.stage,
                    segment=one.segment or "unknown",
                    card_holder=one.card_holder,
                    channel=one.channel,
                    person_id=person,
                    known=known,
                    entered_at=one.time,
                    dwell_days=(day_of(at) - day_of(one.time)).days,
                )


def ends(other: Reached, one: Reached) -> bool:
    """Tell whether somebody stands at a step no more once they have reached something else."""
    further = other.rule.stage_position > one.rule.stage_position
    same = other.rule.stage_position == one.rule.stage_position
    return other.together(one) and (
        other.rule.kind != "step" or further or (same and other.tells_more(one))
    )


def is_open(entry: tuple[str, int, str, str], day: date) -> bool:
    """Tell whether the intake of an entry is open on a day."""
    funnel, version, track, cohort = entry
    spans = [
        (opens, closes)
        for of_funnel, of_version, of_track, of_cohort, opens, closes in INTAKES
        if (of_funnel, of_version, of_cohort) == (funnel, version, cohort)
        and (of_track == track or "" in {of_track, track})
    ]
    return not spans or min(spans)[0] <= day <= max(closes for _, closes in spans)


@pytest.fixture(scope="module", params=SEEDS)
def crowd(
    request: pytest.FixtureRequest,
    warehouse: PreparedWarehouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> Crowd:
    """Load a random crowd."""
    return gathered(warehouse, tmp_path_factory.mktemp("crowd"), request.param)


def in_force(one: Resident, at: str) -> bool:
    """Tell whether reports of a moment go by the version under which somebody stands there."""
    return one.funnel != "course" or (one.funnel_version == 2) == (at >= "2025")


def microseconds(at: str) -> int:
    """Give the microseconds since the epoch of Seoul's wall clock."""
    since = datetime.fromisoformat(at).replace(tzinfo=SEOUL)
    return (since - datetime.fromisoformat("1970-01-01 00:00+00:00")) // timedelta(microseconds=1)


@pytest.mark.parametrize("at", [*MOMENTS, "2025-02-01 00:00:00"])
def test_the_list_names_who_stands_where(
    crowd: Crowd, warehouse: PreparedWarehouse, at: str
) -> None:
    """At any moment each stands where what they had reached by then puts them."""
    columns = ", ".join(Resident._fields).replace(
        "entered_at", "toUnixTimestamp64Micro(entered_at)"
    )
    rows = warehouse.client.query(f"SELECT {columns} FROM funnel_residents_list_at(at = '{at}')")
    found = sorted(Resident(*row) for row in rows.result_rows)
    expected = [one for one in residents(crowd, microseconds(at)) if in_force(one, at)]
    assert found == sorted(expected)
    assert found or at == MOMENTS[0]


@pytest.mark.parametrize("at", MOMENTS)
def test_groups_of_residents_add_up(crowd: Crowd, warehouse: PreparedWarehouse, at: str) -> None:
    """Each group has the number, the mean, the median and the p90 of its residents' dwell."""
    groups = defaultdict(list)
    for one in residents(crowd, microseconds(at)):
        key = (one.funnel, one.funnel_version, in_force(one, at), "camp", one.track, one.cohort)
        groups[(*key, one.stage, one.segment, one.card_holder)].append(float(one.dwell_days))
    expected = {
        key: (len(days), sum(days), sum(days) / len(days), quantile(days, 0.5), quantile(days, 0.9))
        for key, days in groups.items()
    }
    rows = warehouse.client.query(
        "SELECT funnel, funnel_version, in_force, product, track, cohort, stage, segment,"
        " card_holder, residents, dwell_days_total, dwell_days_mean, dwell_days_median,"
        f" dwell_days_p90 FROM funnel_residents_versions_at(at = '{at}')"
    ).result_rows
    assert {row[:9]: row[9:] for row in rows} == {
        key: pytest.approx(figures) for key, figures in expected.items()
    }
    plain = warehouse.client.query(
        f"SELECT sum(residents) FROM funnel_residents_at(at = '{at}')"
    ).result_rows
    assert plain == [(sum(len(days) for key, days in groups.items() if key[2]),)]


def test_who_has_just_come_is_there(course: PreparedWarehouse, tmp_path: Path) -> None:
    """Who entered a minute ago, by the clock of reports, resides there in all the views of now."""
    bring(course.client, COURSE)
    at = str((datetime.now(SEOUL) - timedelta(minutes=1)).replace(tzinfo=None))
    Road(course.place, tmp_path).load([[Told(id=1, came=1, name="applied", user="kim", at=at)]])
    asked = "SELECT count() FROM funnel_residents"
    for view in (asked, f"{asked}_versions", f"{asked}_list"):
        assert course.client.query(view).result_rows == [(1,)]


def test_now_is_a_moment_as_any(crowd: Crowd, warehouse: PreparedWarehouse) -> None:
    """The views of now show what those of moments show of this one, by the versions of today."""

    def read(name: str) -> list[Any]:
        return list(warehouse.client.query(f"SELECT * FROM {name} ORDER BY ALL").result_rows)

    for view in ("funnel_residents", "funnel_residents_versions", "funnel_residents_list"):
        # Somebody's day may end in between.
        before, now, after = datetime.now(SEOUL), read(view), datetime.now(SEOUL)
        moments = (before, after + timedelta(seconds=1))
        assert now in [read(f"{view}_at(at = '{at:%Y-%m-%d %H:%M:%S}')") for at in moments]
        assert now
    versions = warehouse.client.query(
        "SELECT DISTINCT funnel, funnel_version FROM funnel_residents ORDER BY ALL"
    )
    assert versions.result_rows == [("course", 2), ("tour", 1)]
