from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from funnelhouse.files.csv_file import CsvError
from funnelhouse.files.spend_csv import read_spend
from funnelhouse.sql.spend import Spend
from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine

HEADER = "product,track,channel,week,date,amount\n"
WEEK = "nbcamp,kotlin,meta,2024-07-29,,100\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a file to be written."""
    return tmp_path / "spend.csv"


def test_week(path: Path) -> None:
    """A week of the board reaches from its Monday to its Sunday."""
    path.write_text("product,track,channel,week,amount\nnbcamp,kotlin,meta,2024-07-29,20388348\n")
    monday, sunday = date(2024, 7, 29), date(2024, 8, 4)
    assert read_spend(path) == [
        Spend("nbcamp", "kotlin", "meta", monday, sunday, Decimal(20_388_348))
    ]


def test_day(path: Path) -> None:
    """A date is a period of one day, and a track may be empty."""
    path.write_text("amount,channel,date,product,track\n99.50,naver,2024-08-01,hanghae99,\n")
    day = date(2024, 8, 1)
    assert read_spend(path) == [Spend("hanghae99", "", "naver", day, day, Decimal("99.50"))]


def test_spreadsheet(path: Path) -> None:
    """A byte order mark, Windows' line ends and blanks around cells change nothing."""
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}nbcamp, kotlin ,메타,2024-07-29,,7\r\n".encode())
    (row,) = read_spend(path)
    assert (row.track, row.channel, row.amount) == ("kotlin", "메타", Decimal(7))


def test_same_row_twice(path: Path) -> None:
    """A row that stands in the file twice with one amount counts once."""
    path.write_text(HEADER + WEEK + WEEK.replace("100", "100.00"))
    assert len(read_spend(path)) == 1


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        (
            "nbcamp,kotlin,meta,2024-07-30,,1\n",
            ["line 2: 2024-07-30 is no Monday; write 2024-07-29"],
        ),
        (
            "nbcamp,kotlin,meta,29.07.2024,,1\n",
            ["line 2: `29.07.2024` is no date; write it as 2024"],
        ),
        ("nbcamp,kotlin,meta,2024-02-30,,1\n", ["line 2: `2024-02-30` is no date"]),
        (
            'nbcamp,kotlin,meta,2024-07-29,,"1,000"\n',
            ["line 2: `1,000` is no amount; write digits"],
        ),
        ("nbcamp,kotlin,meta,2024-07-29,,-1\n", ["line 2: `-1` is no amount"]),
        ("nbcamp,kotlin,meta,2024-07-29,,NaN\n", ["line 2: `NaN` is no amount"]),
        ("nbcamp,kotlin,meta,2024-07-29,,1.005\n", ["line 2: `1.005` is no amount"]),
        (",kotlin,meta,2024-07-29,,1\n", ["line 2: product or channel is empty"]),
        ("nbcamp,kotlin,,2024-07-29,,1\n", ["line 2: product or channel is empty"]),
        ("nbcamp,kotlin,meta,,,1\n", ["line 2: fill either date or week"]),
        ("nbcamp,kotlin,meta,2024-07-29,2024-07-29,1\n", ["line 2: fill either date or week"]),
        ("nbcamp,kotlin,meta,2024-07-29,,1,000\n", ["line 2: the row has more or fewer cells"]),
        ("nbcamp,kotlin\n", ["line 2: the row has more or fewer cells"]),
        (WEEK + WEEK.replace("100", "200"), ["line 3: nbcamp/kotlin/meta has 200"]),
        (
            WEEK + "nbcamp,kotlin,meta,,2024-08-04,1\n",
            ["line 3: nbcamp/kotlin/meta from 2024-08-04"],
        ),
        (
            "nbcamp,kotlin,meta,,2024-07-30,1\n" + WEEK,
            ["line 2: nbcamp/kotlin/meta from 2024-07-30"],
        ),
        ("a,,b,x,,1\na,,b,2024-07-29,,x\n", ["line 2: `x` is no date", "line 3: `x` is no amount"]),
        ('nbcamp,kotlin,"meta,2024-07-29,,1\n', ["line 2: unexpected end of data"]),
    ],
)
def test_refused(path: Path, rows: str, faults: list[str]) -> None:
    """Each fault refuses the file whole, by line and with its mend."""
    path.write_text(HEADER + rows)
    with pytest.raises(CsvError) as caught:
        read_spend(path)
    assert [
        fault[: len(start)] for fault, start in zip(caught.value.faults, faults, strict=True)
    ] == (faults)


@pytest.mark.parametrize(
    "header",
    [
        "product,track,channel,week,cost",
        "product,track,channel,amount",
        "Product,track,channel,week,amount",
        "product,track,channel,week,amount,note",
        "product,track,channel,week,amount,amount",
        "",
    ],
)
def test_header(path: Path, header: str) -> None:
    """Columns go by their exact names, each once."""
    path.write_text(f"{header}\n{WEEK}")
    with pytest.raises(CsvError, match="line 1: the columns are"):
        read_spend(path)


def test_not_unicode(path: Path) -> None:
    """Text in another encoding is refused with what to save it as."""
    path.write_bytes(f"{HEADER}nbcamp,kotlin,메타,2024-07-29,,7\n".encode("cp949"))
    with pytest.raises(CsvError, match="save it as CSV UTF-8"):
        read_spend(path)


def test_import_again(product: RunningProduct, running: CommandLine, path: Path) -> None:
    """Importing a file again changes nothing, and a corrected amount takes the place of the old."""
    query = "SELECT sum(amount) AS a, count() AS n FROM ad_spend FINAL WHERE product = 'again'"
    path.write_text(HEADER + WEEK.replace("nbcamp", "again") + "again,kotlin,naver,,2024-07-29,5\n")
    seen: list[dict[str, Any]] = []
    for _ in range(2):
        running.out("import", "spend", str(path))
        seen += product.sql(query)
    path.write_text(HEADER + WEEK.replace("nbcamp", "again").replace("100", "300"))
    running.out("import", "spend", str(path))
    seen += product.sql(query)
    assert [(float(row["a"]), int(row["n"])) for row in seen] == [(105, 2), (105, 2), (305, 2)]


def test_overlap_with_stored(product: RunningProduct, running: CommandLine, path: Path) -> None:
    """A file whose days lie in a week that was imported before is refused whole."""
    path.write_text(HEADER + WEEK.replace("nbcamp", "overlap"))
    running.out("import", "spend", str(path))
    path.write_text(
        HEADER + "overlap,kotlin,new,,2024-08-01,5\noverlap,kotlin,meta,,2024-08-01,5\n"
    )
    refused = running.run("import", "spend", str(path))
    assert refused.returncode == 2
    assert b"overlaps" in refused.stderr
    (count,) = product.sql("SELECT count() AS n FROM ad_spend FINAL WHERE product = 'overlap'")
    assert int(count["n"]) == 1
