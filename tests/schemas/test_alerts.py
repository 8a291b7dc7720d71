"""What is wrong with a file of alerts, told with its line and a mend."""

from pathlib import Path

import pytest

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.registry import load_plan
from tests.schemas.test_coverage import GOOD as COVERAGE
from tests.schemas.test_coverage import folder, written

__all__ = ["folder"]

GOOD = """alerts:
  - {alert: gap, kind: coverage_gap, coverage: course}
  - {alert: quiet, kind: silence, source: web, minutes: 30, severity: critical}
  - {alert: many, kind: reject_rate, above: 0.05}
  - {alert: broken, kind: guardrail_broken, funnel: bootcamp_short}
"""


def alerting(plan: Path, text: str) -> Path:
    """Write the one file of alerts beside sound coverage."""
    (plan / "alerts").mkdir(exist_ok=True)
    (plan / "alerts" / "team.yaml").write_text(text, encoding="utf-8")
    return written(plan, COVERAGE)


def test_good_rules_are_loaded(folder: Path) -> None:
    """Each rule has what it says, and sensible values for the rest."""
    gap, quiet, many, _ = load_plan(alerting(folder, GOOD)).alerts
    assert (gap.kind, gap.coverage, gap.severity) == ("coverage_gap", "course", "warning")
    assert (quiet.source, quiet.minutes, quiet.severity) == ("web", 30, "critical")
    assert (many.above, many.minutes, many.at_least) == (0.05, 60, 20)


@pytest.mark.parametrize(
    ("sound", "mistaken", "line", "told"),
    [
        ("coverage: course", "coverage: corse", 2, 'write "course"'),
        ("kind: silence", "kind: silent", 3, 'write "silence"'),
        (", minutes: 30", "", 3, 'needs "minutes"'),
        ("above: 0.05", "above: 5", 4, ""),
        ("above: 0.05", "source: web", 4, 'needs "above"'),
        ("alert: quiet", "alert: gap", 3, "stands twice"),
        ("funnel: bootcamp_short", "funnel: bootcamp_shrt", 5, 'write "bootcamp_short"'),
        ("funnel: bootcamp_short", "seconds: 5", 5, 'has no "seconds"'),
    ],
)
def test_a_mistake_is_told(folder: Path, sound: str, mistaken: str, line: int, told: str) -> None:
    """It is refused alone, with the line and what was meant."""
    plan = alerting(folder, GOOD.replace(sound, mistaken, 1))
    faults = [fault for fault in check_plan(plan) if fault.file.startswith("alerts/")]
    assert (faults[0].line, told in str(faults[0])) == (line, True), faults
    assert load_plan(plan).alerts == ()
    alerting(folder, GOOD)
