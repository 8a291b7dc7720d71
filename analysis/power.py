"""How many units an experiment needs for the effect that it looks for, and how long that takes."""

import math

from scipy import stats

from funnelhouse.analysis.arm import Arm
from funnelhouse.analysis.statistics import LEVEL

POWER = 0.8


def units_for_rates(rate: float, lift: float, shares: tuple[float, float]) -> int | None:
    """Count the units of the whole experiment that find a lift of a rate with a power of 80 %.

    `shares` are those of control and variant in all units. The two-sided z-test at 5 %, with the
    pooled variance under no difference. Source: Fleiss, Levin and Paik, "Statistical Methods for
    Rates and Proportions", 3rd edition, formula 4.14, for any shares. None for impossible rates.
    """
    other = rate * (1 + lift)
    if not 0 < rate < 1 or not 0 < other < 1 or not lift:
        return None
    first, second = shares
    pooled = (first * rate + second * other) / (first + second)
    null = pooled * (1 - pooled) * (1 / first + 1 / second)
    alternative = rate * (1 - rate) / first + other * (1 - other) / second
    return _units(null, alternative, other - rate)


def units_for_means(control: Arm, lift: float, shares: tuple[float, float]) -> int | None:
    """Count the units of the whole experiment that find a lift of a mean, if both arms vary alike.

    None where the mean is not above 0 or nothing varies.
    """
    if control.mean <= 0 or control.variance <= 0 or not lift:
        return None
    spread = control.variance * sum(1 / share for share in shares)
    return _units(spread, spread, control.mean * lift)


def days_left(needed: int, units: int, units_a_day: float) -> int | None:
    """Count the days until the units are there at this traffic, 0 when they are; None without."""
    if units >= needed:
        return 0
    return math.ceil((needed - units) / units_a_day) if units_a_day > 0 else None


def _units(null: float, alternative: float, difference: float) -> int:
    reach = stats.norm.ppf(1 - LEVEL / 2) * math.sqrt(null)
    reach += stats.norm.ppf(POWER) * math.sqrt(alternative)
    return math.ceil(float(reach / difference) ** 2)
