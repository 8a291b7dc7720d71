"""A readout: the sums of an experiment become rows of figures, under one verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from funnelhouse.analysis.arm import Sums
from funnelhouse.analysis.comparison import Comparison, ComparisonSpec, arm_of, compare
from funnelhouse.analysis.gates import Check, broken_gates
from funnelhouse.analysis.power import days_left
from funnelhouse.analysis.statistics import holm
from funnelhouse.analysis.verdict import Case, Verdict, judge
from funnelhouse.schemas.experiments import Experiment, Metric

NO_SUMS = Sums(0, 0, 0, 0, 0, 0)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExperimentFacts:
    """What the warehouse says of an experiment as of a day; sums by metric's number and variant."""

    as_of: date
    sums: Mapping[tuple[int, str], Sums]
    checks: Sequence[Check]
    units_a_day: float


@dataclass(frozen=True, slots=True)
class Readout:
    """Rows of `experiment_readouts` without the time, and the verdict that each of them has."""

    verdict: Verdict
    rows: list[Row]


def read_out(experiment: Experiment, facts: ExperimentFacts) -> Readout:
    """Compare every variant with the control in every metric, and judge; pure."""
    found = {
        (number, variant.variant): _compared(experiment, facts, number, variant.variant)
        for number in range(1, len(experiment.metrics) + 1)
        for variant in experiment.variants[1:]
    }
    adjusted = _adjusted(found)
    verdict = judge(_case(experiment, facts, found, adjusted))
    rows = [
        _row(experiment, facts, (number, variant.variant))
        | _figures(facts, found.get((number, variant.variant)))
        | {"p_adjusted": adjusted.get((number, variant.variant))}
        | {"verdict": verdict.verdict, "why": verdict.why}
        for number in range(1, len(experiment.metrics) + 1)
        for variant in experiment.variants
    ]
    return Readout(verdict, rows)


Found = Mapping[tuple[int, str], Comparison | None]


def _compared(
    experiment: Experiment, facts: ExperimentFacts, number: int, variant: str
) -> Comparison | None:
    weights = {entry.variant: entry.weight for entry in experiment.variants}
    question = ComparisonSpec(
        experiment.metrics[number - 1],
        experiment.minimum_effect,
        len(experiment.variants) - 1,
        (weights[experiment.control], weights[variant]),
    )
    both = tuple(facts.sums.get((number, name), NO_SUMS) for name in (experiment.control, variant))
    return compare(question, variant, (both[0], both[1]))


def _adjusted(found: Found) -> dict[tuple[int, str], float]:
    """Adjust the primary metric's p-values over variants, all secondary ones over both."""
    families: dict[str, dict[tuple[int, str], float]] = {}
    for key, comparison in found.items():
        if comparison is not None and comparison.test is not None:
            family = families.setdefault(comparison.metric.role, {})
            family[key] = comparison.test.p_value
    return {
        key: p_value
        for role, family in families.items()
        for key, p_value in zip(
            family,
            family.values() if role == "guardrail" else holm(list(family.values())),
            strict=True,
        )
    }


def _case(
    experiment: Experiment,
    facts: ExperimentFacts,
    found: Found,
    adjusted: Mapping[tuple[int, str], float],
) -> Case:
    weights = {entry.variant: entry.weight for entry in experiment.variants}
    of = {
        role: [c for c in found.values() if c is not None and c.metric.role == role]
        for role in ("primary", "guardrail")
    }
    left = [_days_left(facts, comparison) for comparison in of["primary"]]
    return Case(
        broken=broken_gates(weights, facts.checks),
        primary=of["primary"],
        guardrails=of["guardrail"],
        adjusted={variant: p for (number, variant), p in adjusted.items() if number == 1},
        success=experiment.success,
        minimum_effect=experiment.minimum_effect,
        ended=facts.as_of >= experiment.ends_on,
        days_left=max((days for days in left if days is not None), default=None),
    )


def _days_left(facts: ExperimentFacts, comparison: Comparison) -> int | None:
    if comparison.units_needed is None:
        return None
    number = 1
    units = sum(sums.units for (metric, _), sums in facts.sums.items() if metric == number)
    return days_left(comparison.units_needed, units, facts.units_a_day)


def _row(experiment: Experiment, facts: ExperimentFacts, key: tuple[int, str]) -> Row:
    metric: Metric = experiment.metrics[key[0] - 1]
    sums = facts.sums.get(key, NO_SUMS)
    arm = arm_of(metric, sums)
    return {
        "experiment": experiment.experiment,
        "as_of": facts.as_of,
        "position": key[0],
        "metric": metric.metric,
        "role": metric.role,
        "kind": metric.kind,
        "variant": key[1],
        "units": sums.units,
        "total": sums.amounts,
        "mean": None if arm is None else arm.mean,
    }


def _figures(facts: ExperimentFacts, comparison: Comparison | None) -> Row:
    names = (
        *("difference", "difference_low", "difference_high", "lift", "lift_low", "lift_high"),
        *("p_value", "test", "always_low", "always_high", "better", "expected_loss"),
        *("cuped_difference", "cuped_low", "cuped_high", "units_needed", "days_left"),
    )
    if comparison is None:
        return dict.fromkeys(names) | {"test": ""}
    test, cuped = comparison.test, comparison.cuped
    values = (
        comparison.difference,
        *(test.interval if test else (None, None)),
        comparison.lift,
        *(comparison.lift_interval or (None, None)),
        *((test.p_value, test.name) if test else (None, "")),
        *(comparison.always or (None, None)),
        *(comparison.belief or (None, None)),
        *((cuped[0], *cuped[1].interval) if cuped else (None, None, None)),
        comparison.units_needed,
        _days_left(facts, comparison),
    )
    return dict(zip(names, values, strict=True))
