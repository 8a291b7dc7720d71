from datetime import date
from pathlib import Path

import pytest

from funnelhouse.files.csv_file import CsvError
from funnelhouse.files.target_csv import read_targets
from funnelhouse.schemas.registry import PlanError
from funnelhouse.schemas.targets import Target
from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine

SHIPPED = Path(__file__).parents[2] / "schemas"
HEADER = "funnel,track,cohort,metric,from,to,stage,period,role,direction,value,valid_from\n"
CONVERSION = "bootcamp_short,kotlin,,conversion,document_passed,registered,,,target,at_least,0.41,2031-01-01\n"  # noqa: E501
ENTRIES = "bootcamp_short,,6기,entries,,,registered,intake,guardrail,at_least,100,2031-01-01\n"

OF_2031 = """
SELECT metric, value, count() OVER () > 10 AS beside
FROM targets QUALIFY valid_from = '2031-01-01' ORDER BY metric
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a file to be written."""
    return tmp_path / "targets.csv"


def test_rows(path: Path) -> None:
    """Rows are targets as those of the plan: the product is the funnel's, a week is the period."""
    path.write_text(HEADER + CONVERSION + ENTRIES, encoding="utf-8")
    day = date(2031, 1, 1)
    ways = ("document_passed", "registered")
    assert read_targets(path, SHIPPED) == [
        Target(
            "bootcamp_short", "nbcamp", "kotlin", "", "conversion", *ways,
            "week", "target", "at_least", 0.41, day,
        ),
        Target(
            "bootcamp_short", "nbcamp", "", "6기", "entries", "", "registered",
            "intake", "guardrail", "at_least", 100.0, day,
        ),
    ]  # fmt: skip


def test_optional_columns(path: Path) -> None:
    """Columns that no row fills may be left out."""
    path.write_text(
        "valid_from,metric,funnel,role,direction,value\n"
        "2031-01-01,ad_spend,bootcamp_short,guardrail,at_most,30000000\n"
    )
    (target,) = read_targets(path, SHIPPED)
    assert (target.metric, target.value, target.stage) == ("ad_spend", 30_000_000, "")


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        (
            CONVERSION.replace("registered", "registred"),
            ['line 2: the funnel has no stage "registred" that can stand here; write "registered"'],
        ),
        (
            CONVERSION.replace("bootcamp_short", "bootcamp_shot"),
            ['line 2: the plan has no funnel "bootcamp_shot"; write "bootcamp_short"'],
        ),
        (CONVERSION.replace("0.41", "41"), ["line 2: 41 is no share that conversion could have"]),
        (CONVERSION.replace("0.41", "41%"), ['line 2: "41%" is not of type "number"']),
        (CONVERSION.replace("0.41", ""), ['line 2: "value" is a required property; add "value"']),
        (CONVERSION.replace("2031-01-01", "2031-02-30"), ['line 2: "2031-02-30" is not a "date"']),
        (CONVERSION.replace("conversion", "convrsion"), ['line 2: "convrsion" is not one of']),
        (CONVERSION.replace(",registered,", ",,"), ['line 2: the metric conversion needs "to"']),
        (
            CONVERSION + ENTRIES + CONVERSION.replace("0.41", "0.42"),
            ["line 4: this target stands at {path}:2 already; remove one of them"],
        ),
        (
            CONVERSION.replace("0.41", "x") + ENTRIES.replace("6기", "") + CONVERSION + "a,b\n",
            ["line 5: the row has more or fewer cells", 'line 2: "x" is not of type "number"'],
        ),
    ],
)
def test_refused(path: Path, row: str, faults: list[str]) -> None:
    """Whatever the plan would refuse refuses the file whole, by line and with its mend."""
    path.write_text(HEADER + row, encoding="utf-8")
    with pytest.raises(CsvError) as caught:
        read_targets(path, SHIPPED)
    starts = [fault.format(path=path) for fault in faults]
    assert [
        found[: len(start)] for found, start in zip(caught.value.faults, starts, strict=True)
    ] == starts


@pytest.mark.parametrize("header", ["funnel,metric", HEADER.strip() + ",note", HEADER.strip() * 2])
def test_header(path: Path, header: str) -> None:
    """Columns go by their exact names, each once."""
    path.write_text(f"{header}\n{CONVERSION}")
    with pytest.raises(CsvError, match=r"line 1: the columns are .* name them funnel, metric"):
        read_targets(path, SHIPPED)


def test_faulty_plan(path: Path, tmp_path: Path) -> None:
    """Against a plan with faults nothing can be held."""
    path.write_text(HEADER + CONVERSION)
    with pytest.raises(PlanError):
        read_targets(path, tmp_path / "nowhere")


def test_import(product: RunningProduct, running: CommandLine, path: Path) -> None:
    """Imported targets stand beside the plan's; one imported again is replaced.

    A file with a wrong row leaves all as it was.
    """

    def seen() -> list[tuple[str, float, int]]:
        return [(row["metric"], row["value"], row["beside"]) for row in product.sql(OF_2031)]

    path.write_text(HEADER + CONVERSION + ENTRIES, encoding="utf-8")
    told = running.out("import", "targets", str(path))
    assert told == "2 targets stand beside those of the plan.\n"
    assert seen() == [("conversion", 0.41, 1), ("entries", 100, 1)]
    path.write_text(HEADER + CONVERSION.replace("0.41", "0.5"))
    running.out("import", "targets", str(path))
    assert seen() == [("conversion", 0.5, 1), ("entries", 100, 1)]
    path.write_text(HEADER + ENTRIES.replace("100", "7") + CONVERSION.replace("0.41", "x"))
    refused = running.run("import", "targets", str(path))
    assert refused.returncode == 2
    assert f'{path}: line 3: "x" is not of type "number"'.encode() in refused.stderr
    assert seen() == [("conversion", 0.5, 1), ("entries", 100, 1)]
