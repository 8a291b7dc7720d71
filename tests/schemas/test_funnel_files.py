from datetime import date
from pathlib import Path

import pytest

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.funnels import Funnel, Intake
from funnelhouse.schemas.registry import load_plan
from tests.schemas.faulty import assert_told, change, only

FILE = "funnels/long.yaml"

# The expected lines in the tests count from here: keep one key a line.
TEXT = """funnel: long
title: Long
title_ko: 긴 과정
product: nbcamp
version: 1
valid_from: 2024-01-01
valid_until: 2024-12-31
window_days: 45
dimensions:
  segment: stage
stages:
  - stage: applied
    label_ko: 지원
    any_of:
      - withdrawn
      - event: withdrawn
        where:
          - property: days
            gte: 3
    where:
      - property: stage
        is: registered
    role: start
  - stage: active
    label_ko: 활성
    event: withdrawn
    role: activation
    within_days: 7
    reenter: daily
    detail: stage
    amount: days
  - stage: gone
    label_ko: 철회
    event: withdrawn
    terminal: withdrawn
exclude:
  - event: withdrawn
    where:
      - property: stage
        is: document_passed
measures:
  - measure: revenue
    event: withdrawn
    amount: days
  - measure: activity
    any_of: [withdrawn]
    reenter: daily
intakes:
  - cohort: "6기"
    track: kotlin
    opens: 2024-06-01
    closes: 2024-07-31
"""

FAULTS = [
    ("valid_until: 2024-12-31", "valid_until: 2023-12-31", 7, "ends on", "2024-01-01 or a later"),
    ("valid_until: 2024-12-31", "valid_until: 2024-11-31", 7, "date", "a day that there is"),
    ("valid_from: 2024-01-01", "valid_from: 1924-01-01", 6, "does not match", "fits"),
    ("window_days: 45", "window_days: 366", 8, "maximum", "fits"),
    ("window_days: 45", "window_days: 0", 8, "minimum", "fits"),
    ("  segment: stage", "  segmnt: stage", 10, 'the key "segmnt" is unknown', '"segment"'),
    ("  segment: stage", "  segment: stag", 10, 'has the property "stag"', 'write "stage"'),
    ("  segment: stage", "  segment: email", 10, "a hash only", "another property"),
    ("      - withdrawn\n", "      - withdrwn\n", 15, 'no event "withdrwn"', 'write "withdrawn"'),
    ("- event: withdrawn\n        w", "- event: lost\n        w", 16, "no event", "withdrawn"),
    ("- event: withdrawn\n        w", "- evnt: withdrawn\n        w", 16, '"evnt"', '"event"'),
    ("- property: days", "- property: dais", 18, 'no property "dais"', 'write "days"'),
    ("gte: 3", "gte: three", 19, "not of type", "type number"),
    ("is: registered", "is: registred", 22, "never registred", 'write "registered"'),
    ("gte: 3", "gte: 3\n      - event: withdrawn", 20, "twice under the same", "remove one"),
    ("role: start", "role: beginning", 23, "not one of", "write one of activation"),
    ("role: start", "role: activation", 27, 'has the role "activation"', "rename or remove"),
    ("role: start", "role: start\n    within_days: 7", 23, "expected", 'write "activation"'),
    ("    role: activation\n", "", 24, '"role" is a required', 'add "role"'),
    ("within_days: 7", "within_days: 0", 28, "minimum", "fits"),
    ("reenter: daily\n    detail", "reenter: weekly\n    detail", 29, "not one of", "daily"),
    ("detail: stage", "detail: stag", 30, 'no property "stag"', 'write "stage"'),
    ("detail: stage", "detail: email", 30, "a hash only", "another property"),
    ("amount: days", "amount: stage", 31, '"stage" of "withdrawn" is no number', "integer"),
    ("terminal: withdrawn", "terminal: withdrawn\n    role: value", 36, "terminal stage", "remove"),
    ("stage: gone", "stage: inquiry", 32, "name of a measure", "rename"),
    ("stage: gone", "stage: excluded", 32, "name of a measure", "rename"),
    ("is: document_passed", "is: dokument_passed", 40, "never", 'write "document_passed"'),
    (
        "exclude:\n  - event: withdrawn\n",
        "exclude:\n  - any_of: [withdrawn]\n",
        37,
        "any_of",
        "event",
    ),
    ("measure: revenue", "measure: revenu", 42, "not one of", 'write "revenue"'),
    ("measure: revenue", "measure: feature", 42, '"detail" is a required', 'add "detail"'),
    ("measure: revenue", "measure: message_sent", 42, '"detail" is a required', 'add "detail"'),
    ("  - measure: act", "    cluster: stag\n  - measure: act", 45, "no property", '"stage"'),
    ("measure: activity", "measure: effort", 45, '"amount" is a required', 'add "amount"'),
    ("measure: activity", "measure: refund", 45, '"amount" is a required', 'add "amount"'),
    ("    event: withdrawn\n    amount", "    amount", 42, "event or any_of", "one of the two"),
    ("measure: activity", "measure: revenue\n    amount: days", 45, "stands twice", "remove one"),
    ("[withdrawn]", "[withdrawn, lost]", 46, 'no event "lost"', "withdrawn"),
    ("    opens: 2024-06-01\n", "", 49, '"opens" is a required', 'add "opens"'),
    ("opens: 2024-06-01", "opens: 2024-08-01", 52, "before it opens", "2024-08-01 or a later"),
    ("opens: 2024-06-01", "opens: June", 51, "date", "2024-01-31"),
    ('cohort: "6기"', "cohort: 6", 49, "not of type", "type string"),
]


@pytest.fixture
def file(folder: Path) -> Path:
    """Write a funnel that uses every key beside the small plan's own."""
    path = folder / FILE
    path.write_text(TEXT, encoding="utf-8")
    return path


def version_two(file: Path, **changed: str) -> Path:
    """Write a second version of the funnel, without end, by default after the end of the first."""
    other = file.with_stem("long_2")
    text = file.read_text(encoding="utf-8").replace("valid_until: 2024-12-31\n", "")
    other.write_text(text, encoding="utf-8")
    for key, value in {"version": "2", "valid_from": "2025-01-01", **changed}.items():
        line = next(line for line in text.splitlines() if f"{key}: " in line)
        change(other, line, f"{line.partition(':')[0]}: {value}")
    return other


def loaded(folder: Path) -> Funnel:
    """Load the one version of the funnel."""
    return next(funnel for funnel in load_plan(folder).funnels if funnel.funnel == "long")


def test_a_funnel_of_every_key_has_no_fault(file: Path) -> None:
    """The funnel that the other tests spoil is sound."""
    assert check_plan(file.parents[1]) == []


@pytest.mark.parametrize(("old", "new", "line", "message", "mend"), FAULTS)
def test_a_fault_is_told_with_its_line(  # noqa: PLR0913, PLR0917 -- a table's columns
    file: Path, old: str, new: str, line: int, message: str, mend: str
) -> None:
    """A spoiled key is reported at its line and with the mend."""
    change(file, old, new)
    assert_told(check_plan(file.parents[1]), (FILE, line, message, mend))


def test_an_intake_stands_once(file: Path) -> None:
    """A cohort of one track has one pair of dates."""
    again = '  - {cohort: "6기", track: kotlin, opens: 2024-08-01, closes: 2024-08-02}\n'
    file.write_text(TEXT + again, encoding="utf-8")
    assert_told(check_plan(file.parents[1]), (FILE, 53, '"6기" stands twice', "remove one"))


def test_another_track_has_an_intake_of_the_same_cohort(file: Path) -> None:
    """The cohort is told apart by its track."""
    again = '  - {cohort: "6기", track: node, opens: 2024-08-01, closes: 2024-08-02}\n'
    file.write_text(TEXT + again, encoding="utf-8")
    assert check_plan(file.parents[1]) == []


def test_an_event_is_left_out_once(file: Path) -> None:
    """The same exclusion twice is one too many, also when its conditions stand in another order."""
    again = "  - event: withdrawn\n    where: [{property: stage, is: document_passed}]\nmeasures:"
    change(file, "measures:", again)
    assert "twice under the same conditions" in only(check_plan(file.parents[1])).message


@pytest.mark.parametrize("other", ["{property: flag, is: 1}", "{property: flag, not: true}"])
def test_conditions_that_differ_are_told_apart(file: Path, other: str) -> None:
    """Branches may differ by no more than true and 1, or by an operator."""
    event = file.parents[1] / "events/application/withdrawn/1-0-0.json"
    change(event, '"code": {', '"flag": {}, "code": {')
    conditions = ("{property: flag, is: true}", other)
    branches = ", ".join(f"{{event: withdrawn, where: [{where}]}}" for where in conditions)
    change(file, "any_of: [withdrawn]", f"any_of: [{branches}]")
    assert check_plan(file.parents[1]) == []


def test_an_amount_is_described_as_a_number(file: Path) -> None:
    """A property that may hold anything is no amount."""
    event = file.parents[1] / "events/application/withdrawn/1-0-0.json"
    change(event, '"code": {', '"flag": {}, "code": {')
    change(file, "amount: days", "amount: flag")
    assert_told(check_plan(file.parents[1]), (FILE, 31, '"flag" of "withdrawn" is no', "integer"))


def test_a_faulty_event_does_not_blame_the_dimensions(file: Path) -> None:
    """While an event cannot be read it may have the property of a dimension."""
    event = "events/application/withdrawn/1-0-0.json"
    change(file.parents[1] / event, "^(a+)+$", "(")
    assert only(check_plan(file.parents[1])).file == event


def test_a_funnel_has_at_most_twelve_steps(file: Path) -> None:
    """Terminal stages are no steps; the thirteenth step is reported where it stands."""
    step = "  - {{stage: more_{0}, label_ko: 더, event: withdrawn}}\n"
    change(file, "exclude:", "".join(map(step.format, range(10))) + "exclude:")
    assert check_plan(file.parents[1]) == []
    change(file, "exclude:", step.format("last") + "exclude:")
    assert_told(check_plan(file.parents[1]), (FILE, 46, "step 13 of at most 12", "two funnels"))


@pytest.mark.parametrize(
    ("changed", "line", "message", "mend"),
    [
        ({"valid_from": "2024-12-31"}, 6, "overlaps version 1", "after 2024-12-31"),
        ({"valid_from": "2023-01-01"}, 6, "overlaps version 1", "after 2024-12-31"),
        ({"product": "nbonline"}, 4, "of another product", 'write "nbcamp"'),
        ({"closes": "2024-08-31"}, 48, "2024-06-01 to 2024-07-31", "the same dates"),
    ],
)
def test_versions_of_a_funnel_fit_together(
    file: Path, changed: dict[str, str], line: int, message: str, mend: str
) -> None:
    """A later version begins after the earlier one, with its product and its intakes."""
    version_two(file, **changed)
    found = only(check_plan(file.parents[1]))
    assert_told([found], ("funnels/long_2.yaml", line, message, mend))


def test_an_open_version_ends_where_the_next_begins(file: Path) -> None:
    """Without an end, a version overlaps one that begins on its own first day, and no later one."""
    change(file, "valid_until: 2024-12-31\n", "")
    other = version_two(file, valid_from="2024-01-02")
    assert check_plan(file.parents[1]) == []
    change(other, "2024-01-02", "2024-01-01")
    assert "overlaps version 1" in only(check_plan(file.parents[1])).message


def test_versions_are_handed_on_oldest_first(file: Path) -> None:
    """All versions are in the plan, by their numbers whatever their files are called."""
    version_two(file).rename(file.with_stem("a_newer_one"))
    versions = [funnel for funnel in load_plan(file.parents[1]).funnels if funnel.funnel == "long"]
    assert [(funnel.version, funnel.valid_until) for funnel in versions] == [
        (1, date(2024, 12, 31)),
        (2, None),
    ]


def test_what_is_written_of_a_whole_funnel_is_read(file: Path) -> None:
    """Window, end, dimensions and intakes stand in the funnel, defaults where none is written."""
    funnel = loaded(file.parents[1])
    assert (funnel.window_days, funnel.valid_until) == (45, date(2024, 12, 31))
    assert funnel.dimensions == {
        "track": "track",
        "cohort": "cohort",
        "segment": "stage",
        "card_holder": "card_holder",
    }
    assert funnel.intakes == (
        Intake("nbcamp", "kotlin", "6기", date(2024, 6, 1), date(2024, 7, 31)),
    )


def test_what_is_left_out_has_its_default(folder: Path) -> None:
    """Without the optional keys a funnel has a window of 30 days, no end and nothing beside it."""
    (funnel,) = load_plan(folder).funnels
    rest = (funnel.window_days, funnel.valid_until, funnel.exclude, funnel.measures, funnel.intakes)
    assert rest == (30, None, (), (), ())


def test_stages_exclusions_and_measures_give_rules(file: Path) -> None:
    """Only stages have a position; the rest is told by its kind."""
    assert [
        (rule.stage_position, rule.stage, rule.kind, rule.reenter, rule.role, rule.within_days)
        for rule in loaded(file.parents[1]).rules()
    ] == [
        (1, "applied", "step", "", "start", 0),
        (1, "applied", "step", "", "start", 0),
        (2, "active", "step", "daily", "activation", 7),
        (3, "gone", "withdrawn", "", "", 0),
        (0, "excluded", "excluded", "", "", 0),
        (0, "revenue", "measure", "always", "", 0),
        (0, "activity", "measure", "daily", "", 0),
    ]


def test_a_branch_has_the_conditions_of_its_stage_too(file: Path) -> None:
    """Conditions of the stage hold for each branch, those of a branch for it alone."""
    first, second, *_ = loaded(file.parents[1]).rules()
    of_stage = ("stage", "is", ['"registered"'])
    assert (first.conditions, second.conditions) == ([of_stage], [of_stage, ("days", "gte", ["3"])])


def test_a_rule_says_what_it_reads(file: Path) -> None:
    """Dimensions are read of every event, detail and amount where they are kept."""
    _, step, entry, _, excluded, revenue, _ = loaded(file.parents[1]).rules()
    dimensions = {
        "track": "track",
        "cohort": "cohort",
        "segment": "stage",
        "card_holder": "card_holder",
    }
    assert step.reads == excluded.reads == dimensions
    assert entry.reads == {**dimensions, "detail": "stage", "amount": "days"}
    assert revenue.reads == {**dimensions, "amount": "days"}
