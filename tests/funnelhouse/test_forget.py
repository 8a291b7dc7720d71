"""A person is forgotten everywhere: tables, rejected events and spool; others are untouched."""

import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from funnelhouse.sql.forget import GATHERED
from funnelhouse.sql.personal_rows import TABLES
from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine
from tests.sql.history import Told, segment_of

LEDGER = "SELECT sum(received) AS r, sum(abs(unaccounted)) AS u FROM ledger_minutely"
ALL = """
    SELECT name FROM system.tables
    WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND total_rows > 0
"""


def call(name: str, **ids: Any) -> dict[str, Any]:
    """Return an event on the funnel of a bootcamp."""
    properties = {"product": "nbcamp", "track": "kotlin", "cta_id": "apply"}
    return {
        "type": "track",
        "event": name,
        "messageId": str(uuid4()),
        "properties": properties,
        **ids,
    }


def send(product: RunningProduct, *calls: dict[str, Any], **request: Any) -> None:
    """Send calls in one batch."""
    headers = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"}
    product.post("/v1/batch", {"batch": list(calls)}, auth=("dev", ""), headers=headers, **request)


def texts(product: RunningProduct) -> dict[str, str]:
    """Give all rows of each table as one text."""
    found = {}
    for row in product.sql(ALL):
        name = row["name"]
        (whole,) = product.sql(
            f"SELECT arrayStringConcat(groupArray(toString(tuple(*))), '\\n') AS t FROM `{name}`"
        )
        found[name] = whole["t"]
    return found


@pytest.fixture(scope="module")
def names(product: RunningProduct) -> dict[str, str]:
    """Send events of a person with two users and devices, and of another on one of the devices."""
    mark = uuid4().hex[:8]
    names = {one: f"{one}-{mark}" for one in ("kim", "kim2", "phone", "shared", "lee", "tablet")}
    twice = call("CTA Clicked", userId=names["kim"], anonymousId=names["phone"])
    broken = call("CTA Clicked", userId=names["kim"])
    del broken["properties"]["cta_id"]
    send(
        product,
        call("Page Viewed", anonymousId=names["phone"]),
        twice,
        twice,
        call("First Application Submitted", userId=names["kim"]),
        call("Document Passed", userId=names["kim2"]),
        {"type": "alias", "userId": names["kim2"], "previousId": names["kim"]},
        broken,
        call("Page Viewed", anonymousId=names["shared"], timestamp="2026-01-01T00:00:00Z"),
        call(
            "CTA Clicked",
            userId=names["kim"],
            anonymousId=names["shared"],
            timestamp="2026-01-01T00:00:01Z",
        ),
        call("Page Viewed", anonymousId=names["shared"], timestamp="2026-01-01T00:00:02Z"),
        call(
            "CTA Clicked",
            userId=names["lee"],
            anonymousId=names["shared"],
            timestamp="2026-01-01T00:00:03Z",
        ),
        call("First Application Submitted", userId=names["lee"]),
    )
    found = f"SELECT count() AS n FROM events WHERE user_id LIKE '%{mark}'"
    product.wait_visible(lambda: int(product.sql(found)[0]["n"]) == 7)
    return names


def test_forgotten_everywhere(
    product: RunningProduct, running: CommandLine, names: dict[str, str]
) -> None:
    """No table bears their ids; the other person's events stay, and the ledger adds up."""
    before = product.sql(
        "SELECT sum(received) AS r, sum(abs(unaccounted)) AS u FROM ledger_minutely"
    )
    send(product, call("CTA Clicked", userId=names["kim"]))
    told = running.out("forget", names["kim2"], "--yes")
    assert "No row with an id of theirs is left" in told
    assert "rejected_raw: 1 rows removed" in told
    for table, text in texts(product).items():
        for one in ("kim", "phone"):
            assert names[one] not in text, (table, one)
    lee = f"SELECT event_name FROM events WHERE user_id = '{names['lee']}' ORDER BY event_name"
    assert [row["event_name"] for row in product.sql(lee)] == [
        "cta_clicked",
        "first_application_submitted",
    ]
    shared = (
        f"SELECT event_time FROM events WHERE anonymous_id = '{names['shared']}' AND user_id = ''"
    )
    assert [row["event_time"][17:19] for row in product.sql(shared)] == ["02"]
    entries = f"SELECT stage FROM stage_entries WHERE person_id = '{names['lee']}' ORDER BY stage"
    assert "first_applied" in [row["stage"] for row in product.sql(entries)]
    after = product.sql(
        "SELECT sum(received) AS r, sum(abs(unaccounted)) AS u FROM ledger_minutely"
    )
    assert int(after[0]["r"]) == int(before[0]["r"]) + 1
    assert int(after[0]["u"]) == 0


def test_again_is_harmless(running: CommandLine, names: dict[str, str]) -> None:
    """A person who is gone, or never was, is no fault."""
    assert "No row" in running.out("forget", names["kim"], "--yes")
    assert running.run("forget", " ", "--yes").returncode == 2


def test_it_asks_first(
    running: CommandLine, product: RunningProduct, names: dict[str, str]
) -> None:
    """Without --yes nothing goes unless it is meant."""
    assert running.run("forget", names["lee"], stdin=b"n\n").returncode == 1
    found = f"SELECT 1 FROM events WHERE user_id = '{names['lee']}'"
    assert product.sql(found) != []


def test_a_stopped_product(stopped: CommandLine) -> None:
    """What still lies in the spool is loaded and removed by the command itself."""
    spool = stopped.settings.spool_folder
    spool.mkdir(parents=True)
    history = [
        Told(id=1, came=1, name="page_viewed", user="kim"),
        Told(id=2, came=2, name="page_viewed", user="lee"),
    ]
    (spool / "0000000000000001-00000000-1.arrow").write_bytes(
        segment_of([told.row() for told in history])
    )
    asked = ("sql", "SELECT user_id FROM events", "--format", "json")
    told, left = stopped.outs(("forget", "kim", "--yes"), asked)
    assert "events_raw: 1 rows removed" in told
    assert list(spool.glob("*.arrow")) == []
    assert left == '{"user_id":"lee"}\n'


def test_no_table_is_left_out(product: RunningProduct) -> None:
    """Whatever table has a column of people or of single events is one that forgetting looks at."""
    of_people = "'user_id', 'anonymous_id', 'actor', 'person_id', 'previous_id', 'names', 'payload'"
    rows = product.sql(
        f"""
        SELECT DISTINCT table
        FROM system.columns
        WHERE database = currentDatabase()
            AND name IN ({of_people}, 'event_id', 'device')
            AND table IN (
                SELECT name
                FROM system.tables
                WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
            )
        """
    )
    assert {row["table"] for row in rows} <= TABLES | set(GATHERED)


def test_nobody_is_there_to_answer(stopped: CommandLine) -> None:
    """With its standard input at an end the question is one sentence, and nothing goes."""
    asked = stopped.run("forget", "kim")
    assert asked.returncode == 2
    told = asked.stderr.decode()
    assert (
        told == "Nobody is there to answer, so nothing was removed; write --yes if it is meant.\n"
    )


def test_no_standard_input_at_all(stopped: CommandLine) -> None:
    """A closed standard input is answered by the same sentence."""
    command = f"exec {sys.executable} -m funnelhouse.cli forget kim <&-"
    asked = subprocess.run(
        ["/bin/sh", "-c", command], env=stopped.environment, capture_output=True, check=False
    )
    assert asked.returncode == 2
    assert asked.stderr.decode().startswith("Nobody is there to answer")


def test_an_address_is_found_by_its_hash(product: RunningProduct, running: CommandLine) -> None:
    """Whoever was sent under an e-mail address is forgotten by it, though its hash is stored."""
    address = f"kim.{uuid4().hex}@shop.example"
    send(product, call("CTA Clicked", userId=address, anonymousId=f"phone-{address[4:12]}"))
    found = f"SELECT user_id FROM events WHERE anonymous_id = 'phone-{address[4:12]}'"
    product.wait_visible(lambda: len(product.sql(found)) == 1)
    assert product.sql(found)[0]["user_id"] != address
    assert "events_raw: 1 rows removed" in running.out("forget", address, "--yes")
    assert product.sql(found) == []
