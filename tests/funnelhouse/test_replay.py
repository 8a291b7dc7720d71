import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine

SHIPPED = Path(__file__).parents[2] / "schemas"
REJECTED = "SELECT count() AS n FROM rejected_events WHERE sent_name = 'Mentor Met'"
RECEIVED = "SELECT received_at FROM rejected_events WHERE sent_name = 'Mentor Met' ORDER BY arrival"
LANDED = """
    SELECT toString(event_id) AS id, received_at, event_name, properties
    FROM events WHERE sent_name = 'Mentor Met' ORDER BY arrival
"""
LEDGER = """
    SELECT source, minute, received, loaded, rejected, duplicate, unaccounted
    FROM ledger_minutely WHERE source = 'backend' ORDER BY minute
"""
UNKNOWN = "SELECT count() AS n FROM rejected_events WHERE reason = 'unknown_event'"


@pytest.fixture
def mended(tmp_path: Path) -> Path:
    """Give the shipped plan with the event that it lacks, its mail a personal field."""
    for name in ("events", "funnels"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "funnelhouse:events/application/mentor_met/1-0-0",
        "title": "Mentor met",
        "description": "An applicant met a mentor.",
        "type": "object",
        "properties": {
            "minutes": {"type": "integer", "minimum": 0, "maximum": 600},
            "mail": {"type": "string", "format": "email", "maxLength": 50, "x-personal": True},
        },
        "required": ["minutes"],
        "examples": [{"minutes": 30}],
    }
    path = tmp_path / "events" / "application" / "mentor_met" / "1-0-0.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(orjson.dumps(document))
    return tmp_path


def number(product: RunningProduct, statement: str) -> int:
    """The one number that a statement gives."""
    return int(product.sql(statement)[0]["n"])


def test_lands_once(product: RunningProduct, running: CommandLine, mended: Path) -> None:
    """After the plan is mended rejected events land once, with the time of their first receipt.

    What still breaks the plan stays; a dry run and a second replay change nothing; of two copies
    the first received counts; and the ledger reconciles.
    """

    def send(minutes: object, message_id: str | None) -> None:
        call: dict[str, Any] = {
            "event": "Mentor Met",
            "userId": "u",
            "properties": {"minutes": minutes},
        }
        call |= {"messageId": message_id} if message_id else {}
        assert product.post("/v1/track", call, auth=("app", "")).status_code == 200

    for minutes, message_id in ((30, "one"), (45, "one"), (20, None), ("long", "wrong")):
        send(minutes, message_id)
    product.wait_visible(lambda: number(product, REJECTED) == 4)
    times = [row["received_at"] for row in product.sql(RECEIVED)]
    unknown = number(product, UNKNOWN)
    replay = ("replay", "--plan", str(mended))
    unmended, told, other = running.outs(
        ("replay", "--reason", "unknown_event"),
        (*replay, "--dry-run"),
        (*replay, "--dry-run", "--event", "Nobody's"),
    )
    assert f"0 of {unknown}" in unmended.splitlines()[0]
    assert f"unknown_event: 3 of {unknown} pass now" in told
    assert "  Mentor Met at $.event: 3 of 4" in told
    assert "0 of 0 rejected events" in other
    assert product.sql(LANDED) == []

    running.each(replay, replay)
    product.wait_visible(lambda: number(product, REJECTED) == 1)
    landed = product.sql(LANDED)
    assert [row["received_at"] for row in landed] == [times[0], times[2]]
    assert [row["properties"] for row in landed] == ['{"minutes":30}', '{"minutes":20}']
    assert {row["event_name"] for row in landed} == {"mentor_met"}

    running.run(*replay)
    send(30, "one")
    product.wait_visible(lambda: number(product, REJECTED) == 2)
    running.run(*replay)
    product.wait_visible(lambda: number(product, REJECTED) == 1)
    assert product.sql(LANDED) == landed
    ledger = product.sql(LEDGER)
    sums = {name: sum(int(row[name]) for row in ledger) for name in list(ledger[0])[2:]}
    assert sums["received"] == sums["loaded"] + sums["rejected"] + sums["duplicate"]
    assert {int(row["unaccounted"]) for row in ledger} == {0}
    assert sums["rejected"] >= 1
    assert sums["duplicate"] >= 2


def test_reason_is_chosen(running: CommandLine, mended: Path) -> None:
    """Only events of the reason asked for are judged again."""
    told = running.out("replay", "--plan", str(mended), "--reason", "from_future", "--dry-run")
    assert told == "0 of 0 rejected events would land.\n"
