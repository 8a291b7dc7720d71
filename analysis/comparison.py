"""One metric of one variant beside the control: every figure of a readout's row."""

import math
from dataclasses import dataclass

from funnelhouse.analysis.arm import Arm, Sums, cuped_arms, mean_arm, rate_arm, ratio_arm
from funnelhouse.analysis.bayes import Belief, mean_belief, rate_belief
from funnelhouse.analysis.power import units_for_means, units_for_rates
from funnelhouse.analysis.sequential import LEAST_UNITS, always_valid
from funnelhouse.analysis.statistics import Interval, Test, lift_interval, mean_test, rate_test
from funnelhouse.schemas.experiments import Metric

_LEAST = 2


@dataclass(frozen=True, slots=True)
class ComparisonSpec:
    """What is asked of two variants: the metric, the lift of interest, and the number of variants.

    `comparisons` counts the variants beside the control, `shares` are control's and variant's.
    """

    metric: Metric
    minimum_effect: float
    comparisons: int
    shares: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures; None where the data do not suffice. Differences are variant less control.

    `worse_than_limit` bounds, sequentially and then fixed, by how much a guardrail is better than
    its limit: below 0 throughout, it is broken. `belief` is in the direction that is better.
    """

    metric: Metric
    variant: str
    control: Arm
    treated: Arm
    test: Test | None
    lift: float | None
    lift_interval: Interval | None
    always: Interval | None
    cuped: tuple[float, Test] | None
    belief: Belief | None
    units_needed: int | None
    margin: tuple[Interval, Interval] | None

    @property
    def difference(self) -> float:
        """The variant's mean less the control's."""
        return self.treated.mean - self.control.mean

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.metric.direction == "increase" else -1


def arm_of(metric: Metric, sums: Sums) -> Arm | None:
    """Make the arm of a metric, None while too few units make one."""
    if sums.units < _LEAST:
        return None
    if metric.is_rate:
        return rate_arm(sums)
    return ratio_arm(sums) if metric.per_session else mean_arm(sums)


def compare(question: ComparisonSpec, variant: str, both: tuple[Sums, Sums]) -> Comparison | None:
    """Compare a variant with the control, whose sums come first; None while there is too little."""
    metric = question.metric
    control, treated = (arm_of(metric, sums) for sums in both)
    if control is None or treated is None:
        return None
    return Comparison(
        metric=metric,
        variant=variant,
        control=control,
        treated=treated,
        test=(rate_test if metric.is_rate else mean_test)(control, treated),
        lift=treated.mean / control.mean - 1 if control.mean > 0 else None,
        lift_interval=lift_interval(control, treated),
        always=_always(question, control, treated, treated.mean - control.mean),
        cuped=_cuped(metric, both),
        belief=_belief(metric, control, treated),
        units_needed=_units_needed(question, control),
        margin=_margin(question, control, treated),
    )


def _always(
    question: ComparisonSpec, control: Arm, treated: Arm, difference: float
) -> Interval | None:
    error = control.error + treated.error
    scale = question.minimum_effect * control.mean
    if min(control.units, treated.units) < LEAST_UNITS or error <= 0 or scale <= 0:
        return None
    return always_valid(difference, error, scale, question.comparisons)


def _belief(metric: Metric, control: Arm, treated: Arm) -> Belief | None:
    """Believe that the variant is better; where less is better, the arms change places."""
    believed = rate_belief if metric.is_rate else mean_belief
    if metric.direction == "increase":
        return believed(control, treated)
    return believed(treated, control)


def _cuped(metric: Metric, both: tuple[Sums, Sums]) -> tuple[float, Test] | None:
    if metric.is_rate or metric.per_session:
        return None
    arms = cuped_arms(*both)
    test = mean_test(*arms) if arms else None
    return (arms[1].mean - arms[0].mean, test) if arms and test else None


def _units_needed(question: ComparisonSpec, control: Arm) -> int | None:
    sign = 1 if question.metric.direction == "increase" else -1
    lift = sign * question.minimum_effect
    if question.metric.is_rate:
        return units_for_rates(control.mean, lift, question.shares)
    return units_for_means(control, lift, question.shares)


def _margin(
    question: ComparisonSpec, control: Arm, treated: Arm
) -> tuple[Interval, Interval] | None:
    """Bound sign · (variant - borne · control), borne being 1 less or more the limit."""
    sign = 1 if question.metric.direction == "increase" else -1
    borne = 1 - sign * question.metric.limit
    bound = Arm(control.units, control.mean * borne, control.variance * borne**2)
    better = sign * (treated.mean - bound.mean)
    always = _always(question, bound, treated, better)
    if always is None:
        return None
    reach = 1.959963984540054 * math.sqrt(bound.error + treated.error)
    return always, (better - reach, better + reach)
