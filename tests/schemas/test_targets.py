from datetime import date
from pathlib import Path

import pytest

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.registry import load_plan
from funnelhouse.schemas.targets import Target
from tests.schemas.faulty import add_camp, assert_told, change

FILE = "targets/camp.yaml"

# The expected lines in the tests count from here: keep one key a line.
TEXT = """targets:
  - funnel: camp
    track: kotlin
    cohort: "6기"
    metric: conversion
    from: applied
    to: passed
    period: intake
    role: target
    direction: at_least
    value: 0.35
    valid_from: 2024-01-01
  - funnel: camp
    metric: lac
    role: guardrail
    direction: at_most
    value: 450000
    valid_from: 2024-01-01
  - funnel: camp
    metric: withdrawals
    stage: inquiry
    role: target
    direction: at_most
    value: 0.05
    valid_from: 2024-01-01
"""

FAULTS = [
    ("funnel: camp", "funnel: kamp", 2, 'no funnel "kamp"', 'write "camp"'),
    ("metric: conversion", "metric: conversions", 5, "not one of", 'write "conversion"'),
    ("from: applied", "from: aplied", 6, 'no stage "aplied"', 'write "applied"'),
    ("to: passed", "to: pased", 7, 'no stage "pased"', 'write "passed"'),
    (
        "to: passed",
        "to: withdrawn",
        7,
        'no stage "withdrawn"',
        "one of applied, joined, passed, tested",
    ),
    ("to: passed", "to: applied", 7, 'from "applied" to "applied"', "a later stage"),
    ("from: applied", "from: joined", 7, 'from "joined" to "passed"', "a later stage"),
    ("from: applied\n    to: passed", "from: tested\n    to: joined", 7, "no version", "same"),
    ("    to: passed\n", "", 2, 'conversion needs "to"', 'add "to"'),
    ("    to: passed\n", "    to: passed\n    stage: passed\n", 8, 'has no "stage"', "remove it"),
    ("metric: lac", "metric: lac\n    stage: passed", 15, 'lac has no "stage"', "remove it"),
    ("    stage: inquiry\n", "", 19, 'withdrawals needs "stage"', 'add "stage"'),
    ("stage: inquiry", "stage: withdrawn", 21, 'no stage "withdrawn"', "inquiry"),
    ("stage: inquiry", "stage: revenue", 21, 'no stage "revenue"', "inquiry"),
    ("metric: withdrawals", "metric: entries", 21, 'no stage "inquiry"', "applied"),
    ("period: intake", "period: week", 4, "the period intake only", "period: intake"),
    ("    period: intake\n", "", 4, "the period intake only", "remove the cohort"),
    ("period: intake", "period: year", 8, "not one of", "write one of intake, month"),
    ("role: target", "role: goal", 9, "not one of", "write one of guardrail, target"),
    ("direction: at_least", "direction: least", 10, "not one of", 'write "at_least"'),
    ("value: 0.35", "value: 35 %", 11, "not of type", "type number"),
    ("value: 0.35", "value: 35", 11, "35 is no share", "0.35 for 35 %"),
    ("value: 0.35", "value: -0.35", 11, "minimum", "fits"),
    ("value: 0.35", "value: .nan", 11, "not of type", "type number"),
    ("value: 0.05", "value: 5", 24, "5 is no share", "0.35 for 35 %"),
    ("    value: 0.35\n", "", 2, '"value" is a required', 'add "value"'),
    ("    role: target\n", "", 2, '"role" is a required', 'add "role"'),
    ("valid_from: 2024-01-01", "valid_from: 2024-02-30", 12, "date", "2024-01-31"),
    ("track: kotlin", "trak: kotlin", 3, 'the key "trak" is unknown', 'write "track"'),
    ("targets:", "target:", 1, 'the key "target" is unknown', 'write "targets"'),
]


@pytest.fixture
def file(folder: Path) -> Path:
    """Write sound targets beside the funnel that they are set on."""
    add_camp(folder)
    path = folder / FILE
    path.parent.mkdir()
    path.write_text(TEXT, encoding="utf-8")
    return path


def add_target(file: Path, **changed: str | float) -> None:
    """Write one more target: that of the cost of a lead, some keys changed."""
    target: dict[str, str | float] = {
        "funnel": "camp",
        "metric": "lac",
        "role": "guardrail",
        "direction": "at_most",
        "value": 450000,
        "valid_from": "2024-01-01",
        **changed,
    }
    entry = ", ".join(f"{key}: {value}" for key, value in target.items())
    file.write_text(f"{file.read_text(encoding='utf-8')}  - {{{entry}}}\n", encoding="utf-8")


def test_the_targets_have_no_fault(file: Path) -> None:
    """The targets that the other tests spoil are sound."""
    assert check_plan(file.parents[1]) == []


@pytest.mark.parametrize(("old", "new", "line", "message", "mend"), FAULTS)
def test_a_fault_is_told_with_its_line(  # noqa: PLR0913, PLR0917 -- a table's columns
    file: Path, old: str, new: str, line: int, message: str, mend: str
) -> None:
    """A spoiled target is reported at its line and with the mend."""
    change(file, old, new)
    assert_told(check_plan(file.parents[1]), (FILE, line, message, mend))


def test_targets_are_read_as_rows(file: Path) -> None:
    """A row has its funnel's product, the stage led to, and "" for what is not named."""
    assert load_plan(file.parents[1]).targets == (
        Target(
            funnel="camp",
            product="nbcamp",
            track="kotlin",
            cohort="6기",
            metric="conversion",
            from_stage="applied",
            stage="passed",
            period="intake",
            role="target",
            direction="at_least",
            value=0.35,
            valid_from=date(2024, 1, 1),
        ),
        Target(
            funnel="camp",
            product="nbcamp",
            track="",
            cohort="",
            metric="lac",
            from_stage="",
            stage="passed",
            period="week",
            role="guardrail",
            direction="at_most",
            value=450000.0,
            valid_from=date(2024, 1, 1),
        ),
        Target(
            funnel="camp",
            product="nbcamp",
            track="",
            cohort="",
            metric="withdrawals",
            from_stage="",
            stage="inquiry",
            period="week",
            role="target",
            direction="at_most",
            value=0.05,
            valid_from=date(2024, 1, 1),
        ),
    )


@pytest.mark.parametrize(
    ("changed", "stands"),
    [
        ({}, True),
        ({"value": 500000}, True),
        ({"direction": "at_least"}, True),
        ({"period": "week"}, True),
        ({"valid_from": "2024-02-01"}, False),
        ({"role": "target"}, False),
        ({"track": "node"}, False),
        ({"period": "month"}, False),
    ],
)
def test_a_target_stands_once_a_day(
    file: Path, changed: dict[str, str | float], *, stands: bool
) -> None:
    """A second figure for one metric, period and role from one day on contradicts the first."""
    add_target(file, **changed)
    faults = check_plan(file.parents[1])
    assert [(fault.line, f"stands at {FILE}:13 already" in fault.message) for fault in faults] == (
        [(26, True)] if stands else []
    )


def test_a_target_stands_once_among_all_files(file: Path) -> None:
    """A copied file of targets is told where the first ones stand."""
    file.with_stem("other").write_text(TEXT, encoding="utf-8")
    faults = check_plan(file.parents[1])
    assert [(fault.file, fault.line) for fault in faults] == [
        ("targets/other.yaml", line) for line in (2, 13, 19)
    ]


@pytest.mark.parametrize(
    ("metric", "taken", "message"),
    [
        ("revenue", "  - {measure: revenue, event: withdrawn, amount: days}\n", '"revenue"'),
        ("roas", "  - {measure: revenue, event: withdrawn, amount: days}\n", '"revenue"'),
        ("inquiries", "  - {measure: inquiry, event: withdrawn}\n", '"inquiry"'),
    ],
)
def test_a_metric_needs_what_it_is_made_of(
    file: Path, metric: str, taken: str, message: str
) -> None:
    """A figure of events that the funnel does not count could never be had."""
    change(file, "stage: inquiry", "stage: applied")
    add_target(file, metric=metric, value=1)
    assert check_plan(file.parents[1]) == []
    change(file.parents[1] / "funnels/camp_1.yaml", taken, "")
    assert_told(check_plan(file.parents[1]), (FILE, 26, f"no measure {message}", "add the measure"))


@pytest.mark.parametrize(
    ("taken", "line", "message"),
    [(", lead: true", 14, "no stage as the lead"), (", terminal: withdrawn", 20, "terminal")],
)
def test_a_metric_needs_its_stages(file: Path, taken: str, line: int, message: str) -> None:
    """The cost of a lead needs a lead stage, withdrawals a stage of withdrawal."""
    for version in (1, 2):
        change(file.parents[1] / f"funnels/camp_{version}.yaml", taken, "")
    assert_told(check_plan(file.parents[1]), (FILE, line, message, "add"))


def test_the_lead_is_that_of_the_newest_version(file: Path) -> None:
    """Where versions mark other stages, the cost of a lead is that of the newest one."""
    camp = file.parents[1] / "funnels/camp_2.yaml"
    change(camp, ", lead: true", "")
    change(camp, "합류, event: withdrawn", "합류, event: withdrawn, lead: true")
    assert load_plan(file.parents[1]).targets[1].stage == "joined"


@pytest.mark.parametrize("versions", [("1",), ("1", "2")])
def test_a_faulty_funnel_does_not_blame_its_targets(file: Path, versions: tuple[str, ...]) -> None:
    """While a version of a funnel cannot be read, neither it nor its stages are called unknown."""
    files = [f"funnels/camp_{version}.yaml" for version in versions]
    for name in files:
        change(file.parents[1] / name, "product: nbcamp", "product: 1")
    assert [fault.file for fault in check_plan(file.parents[1])] == files
