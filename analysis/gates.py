"""Whether the numbers of an experiment can be trusted at all: checked before any of them is read.

Each gate hands on a sentence where it is broken.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

SURE = 0.001
"""The p-value below which a gate is broken, so that honest experiments seldom are."""
MOST_CONTAMINATED = 0.01
MARKED = 0.95
"""A share below this part of the highest one is markedly less."""


@dataclass(frozen=True, slots=True)
class Check:
    """Of a variant's units those that have something: a row of `experiment_checks`."""

    gate: str
    position: int
    name: str
    variant: str
    units: int
    having: int

    @property
    def share(self) -> float:
        """The share of units, 0 of none."""
        return self.having / self.units if self.units else 0.0


def broken_gates(weights: Mapping[str, float], checks: Sequence[Check]) -> list[str]:
    """Say in a sentence each what is broken; `weights` are those planned, by variant."""
    groups: dict[tuple[str, int], list[Check]] = defaultdict(list)
    for check in checks:
        groups[check.gate, check.position].append(check)
    of_units = groups.get(("contaminated", 0), [])
    units = {check.variant: check.units for check in of_units}
    return [
        *_mismatch(weights, units),
        *_contamination(of_units),
        *(sentence for group in groups.values() for sentence in _coverage(group)),
    ]


def _mismatch(weights: Mapping[str, float], units: Mapping[str, int]) -> Iterator[str]:
    """Hold units against weights by chi-squared.

    Source: Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments",
    KDD 2019.
    """
    counted = np.array([units.get(variant, 0) for variant in weights])
    if not counted.sum():
        return
    planned = np.array(list(weights.values()))
    p_value = stats.chisquare(counted, counted.sum() * planned / planned.sum()).pvalue
    if p_value < SURE:
        shown = " : ".join(map(str, counted))
        wanted = " : ".join(f"{weight:g}" for weight in planned)
        yield f"units came as {shown} where {wanted} was planned (sample ratio, p {p_value:.1g})"


def _contamination(checks: Sequence[Check]) -> Iterator[str]:
    units, having = sum(c.units for c in checks), sum(c.having for c in checks)
    if units and having / units > MOST_CONTAMINATED:
        yield f"{having / units:.1%} of the units saw more than one variant"


def _coverage(group: Sequence[Check]) -> Iterator[str]:
    """Tell of one check which variant has markedly less, or for rejects more, than another."""
    counted = [check for check in group if check.units]
    if len(counted) < 2 or group[0].gate == "contaminated":  # noqa: PLR2004 -- two to compare
        return
    low = min(counted, key=lambda check: check.share)
    high = max(counted, key=lambda check: check.share)
    if low.share >= MARKED * high.share or _p_value(counted) >= SURE:
        return
    shares = f"{low.share:.1%} against {high.share:.1%}"
    match low.gate:
        case "step":
            yield (
                f"variant {low.variant} sends {low.name} for fewer units than variant"
                f" {high.variant} ({shares})"
            )
        case "pair":
            yield (
                f"variant {low.variant} lost {low.name} of units whose server event came"
                f" ({shares} in variant {high.variant})"
            )
        case "rejected":
            shares = f"{high.share:.1%} of the units against {low.share:.1%}"
            yield f"events of variant {high.variant} are rejected more often ({shares})"
        case "followed" if not low.having:
            yield f"no unit of variant {low.variant} has any event after its exposure"


def _p_value(checks: Sequence[Check]) -> float:
    """Test equal shares: Fisher's exact for two variants, chi-squared for more."""
    table = np.array([[c.having for c in checks], [c.units - c.having for c in checks]])
    if not table.sum(axis=1).all():
        return 1.0
    if len(checks) == 2:  # noqa: PLR2004 -- Fisher's table
        return float(stats.fisher_exact(table).pvalue)
    return float(stats.chi2_contingency(table).pvalue)
