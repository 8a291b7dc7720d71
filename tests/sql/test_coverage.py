"""What arrived held against what the plan expects: there, missing, broken, and why."""

from pathlib import Path
from typing import Any

import pytest

from funnelhouse.sql.runs import start_run
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, Road, Told, bring

DAY = "run = '', since = '2024-08-19 09:00:00', until = '2024-08-20 09:00:00'"
"""The day that begins with the receipt of the event with `came` 0."""


def expects(event: str, **changes: Any) -> tuple[Any, ...]:
    """Return a row of what the plan expects at the place `course`."""
    row: dict[str, Any] = {
        "coverage": "course",
        "position": 1,
        "title": "Course",
        "title_ko": "과정",
        "pages": ["camp.example/course%"],
        "source": "web",
        "event": event,
        "properties": [],
        "from_release": "",
        "experiment": "",
        "variants": [],
        "at_least": 0,
        "heartbeat": False,
        "opens": 0,
        "closes": 24,
        "step": 0,
    }
    return tuple((row | changes).values())


def of(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Return some columns of rows."""
    return [tuple(row[name] for name in names) for row in rows]


@pytest.fixture
def seen(warehouse: PreparedWarehouse, tmp_path: Path) -> Any:
    """Give the rows of a view by event, after a history was loaded under an expectation."""

    def asked(
        expected: list[tuple[Any, ...]],
        history: list[Told],
        view: str = "coverage",
        within: str = DAY,
    ) -> list[dict[str, Any]]:
        warehouse.empty()
        planned = [(name, "course", "1-0-0", ["fee", "track"], []) for name in EVENTS]
        bring(warehouse.client, COURSE, coverage=expected, events=planned)
        Road(warehouse.place, tmp_path).load([history])
        rows = warehouse.client.query(f"SELECT * FROM {view}_between({within})")
        return [dict(zip(rows.column_names, row, strict=True)) for row in rows.result_rows]

    return asked


EVENTS = ("viewed", "applied", "passed", "joined", "experiment_viewed")


def told(number: int, name: str, **more: Any) -> Told:
    """Return an event on the course's page of a device of its own."""
    plain = {"anonymous": f"d{number}", "came": number, "path": "/course/kotlin", "product": None}
    return Told(**{"id": number, "name": name} | plain | more)


def test_there_missing_and_elsewhere(seen: Any) -> None:
    """An event on the page is there; one that comes from another page or source is missing."""
    rows = seen(
        [expects("viewed"), expects("applied", position=2), expects("passed", position=3)],
        [
            told(1, "viewed"),
            told(2, "applied", path="/other"),
            told(3, "passed", source="app"),
            told(4, "viewed", came=100_000),
        ],
    )
    assert [(row["event"], row["status"], row["events"]) for row in rows] == [
        ("viewed", "there", 1),
        ("applied", "missing", 0),
        ("passed", "missing", 0),
    ]


def test_a_copy_counts_once(seen: Any) -> None:
    """Copies of an event are one, be they in one load."""
    (row,) = seen([expects("viewed")], [told(1, "viewed"), told(1, "viewed", came=7)])
    assert row["events"] == 1


def test_a_bot_covers_nothing(seen: Any) -> None:
    """What a bot sends does not count."""
    (row,) = seen([expects("viewed")], [told(1, "viewed", agent="Googlebot/2.1")])
    assert row["status"] == "missing"


@pytest.mark.parametrize(
    ("expectation", "history", "why"),
    [
        (
            {"properties": ["fee", "track"]},
            [told(1, "viewed", properties={"fee": None}), told(2, "viewed", properties={"fee": 1})],
            "without fee",
        ),
        (
            {},
            [
                told(1, "viewed"),
                told(2, "viewed", reason="schema", why=("$.properties.fee", "is not a number")),
            ],
            "1 of 2 are rejected, the last for schema at $.properties.fee",
        ),
        (
            {"heartbeat": True, "opens": 10, "closes": 13},
            [told(1, "viewed", came=3600 + 1), told(2, "viewed", came=3 * 3600 + 1)],
            "1 hours of service without one",
        ),
        ({"at_least": 3}, [told(1, "viewed"), told(2, "viewed")], "2 came, at least 3 should"),
    ],
)
def test_broken_and_why(
    seen: Any, expectation: dict[str, Any], history: list[Told], why: str
) -> None:
    """A property that is missing, rejections, silent hours and too few are told apart."""
    (row,) = seen([expects("viewed", **expectation)], history)
    assert (row["status"], row["why"]) == ("broken", why)


def test_steps_in_the_wrong_order(seen: Any) -> None:
    """Where most devices have the later step first, it is broken; one alone does not matter."""
    both = [expects("viewed", step=1), expects("applied", position=2, step=2)]
    first = {"at": "2024-08-05 12:00:00"}
    later = {"at": "2024-08-05 12:01:00"}
    right = [
        told(1, "viewed", anonymous="a", **first),
        told(2, "applied", anonymous="a", **later),
    ]
    wrong = [
        told(number + n, name, anonymous=who, **at)
        for number, who in ((10, "b"), (20, "c"))
        for n, (name, at) in enumerate((("applied", first), ("viewed", later)))
    ]
    assert [row["status"] for row in seen(both, right)] == ["there", "there"]
    rows = seen(both, right + wrong)
    assert [(row["status"], row["why"]) for row in rows] == [
        ("there", ""),
        ("broken", "it comes before the step before it"),
    ]


def test_a_later_release_is_awaited(seen: Any) -> None:
    """Before any event of the release comes, nothing is missing; 1.10 is later than 1.9."""
    expected = [expects("viewed"), expects("applied", position=2, from_release="1.10")]
    before = seen(expected, [told(1, "viewed", release="1.9.3")])
    assert [row["status"] for row in before] == ["there", "unreleased"]
    after = seen(expected, [told(1, "viewed", release="1.10.0")])
    assert [row["status"] for row in after] == ["there", "missing"]


def test_a_renamed_event_is_pointed_to(seen: Any) -> None:
    """The name that came instead of a missing one is told, though it was rejected."""
    (row,) = seen(
        [expects("applied")],
        [told(n, "appliedNow", reason="unknown_event") for n in range(3)]
        + [told(9, "zzz", reason="unknown_event")],
    )
    assert (row["status"], row["instead"]) == ("missing", "appliedNow")
    unplanned = seen(
        [expects("applied")],
        [told(n, "aplied", reason="unknown_event") for n in range(3)],
        "unplanned_events",
    )
    assert [(row["sent_name"], row["events"], row["nearest"]) for row in unplanned] == [
        ("aplied", 3, "applied")
    ]


def test_a_silent_variant(seen: Any) -> None:
    """Where one variant's devices never send an event that others' do, it is silent there."""
    shown = [
        told(
            n,
            "experiment_viewed",
            properties={"experiment_id": "form", "variation_id": "ab"[n % 2]},
        )
        for n in range(40)
    ]
    sent = [told(100 + n, "applied", anonymous=f"d{n}") for n in range(0, 40, 2)]
    expected = [expects("applied", experiment="form", variants=["a", "b"])]
    (row,) = seen(expected, shown + sent)
    assert (row["status"], row["why"]) == ("broken", "silent in variant b")
    variants = seen(expected, shown + sent, "coverage_by_variant")
    assert [
        (row["variant"], row["devices"], row["devices_with_event"], row["status"])
        for row in variants
    ] == [
        ("a", 20, 20, "there"),
        ("b", 20, 0, "silent"),
    ]
    few = [one for one in shown + sent if one.anonymous in ("d0", "d1")]
    assert seen(expected, few)[0]["status"] == "there"
    rare = shown + sent[:1]
    assert [row["status"] for row in seen(expected, rare, "coverage_by_variant")] == [
        "there",
        "not seen",
    ]


def test_a_run_sees_its_own(seen: Any, warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """Coverage of a run knows the run's events alone, rejected ones among them."""
    warehouse.client.command("TRUNCATE TABLE runs_raw")
    (row,) = seen([expects("viewed")], [told(1, "viewed", run="never")])
    assert row["events"] == 1
    start_run(warehouse.client, "r1", 60)
    ((now,),) = warehouse.client.query("SELECT toUnixTimestamp(now()) - 1724025600").result_rows
    mine = [
        told(1, "viewed", came=now + 1, run="r1"),
        told(1, "viewed", came=now + 2, run="r1"),
        told(2, "viewed", came=now + 1, run="r1", reason="schema"),
    ]
    Road(warehouse.place, tmp_path / "again").load([mine])
    kept = "SELECT reason, count() FROM run_events GROUP BY reason ORDER BY reason"
    assert warehouse.client.query(kept).result_rows == [("", 1), ("schema", 1)]
    within = "run = 'r1', since = '1970-01-02', until = '2200-01-01'"
    rows = warehouse.client.query(f"SELECT events, rejected FROM coverage_between({within})")
    assert rows.result_rows == [(1, 1)]
    assert warehouse.client.query("SELECT count() FROM events").result_rows == [(1,)]
    assert warehouse.client.query("SELECT count() FROM rejected_events").result_rows == [(0,)]
    assert warehouse.client.query(
        "SELECT sum(received), sum(abs(unaccounted)) FROM ledger_minutely"
    ).result_rows == [(4, 0)]


def test_fill_and_rejections(seen: Any) -> None:
    """Shares of properties with a value, and rejections grouped with an example."""
    history = [
        told(1, "viewed", release="1", properties={"fee": 3}),
        told(2, "viewed", release="1", properties={"fee": ""}),
        told(3, "viewed", release="2", properties={"other": False}),
        told(4, "viewed", release="2", reason="schema", why=("$.properties.fee", "too low")),
    ]
    rows = seen([expects("viewed")], history, "property_fill")
    assert [
        (r["release"], r["property"], r["described"], r["filled"], r["events"]) for r in rows
    ] == [
        ("1", "fee", 1, 1, 2),
        ("1", "track", 1, 2, 2),
        ("2", "fee", 1, 0, 1),
        ("2", "other", 0, 1, 1),
        ("2", "track", 1, 1, 1),
    ]
    (row,) = seen([expects("viewed")], history, "rejections")
    assert (row["reason"], row["path"], row["events"]) == ("schema", "$.properties.fee", 1)
    assert (row["release"], row["page_host"], row["page_path"]) == (
        "2",
        "camp.example",
        "/course/kotlin",
    )
    releases = seen([expects("viewed")], history, "coverage_by_release")
    assert of(releases, "release", "events", "rejected", "devices") == [
        ("1", 2, 0, 2),
        ("2", 1, 1, 1),
    ]


def test_anomalies_of_volume(seen: Any) -> None:
    """An hour far from that of the weeks before is told, silence too; the usual one is not."""
    week = 7 * 24 * 3600
    history = [
        told(10_000 * w + 100 * k + n, name, came=60 + n - w * week, anonymous=f"p{n}")
        for k, (name, counts) in enumerate(
            (
                ("viewed", (30, 31, 29, 30, 32)),
                ("applied", (5, 40, 42, 38, 41)),
                ("passed", (0, 30, 30, 30, 30)),
                ("joined", (90, 30, 30, 30, 30)),
            )
        )
        for w, count in enumerate(counts)
        for n in range(count)
    ]
    within = "since = '2024-08-19 09:00:00', until = '2024-08-19 10:00:00'"
    rows = seen([expects("viewed")], history, "volume_anomalies", within)
    assert of(rows, "event_name", "events", "expected", "status") == [
        ("applied", 5, 40.25, "low"),
        ("joined", 90, 30, "high"),
        ("passed", 0, 30, "silent"),
    ]
