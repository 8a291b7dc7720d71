"""Two arms compared: difference, lift, tests and corrections, at a level of 5 %; SciPy computes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from funnelhouse.analysis.arm import Arm

LEVEL = 0.05
_FEW = 5
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Test:
    """A test of no difference: which one, its p-value (two-sided), and the 95 % interval."""

    name: str
    p_value: float
    interval: Interval


def rate_test(control: Arm, treated: Arm) -> Test | None:
    """Test two rates: z with the pooled variance, or Fisher's exact below expected counts of 5.

    The interval is Newcombe's of two Wilson intervals ("Interval estimation for the difference
    between independent proportions", Statistics in Medicine 17, 1998, method 10). None where
    nobody or everybody converted.
    """
    table = _table(control, treated)
    converted, missed = table.sum(axis=1)
    if not converted or not missed:
        return None
    interval = _newcombe(control, treated)
    if stats.contingency.expected_freq(table).min() < _FEW:
        return Test("fisher", float(stats.fisher_exact(table).pvalue), interval)
    pooled = converted / table.sum()
    error = math.sqrt(pooled * (1 - pooled) * (1 / control.units + 1 / treated.units))
    p_value = 2 * stats.norm.sf(abs(treated.mean - control.mean) / error)
    return Test("z", float(p_value), interval)


def mean_test(control: Arm, treated: Arm) -> Test | None:
    """Test two means by Welch's t; None where neither arm varies.

    Source: Welch, "The generalization of Student's problem when several different population
    variances are involved", Biometrika 34, 1947.
    """
    error = math.sqrt(control.error + treated.error)
    if error <= 0:
        return None
    found = stats.ttest_ind_from_stats(
        treated.mean,
        math.sqrt(treated.variance),
        treated.units,
        control.mean,
        math.sqrt(control.variance),
        control.units,
        equal_var=False,
    )
    freedom = (control.error + treated.error) ** 2 / sum(
        arm.error**2 / (arm.units - 1) for arm in (control, treated)
    )
    reach = float(stats.t.ppf(1 - LEVEL / 2, freedom)) * error
    difference = treated.mean - control.mean
    return Test("welch", float(found.pvalue), (difference - reach, difference + reach))


def lift_interval(control: Arm, treated: Arm) -> Interval | None:
    """Bound the relative lift by the delta method on the logarithm of the ratio of means.

    Source: Katz, Baptista, Azen and Pike, "Obtaining confidence intervals for the risk ratio in
    cohort studies", Biometrics 34, 1978. None unless both means are above 0.
    """
    if control.mean <= 0 or treated.mean <= 0:
        return None
    spread = sum(arm.error / arm.mean**2 for arm in (control, treated))
    reach = float(stats.norm.ppf(1 - LEVEL / 2)) * math.sqrt(spread)
    middle = math.log(treated.mean / control.mean)
    return math.exp(middle - reach) - 1, math.exp(middle + reach) - 1


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that together they err at most as often as one alone.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _table(control: Arm, treated: Arm) -> Any:
    arms = (control, treated)
    converted = [round(arm.mean * arm.units) for arm in arms]
    missed = [arm.units - count for arm, count in zip(arms, converted, strict=True)]
    return np.array([converted, missed])


def _newcombe(control: Arm, treated: Arm) -> Interval:
    (low_c, high_c), (low_t, high_t) = (_wilson(arm) for arm in (control, treated))
    difference = treated.mean - control.mean
    down = math.hypot(treated.mean - low_t, high_c - control.mean)
    up = math.hypot(high_t - treated.mean, control.mean - low_c)
    return difference - down, difference + up


def _wilson(arm: Arm) -> Interval:
    found = stats.binomtest(round(arm.mean * arm.units), arm.units).proportion_ci(
        1 - LEVEL, method="wilson"
    )
    return float(found.low), float(found.high)
