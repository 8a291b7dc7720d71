from datetime import date
from pathlib import Path

import pytest

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.experiments import Metric, NamedEvent, Variant
from funnelhouse.schemas.registry import PlanError, load_plan
from tests.schemas.faulty import add_camp, assert_told, change

FILE = "experiments/guide.yaml"

# The expected lines in the tests count from here: keep one key a line.
TEXT = """experiment: guide
title: Guide
title_ko: 가이드
hypothesis: Readers apply.
owner: growth
starts_on: 2024-08-05
ends_on: 2024-08-18
unit: device
traffic: 0.1
variants:
  - {variant: a, weight: 0.4}
  - {variant: b, weight: 0.6}
trigger:
  event: withdrawn
  where:
    - {property: days, gte: 3}
primary:
  metric: passed_in_time
  kind: stage_within
  funnel: camp
  stage: passed
  days: 7
secondary:
  - metric: money
    kind: revenue
    funnel: camp
guardrails:
  - metric: asked
    kind: count
    event: withdrawn
    direction: decrease
    limit: 0.2
minimum_effect: 0.1
coverage:
  steps:
    - withdrawn
  pairs:
    - browser: withdrawn
      server: withdrawn
"""

FAULTS = [
    ("experiment: guide", "experiment: guides", 1, "not named as its file", 'write "guide"'),
    ("owner: growth\n", "", 1, '"owner" is a required', 'add "owner"'),
    ("ends_on: 2024-08-18", "ends_on: 2024-08-04", 7, "before it starts", "2024-08-05 or a later"),
    ("ends_on: 2024-08-18", "ends_on: 2024-08-32", 7, "date", "2024-01-31"),
    ("unit: device", "unit: devices", 8, "devices", 'write "device"'),
    ("traffic: 0.1", "traffic: 10", 9, "maximum", "fits"),
    ("weight: 0.6", "weight: 0.5", 10, "add up to 0.9", "add up to 1"),
    ("b, weight: 0.6", "b", 10, "others none", "give all a weight"),
    ("variant: b", "variant: a", 12, '"a" stands twice', "rename"),
    ("  - {variant: b, weight: 0.6}\n", "", 10, "less than 2 items", "fits"),
    ("event: withdrawn", "event: withdrew", 14, 'no event "withdrew"', 'write "withdrawn"'),
    ("property: days", "property: day", 16, 'no property "day"', 'write "days"'),
    ("funnel: camp", "funnel: kamp", 20, 'no funnel "kamp"', 'write "camp"'),
    ("stage: passed", "stage: pased", 21, 'no stage "pased"', 'write "passed"'),
    ("  days: 7\n", "", 17, 'stage_within needs "days"', 'add "days"'),
    ("kind: stage_within", "kind: stage", 22, 'stage has no "days"', "remove it"),
    ("metric: money", "metric: passed_in_time", 24, "stands twice", "rename"),
    (
        "    event: withdrawn\n    dir",
        "    event: left\n    dir",
        30,
        'no event "left"',
        "withdrawn",
    ),
    ("    limit: 0.2\n", "", 28, '"limit" is a required', 'add "limit"'),
    ("minimum_effect: 0.1", "minimum_effect: 0", 33, "minimum", "fits"),
    ("    - withdrawn\n", "    - seen\n", 36, 'no event "seen"', "withdrawn"),
    ("      server: withdrawn", "      server: seen", 39, 'no event "seen"', "withdrawn"),
]


@pytest.fixture
def file(folder: Path) -> Path:
    """Write a sound experiment beside the funnel that it is judged by."""
    add_camp(folder)
    path = folder / FILE
    path.parent.mkdir()
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_an_experiment_is_read(file: Path) -> None:
    """Dates, weights, metrics and named events are those of the file; the seed is its name."""
    (found,) = load_plan(file.parents[1]).experiments
    assert (found.starts_on, found.ends_on) == (date(2024, 8, 5), date(2024, 8, 18))
    assert found.variants == (Variant("a", 0.4), Variant("b", 0.6))
    assert (found.control, found.seed, found.success) == ("a", "guide", 0)
    plain = {"conditions": [], "per_session": False}
    assert found.metrics == (
        Metric(
            "passed_in_time", "primary", "stage_within", "camp", "passed", 7, "",
            direction="increase", limit=0, **plain,
        ),
        Metric(
            "money", "secondary", "revenue", "camp", "", 0, "",
            direction="increase", limit=0, **plain,
        ),
        Metric(
            "asked", "guardrail", "count", "", "", 0, "withdrawn",
            direction="decrease", limit=0.2, **plain,
        ),
    )  # fmt: skip
    assert found.events == (
        NamedEvent("trigger", 1, "withdrawn", [("days", "gte", ["3"])]),
        NamedEvent("step", 1, "withdrawn", []),
        NamedEvent("browser", 1, "withdrawn", []),
        NamedEvent("server", 1, "withdrawn", []),
    )


def test_without_weights_they_are_even(file: Path) -> None:
    """Three variants without a weight have a third each."""
    change(file, "  - {variant: a, weight: 0.4}\n", "  - {variant: a}\n  - {variant: c}\n")
    change(file, "b, weight: 0.6", "b")
    (found,) = load_plan(file.parents[1]).experiments
    assert [variant.weight for variant in found.variants] == [pytest.approx(1 / 3)] * 3


@pytest.mark.parametrize(("old", "new", "line", "message", "mend"), FAULTS)
def test_a_fault_is_told_with_its_line(  # noqa: PLR0913, PLR0917 -- a table's columns
    file: Path, old: str, new: str, line: int, message: str, mend: str
) -> None:
    """A spoiled experiment is reported at its line and with the mend."""
    change(file, old, new)
    assert_told(check_plan(file.parents[1]), (FILE, line, message, mend))


def test_a_faulty_experiment_is_refused_alone(file: Path) -> None:
    """The others are loaded, and the plan tells what it refused."""
    other = file.with_name("other.yaml")
    other.write_text(TEXT.replace("experiment: guide", "experiment: other"), encoding="utf-8")
    change(file, "traffic: 0.1", "traffic: 10")
    plan = load_plan(file.parents[1])
    assert [experiment.experiment for experiment in plan.experiments] == ["other"]
    assert [str(fault).partition(":")[0] for fault in plan.refused] == [FILE]


def test_a_fault_elsewhere_still_refuses_the_plan(file: Path) -> None:
    """Only experiments are refused alone."""
    change(file.parents[1] / "funnels/camp_1.yaml", "version: 1", "version: one")
    with pytest.raises(PlanError, match="camp_1"):
        load_plan(file.parents[1])
