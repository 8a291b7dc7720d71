"""An interval that holds however often it is looked at, since people look every Monday."""

import math

from funnelhouse.analysis.statistics import LEVEL, Interval

LEAST_UNITS = 100
"""Fewer units in an arm give no interval: the sums are not normal enough. Looking later than one
could never makes an error more likely."""


def always_valid(difference: float, error: float, scale: float, comparisons: int = 1) -> Interval:
    """Bound a difference by the mixture sequential probability ratio test, for all times at once.

    `error` is the squared standard error V of the difference, `scale` the standard deviation T of
    effects mixed over (those of interest); both above 0. The bound is
    sqrt(V (V + T²) / T² · ln((V + T²) / (V a²))), with a the level over `comparisons`.
    Source: Johari, Koomen, Pekelis and Walsh, "Always Valid Inference: Continuous Monitoring of A/B
    Tests", Operations Research 70, 2022, section 4; with an estimated variance it holds for many
    units (Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence
    sequences", Annals of Statistics 52, 2024).
    """
    mixed, level = scale**2, LEVEL / comparisons
    spread = error * (error + mixed) / mixed
    reach = math.sqrt(spread * math.log((error + mixed) / (error * level**2)))
    return difference - reach, difference + reach
