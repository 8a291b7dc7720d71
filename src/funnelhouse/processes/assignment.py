"""The running experiments as the browser tag reads them: units, seeds and buckets."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from funnelhouse.analysis.bucketing import ranges
from funnelhouse.schemas.experiments import Experiment


def definition(experiment: Experiment) -> dict[str, Any]:
    """Describe one experiment: a variant is [its name, its lowest bucket, the first above]."""
    weights = [variant.weight for variant in experiment.variants]
    buckets = ranges(len(weights), experiment.traffic, weights)
    return {
        "experiment": experiment.experiment,
        "unit": experiment.unit,
        "seed": experiment.seed,
        "variants": [
            [variant.variant, *bounds]
            for variant, bounds in zip(experiment.variants, buckets, strict=True)
        ],
    }


def running_on(day: date, experiments: Sequence[Experiment]) -> list[dict[str, Any]]:
    """Describe the experiments that run on a day, the first and the last included."""
    return [definition(one) for one in experiments if one.starts_on <= day <= one.ends_on]


def running_today(
    experiments: Sequence[Experiment], timezone: str
) -> Callable[[], list[dict[str, Any]]]:
    """Give what describes the experiments that run whenever it is asked."""
    zone = ZoneInfo(timezone)
    return lambda: running_on(datetime.now(zone).date(), experiments)
