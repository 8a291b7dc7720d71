"""Experiments as the tag reads them: those of the day, with the buckets of the readout."""

from datetime import date

import pytest

from funnelhouse.analysis.bucketing import ranges
from funnelhouse.processes.assignment import definition, running_on
from tests.analysis.plans import experiment


def test_definition() -> None:
    """A definition has unit, seed and each variant's buckets, the control first."""
    plan = experiment(traffic=0.5, variants=[("a", 0.4), ("b", 0.6)])
    told = definition(plan)
    low, high = ranges(2, 0.5, [0.4, 0.6])
    assert told["variants"] == [["a", *low], ["b", *high]]
    assert (told["experiment"], told["seed"]) == (plan.experiment, plan.seed)


@pytest.mark.parametrize("end", ["starts_on", "ends_on"])
def test_the_first_and_the_last_day_count(end: str) -> None:
    """An experiment runs from its first to its last day."""
    plan = experiment(traffic=1, variants=[("a", 0.5), ("b", 0.5)])
    day: date = getattr(plan, end)
    beside = day.replace(year=day.year - 1 if end == "starts_on" else day.year + 1)
    assert running_on(day, [plan])
    assert not running_on(beside, [plan])
