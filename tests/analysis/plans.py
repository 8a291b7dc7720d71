"""Experiments and simulated figures for the tests of their statistics."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from funnelhouse.analysis.arm import Sums
from funnelhouse.schemas.experiments import Experiment, Metric, Variant

HALVES = (("a", 0.5), ("b", 0.5))


def metric(name: str = "applied", role: str = "primary", **changes: Any) -> Metric:
    """Return a metric of a stage, some of its fields changed."""
    plain: dict[str, Any] = {
        "metric": name,
        "role": role,
        "kind": "stage",
        "funnel": "course",
        "stage": name,
        "days": 0,
        "event": "",
        "conditions": [],
        "per_session": False,
        "direction": "increase",
        "limit": 0.0,
    }
    return Metric(**plain | changes)


def experiment(
    *,
    traffic: float = 1,
    variants: Sequence[tuple[str, float]] = HALVES,
    metrics: Sequence[Metric] = (metric(),),
    success: float = 0,
    minimum_effect: float = 0.1,
) -> Experiment:
    """Return an experiment of August 5th to 18th."""
    return Experiment(
        experiment="guide",
        title="Guide",
        title_ko="가이드",
        hypothesis="Readers apply.",
        owner="growth",
        starts_on=date(2024, 8, 5),
        ends_on=date(2024, 8, 18),
        unit="device",
        traffic=traffic,
        seed="guide",
        variants=tuple(Variant(*variant) for variant in variants),
        metrics=tuple(metrics),
        events=(),
        success=success,
        minimum_effect=minimum_effect,
    )


def counted(units: int, converted: int) -> Sums:
    """Return the sums of a rate."""
    return Sums(units, converted, converted, units, units, converted)


def summed(amounts: Any, sessions: Any = None, earlier: Any = None) -> Sums:
    """Return the sums of amounts, one a unit."""
    y = np.asarray(amounts, float)
    s = np.ones(len(y)) if sessions is None else np.asarray(sessions, float)
    x = np.zeros(len(y)) if earlier is None else np.asarray(earlier, float)
    return Sums(
        len(y), y.sum(), (y * y).sum(), s.sum(), (s * s).sum(), (y * s).sum(),
        x.sum(), (x * x).sum(), (y * x).sum(),
    )  # fmt: skip
