from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from funnelhouse.files.csv_file import CsvError
from funnelhouse.files.event_csv import EventCsv
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.schemas.registry import load_events
from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine

RULES = Rules(load_events(Path(__file__).parents[2] / "schemas"), Limits(), b"")
HEADER = "event,event_time,user_id,product,order_id,amount,currency,card_holder\n"
PAID = "Payment Completed,2024-07-29 14:30,kim,nbcamp,od-1,350000,KRW,TRUE\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a file to be written."""
    return tmp_path / "events.csv"


def sheet(path: Path) -> EventCsv:
    """Read a file by the shipped plan, in Seoul."""
    return EventCsv(path, RULES, ZoneInfo("Asia/Seoul"))


def calls(path: Path) -> list[dict[str, Any]]:
    """The calls of a file that is good."""
    read = sheet(path)
    read.check()
    return [orjson.loads(call.text or b"") for call in read.calls()]


def ids(path: Path, text: str) -> list[str]:
    """The message ids of a file's rows."""
    path.write_text(text, encoding="utf-8")
    return [call["messageId"] for call in calls(path)]


def test_row(path: Path) -> None:
    """A row is a call: numbers and truths as the plan wants them, times of Seoul."""
    path.write_text(HEADER + PAID)
    (call,) = calls(path)
    assert call.pop("messageId")
    assert call == {
        "type": "track",
        "event": "Payment Completed",
        "timestamp": "2024-07-29T05:30:00+00:00",
        "userId": "kim",
        "properties": {
            "product": "nbcamp",
            "order_id": "od-1",
            "amount": 350_000,
            "currency": "KRW",
            "card_holder": True,
        },
    }


def test_text_stays_text(path: Path) -> None:
    """What the plan calls text is text, and so is what it does not know."""
    path.write_text(
        "event,event_time,anonymous_id,cta_id,unheard_of\nCTA Clicked,2024-07-29,7,01,7\n"
    )
    (call,) = calls(path)
    assert call["properties"] == {"cta_id": "01", "unheard_of": "7"}
    assert call["anonymousId"] == "7"


@pytest.mark.parametrize(
    ("cell", "utc"),
    [
        ("2024-07-29", "2024-07-28T15:00:00+00:00"),
        ("2024-07-29T14:30:00.5", "2024-07-29T05:30:00.500000+00:00"),
        ("2024-07-29T05:30:00Z", "2024-07-29T05:30:00+00:00"),
        ("2024-07-29 00:30-05:00", "2024-07-29T05:30:00+00:00"),
    ],
)
def test_time(path: Path, cell: str, utc: str) -> None:
    """A day begins at Seoul's midnight, and an offset that is written counts."""
    path.write_text(HEADER + PAID.replace("2024-07-29 14:30", cell))
    assert calls(path)[0]["timestamp"] == utc


def test_ids_are_of_the_content(path: Path) -> None:
    """Rows keep their ids in another order, under other columns, their times written otherwise."""
    other = PAID.replace("kim", "lee")
    first, second = ids(path, HEADER + PAID + other)
    assert ids(path, HEADER + other + PAID.replace("14:30", "14:30:00+09:00")) == [second, first]
    turned = "user_id,amount,event,event_time,product,order_id,currency,card_holder,coupon\n"
    row = "kim,350000,Payment Completed,2024-07-29 14:30,nbcamp,od-1,KRW,true,\n"
    assert ids(path, turned + row) == [first]
    assert first != second


def test_equal_rows_are_events_of_their_own(path: Path) -> None:
    """Two equal rows are two events, the same two when the file comes again with a third."""
    two = ids(path, HEADER + PAID * 2)
    assert len(set(two)) == 2
    assert ids(path, HEADER + PAID * 3)[:2] == two


def test_own_message_id(path: Path) -> None:
    """A message id of the row's own is taken; an empty cell is as none."""
    path.write_text(
        "message_id,event,event_time,user_id,cta_id\n"
        "mine,CTA Clicked,2024-07-29,kim,apply\n,CTA Clicked,2024-07-29,kim,apply\n"
    )
    mine, made = (call["messageId"] for call in calls(path))
    assert mine == "mine"
    assert made not in {"", "mine"}


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        (
            PAID.replace("2024-07-29 14:30", "29.07.2024"),
            ["line 2: `29.07.2024` is no time; write it as 2024-07-29 14:30"],
        ),
        (PAID.replace("2024-07-29 14:30", ""), ["line 2: `` is no time; write it as"]),
        (
            PAID.replace("2024-07-29", "2124-07-29") + PAID.replace("2024", "2924"),
            [f"line {line}: column event_time: it lies too far ahead" for line in (2, 3)],
        ),
        (
            PAID.replace("350000", "350 000"),
            ['line 2: column amount: the value is not of type "integer"; mend the cell, or'],
        ),
        (PAID.replace("KRW", "USD"), ["line 2: column currency: the value is not"]),
        (PAID.replace(",od-1,", ",,"), ['line 2: "order_id" is a required property; mend']),
        (PAID.replace("kim", ""), ["line 2: user_id and anonymous_id are empty; fill one"]),
        (
            PAID.replace("Completed", "Complete"),
            ["line 2: column event: The plan has no event of that name; correct the name or add"],
        ),
        (PAID.replace("Payment Completed", ""), ["line 2: column event: A track call needs"]),
        (PAID + "Payment Completed,2024\n", ["line 3: the row has more or fewer cells"]),
        (
            PAID.replace("KRW", "USD") + PAID + PAID.replace("kim", ""),
            ["line 2: column currency: ", "line 4: user_id and anonymous_id are empty"],
        ),
    ],
)
def test_refused(path: Path, rows: str, faults: list[str]) -> None:
    """Any wrong row refuses the file whole, by line and with its mend."""
    path.write_text(HEADER + rows)
    with pytest.raises(CsvError) as caught:
        sheet(path).check()
    assert [
        found[: len(fault)] for found, fault in zip(caught.value.faults, faults, strict=True)
    ] == faults


@pytest.mark.parametrize(
    "header",
    [
        "event,user_id,cta_id",
        "event,event_time,cta_id",
        "event,event_time,user_id,cta_id,cta_id",
        "event,event_time,user_id,",
        "",
    ],
)
def test_header(path: Path, header: str) -> None:
    """The columns of who, what and when must be there, and each column has a name of its own."""
    path.write_text(f"{header}\nCTA Clicked,2024-07-29,kim,apply\n")
    with pytest.raises(CsvError, match=r"line 1: the columns are .* name event, event_time, and"):
        sheet(path).check()


def test_import_again(product: RunningProduct, running: CommandLine, path: Path) -> None:
    """Imported rows are events as those that were sent; importing them again adds none."""
    query = "SELECT user_id, source, event_name, is_bot FROM events WHERE user_id LIKE 'sheet-%'"
    path.write_text(HEADER + PAID.replace("kim", "sheet-1") + PAID.replace("kim", "sheet-2"))
    asked = ("import", "events", str(path), "--write-key", "app")
    assert running.out(*asked) == "2 events sent, 0 rejected.\n"
    product.wait_visible(lambda: len(product.sql(query)) == 2)
    running.out(*asked)
    copies = "SELECT count() AS n FROM duplicate_events WHERE source = 'backend'"
    before = int(product.sql(copies)[0]["n"])
    product.wait_visible(lambda: int(product.sql(copies)[0]["n"]) >= 2 or before >= 2)
    row = {"source": "backend", "event_name": "payment_completed", "is_bot": False}
    assert product.sql(f"{query} ORDER BY 1") == [
        {"user_id": f"sheet-{number}"} | row for number in (1, 2)
    ]


def test_a_person_is_no_bot(product: RunningProduct, running: CommandLine, path: Path) -> None:
    """Under a browser's key too the command does not stand for whoever acted."""
    path.write_text(HEADER + PAID.replace("kim", "sheet-3"))
    running.out("import", "events", str(path), "--write-key", "dev")
    query = "SELECT source, is_bot FROM events WHERE user_id = 'sheet-3'"
    product.wait_visible(lambda: product.sql(query) != [])
    assert product.sql(query) == [{"source": "web", "is_bot": False}]


def test_nothing_is_sent_of_a_wrong_file(running: CommandLine, path: Path) -> None:
    """A file with one wrong row sends none, and says which row."""
    path.write_text(HEADER + PAID.replace("kim", "sheet-4") + PAID.replace("KRW", "USD"))
    ended = running.run("import", "events", str(path))
    assert ended.returncode == 2
    assert f"{path}: line 3: column currency: ".encode() in ended.stderr
    assert ended.stdout == b""
