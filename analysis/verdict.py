"""What to do with an experiment, and why, in a sentence: trust first, then guardrails, then effect.

Until its planned end only intervals decide that hold however often they are looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from funnelhouse.analysis.comparison import Comparison
from funnelhouse.analysis.statistics import LEVEL


class Verdict(NamedTuple):
    """`verdict` is ship, stop, keep running, guardrail broken or not trustworthy."""

    verdict: str
    why: str


@dataclass(frozen=True, slots=True)
class Case:
    """All that a verdict goes by; `adjusted` are the primary metric's p-values by variant."""

    broken: Sequence[str]
    primary: Sequence[Comparison]
    guardrails: Sequence[Comparison]
    adjusted: Mapping[str, float]
    success: float
    minimum_effect: float
    ended: bool
    days_left: int | None


def judge(case: Case) -> Verdict:
    """Give the verdict; the first of the rules that applies."""
    if case.broken:
        return Verdict("not trustworthy", _sentence("; ".join(case.broken)))
    for guardrail in case.guardrails:
        if _is_broken(guardrail, ended=case.ended):
            metric = guardrail.metric
            why = f"variant {guardrail.variant} worsens {metric.metric} by more than"
            told = f"{why} {metric.limit:.0%} ({_lift(guardrail)})"
            return Verdict("guardrail broken", _sentence(told))
    winners = [c for c in case.primary if _wins(c, case)]
    if winners:
        best = max(winners, key=lambda c: c.sign * c.difference)
        return Verdict("ship", _sentence(f"variant {best.variant} wins: {_told(best, case)}"))
    return _unwon(case)


def _unwon(case: Case) -> Verdict:
    if case.ended:
        told = "; ".join(_ended(c, case) for c in case.primary) or "it ended with too little data"
        return Verdict("stop", _sentence(f"no variant won by the planned end: {told}"))
    if case.primary and all(_hopeless(c, case) for c in case.primary):
        told = "; ".join(_told(c, case) for c in case.primary)
        effect = f"the effect of interest, {case.minimum_effect:.0%}, is ruled out"
        return Verdict("stop", _sentence(f"{effect}: {told}"))
    if not any(c.always for c in case.primary):
        return Verdict("keep running", "There is too little data to judge by.")
    left = f", about {case.days_left} days at today's traffic" if case.days_left else ""
    told = "; ".join(_told(c, case) for c in case.primary)
    return Verdict("keep running", _sentence(f"not decided yet{left}: {told}"))


def _wins(comparison: Comparison, case: Case) -> bool:
    """Say whether better is sure, and the estimate reaches the success threshold."""
    good = comparison.sign * (comparison.lift or 0.0)
    if good <= 0 or good < case.success:
        return False
    always = comparison.always
    sure = always is not None and min(comparison.sign * bound for bound in always) > 0
    return sure or (case.ended and case.adjusted.get(comparison.variant, 1.0) < LEVEL)


def _hopeless(comparison: Comparison, case: Case) -> bool:
    if comparison.always is None:
        return False
    best = max(comparison.sign * bound for bound in comparison.always)
    return best < case.minimum_effect * comparison.control.mean


def _is_broken(guardrail: Comparison, *, ended: bool) -> bool:
    if guardrail.margin is None:
        return False
    always, fixed = guardrail.margin
    return always[1] < 0 or (ended and fixed[1] < 0)


def _ended(comparison: Comparison, case: Case) -> str:
    p_value = case.adjusted.get(comparison.variant)
    shown = "too little data" if p_value is None else f"p {p_value:.2g}"
    return f"variant {comparison.variant} {_lift(comparison)}, {shown}"


def _told(comparison: Comparison, case: Case) -> str:
    return ", ".join(_parts(comparison, case))


def _parts(comparison: Comparison, case: Case) -> Iterator[str]:
    yield f"variant {comparison.variant} {_lift(comparison)} in {comparison.metric.metric}"
    if case.ended and comparison.variant in case.adjusted:
        yield f"p {case.adjusted[comparison.variant]:.2g}"
    elif comparison.always and comparison.control.mean > 0:
        low, high = (bound / comparison.control.mean for bound in comparison.always)
        yield f"always-valid {low:+.1%} to {high:+.1%}"


def _lift(comparison: Comparison) -> str:
    return "unknown" if comparison.lift is None else f"{comparison.lift:+.1%}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
