"""How probable it is that a variant beats the control, and what choosing it would cost if not."""

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from funnelhouse.analysis.arm import Arm

_POINTS = 4001
_WIDE = 10.0


class Belief(NamedTuple):
    """P(treated > control) and E[max(control - treated, 0)], in the metric's own measure."""

    better: float
    expected_loss: float


def rate_belief(control: Arm, treated: Arm) -> Belief:
    """Believe two rates under even priors, Beta(1, 1), by integration over a fine grid.

    Source: Stucchio, "Bayesian A/B Testing at VWO", 2015, sections 4 and 5.
    """
    first, second = (_beta(arm) for arm in (control, treated))
    means, spreads = (first.mean(), second.mean()), (first.std(), second.std())
    low = max(0.0, min(m - _WIDE * s for m, s in zip(means, spreads, strict=True)))
    high = min(1.0, max(m + _WIDE * s for m, s in zip(means, spreads, strict=True)))
    grid = np.linspace(low, high, _POINTS)
    better = np.trapezoid(first.cdf(grid) * second.pdf(grid), grid)
    loss = np.trapezoid(second.cdf(grid) * first.sf(grid), grid)
    return Belief(min(float(better), 1.0), float(loss))


def mean_belief(control: Arm, treated: Arm) -> Belief | None:
    """Believe two means under flat priors: their difference is normal; None where none varies."""
    error = math.sqrt(control.error + treated.error)
    if error <= 0:
        return None
    z = (treated.mean - control.mean) / error
    loss = error * (stats.norm.pdf(z) - z * stats.norm.sf(z))
    return Belief(float(stats.norm.cdf(z)), float(loss))


def _beta(arm: Arm) -> "stats.rv_frozen":
    converted = round(arm.mean * arm.units)
    return stats.beta(1 + converted, 1 + arm.units - converted)
