from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from funnelhouse.ingest.loader.tables import (
    event_table,
    received_table,
    refused,
    rejected_table,
    rows_of,
    taken_back_table,
)
from funnelhouse.ingest.log.row import Row
from funnelhouse.ingest.log.segment import Frame, read_segment
from funnelhouse.ingest.validation.rejection import Reason
from tests.sql.history import Told, segment_of

ACCEPTED = Told(id=1, came=0.000001, name="applied", user="kim", at="2024-08-05 12:00:00")
REJECTED = Told(id=2, came=1, name="passed", user="lee", reason="schema")
REPLAYED = Told(id=3, came=2, name="joined", user="park", replayed=True)


def frames(*rows: Row, received: dict[str, int] | None = None) -> list[Frame]:
    """Return the frames of a segment of these rows."""
    return read_segment(segment_of(rows, received)).frames


def accepted(*told: Told) -> pa.Table:
    """Return the accepted rows among these."""
    return rows_of(frames(*(one.row() for one in told))).accepted


def test_rows_go_apart_by_outcome() -> None:
    """An accepted row stands in one table, a rejected one in the other."""
    rows = rows_of(frames(ACCEPTED.row(), REJECTED.row()))
    assert rows.accepted["event_name"].to_pylist() == ["applied"]
    assert rows.rejected["event_name"].to_pylist() == ["passed"]


def test_a_replayed_row_takes_its_rejection_back() -> None:
    """It lands as an event, and stands as replayed where it was rejected."""
    rows = rows_of(frames(REPLAYED.row(), ACCEPTED.row()))
    assert rows.accepted["event_name"].to_pylist() == ["joined", "applied"]
    (taken_back,) = taken_back_table(rows.accepted, set()).to_pylist()
    assert (taken_back["arrival"], taken_back["replayed"]) == (REPLAYED.arrival, 1)


def test_a_replayed_row_that_is_refused_takes_nothing_back() -> None:
    """The rejection stays when the warehouse refuses what was to replace it."""
    rows = rows_of(frames(ACCEPTED.row(), REPLAYED.row()))
    assert taken_back_table(rows.accepted, {1}).num_rows == 0


def test_rows_of_an_earlier_version_have_empty_fields() -> None:
    """What a version before had no column for is empty, or nothing where that may be."""
    lacking = ["arrival", "sent_at", "payload", "planned", "run"]
    (old,) = read_segment(segment_of([ACCEPTED.row()], lacking=lacking)).frames
    (row,) = rows_of([*frames(), old]).accepted.to_pylist()
    assert {name: row[name] for name in lacking} == {
        "arrival": 0,
        "sent_at": None,
        "payload": b"",
        "planned": False,
        "run": "",
    }
    assert row["event_name"] == "applied"


def test_rows_of_a_newer_version_are_no_rows_of_this_one() -> None:
    """What has a column that is not known here is not loaded without it."""
    (frame,) = frames(ACCEPTED.row())
    newer = frame.batch.append_column("mood", pa.array(["good"]))
    with pytest.raises(ValueError, match="rows of a newer version, with mood; start that version"):
        rows_of([replace(frame, batch=newer)])


def test_rows_of_many_frames_keep_their_order() -> None:
    """The order is that of the frames given, on which the parts of a load rest."""
    both = [*frames(ACCEPTED.row()), *frames(REPLAYED.row())]
    assert rows_of(both).accepted["event_name"].to_pylist() == ["applied", "joined"]


def test_no_frames_make_no_rows() -> None:
    """A load whose segments are damaged throughout inserts nothing."""
    rows = rows_of([])
    assert event_table(rows.accepted).num_rows == rejected_table(rows.rejected).num_rows == 0
    assert received_table([]).num_rows == 0


def test_received_counts_come_from_the_frames() -> None:
    """What a frame was received with is told by source and minute, whatever rows it holds."""
    counts = {"web|28733760": 5, "a|b|28733761": 2}
    (frame,) = frames(ACCEPTED.row(), received=counts)
    table = received_table([(Path("spool/1-a-1.arrow"), [frame])])
    minute = datetime(2024, 8, 19, tzinfo=UTC)
    assert table.to_pylist() == [
        {
            "segment": "1-a-1.arrow",
            "frame": frame.offset,
            "source": source,
            "minute": minute.replace(minute=past),
            "events": events,
        }
        for source, past, events in (("web", 0, 5), ("a|b", 1, 2))
    ]


def test_an_event_row_has_what_the_collector_noted() -> None:
    """Ids, times and names pass as they are; the time of receipt is read from the arrival."""
    (row,) = event_table(accepted(ACCEPTED)).to_pylist()
    noted = {
        "source": "web",
        "event_id": ACCEPTED.event_id.bytes,
        "arrival": ACCEPTED.arrival,
        "server": False,
        "event_time": datetime(2024, 8, 5, 3, tzinfo=UTC),
        "received_at": datetime(2024, 8, 19, 0, 0, 0, 1, tzinfo=UTC),
        "sent_at": None,
        "event_type": "track",
        "event_name": "applied",
        "sent_name": "applied",
        "schema_version": "1-0-0",
        "planned": True,
        "payload": ACCEPTED.row().payload,
    }
    assert {name: row[name] for name in noted} == noted


def test_an_event_row_has_what_is_derived() -> None:
    """Person and properties come from the payload, the properties byte for byte."""
    told = Told(id=1, came=0, name="applied", user="kim", raw_properties='{"b": 1.0, "a": 1e5}')
    (row,) = event_table(accepted(told)).to_pylist()
    assert (row["user_id"], row["properties"]) == ("kim", b'{"b": 1.0, "a": 1e5}')


def test_a_slice_of_rows_makes_the_same_events() -> None:
    """The parts of a load hold what the whole holds, row by row."""
    told = [Told(id=n, came=n, name="applied", user=f"{n}") for n in range(5)]
    whole = event_table(accepted(*told))
    parts = [event_table(accepted(*told).slice(*extent)) for extent in ((0, 2), (2, 3))]
    assert pa.concat_tables(parts).to_pylist() == whole.to_pylist()


def test_a_rejected_row_says_why() -> None:
    """Reason, path and detail stand beside what was sent."""
    row = REJECTED.row()._replace(path="$.properties.fee", detail="too much")
    (found,) = rejected_table(rows_of(frames(row)).rejected).to_pylist()
    assert (found["reason"], found["path"], found["detail"]) == (
        "schema",
        "$.properties.fee",
        "too much",
    )
    assert (found["payload"], found["arrival"]) == (row.payload, row.arrival)
    assert found["replayed"] == 0


@pytest.mark.parametrize("replayed", [False, True])
def test_a_refused_row_is_a_rejected_one(*, replayed: bool) -> None:
    """A row that the warehouse refuses keeps all it has, and gets the reason and the error."""
    told = Told(id=1, came=0, name="applied", user="kim", replayed=replayed)
    rows = refused(accepted(told), Reason.REFUSED_BY_WAREHOUSE, "Code 469")
    (found,) = rejected_table(rows).to_pylist()
    assert (found["reason"], found["path"], found["detail"]) == (
        "refused_by_warehouse",
        "$",
        "Code 469",
    )
    assert orjson.loads(found["payload"])["userId"] == "kim"
    assert found["replayed"] == 0


def test_rows_of_a_registered_run_stand_apart_while_it_lasts() -> None:
    """Those that name another run, or came before it began or after its end, are as all others."""
    first = ACCEPTED.arrival >> 12
    told = [
        Told(id=n, came=came, name="applied", user="kim", run=run, reason=reason)
        for n, (came, run, reason) in enumerate(
            [
                (0, "r1", ""),
                (1, "r1", ""),
                (2, "r1", "schema"),
                (2, "r2", ""),
                (2, "", ""),
                (5, "r1", ""),
            ]
        )
    ]
    span = (first + 999_999, first + 4_999_999)
    rows = rows_of(frames(*(one.row() for one in told)), lambda _: {"r1": span})
    assert rows.of_runs["arrival"].to_pylist() == [told[1].arrival, told[2].arrival]
    assert rows.rejected.num_rows == 0
    assert len(rows.accepted) == 4
