"""Targets of the plan: what a figure of a funnel should reach or keep, handed on as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from funnelhouse.schemas.known_funnels import KnownFunnel
from funnelhouse.schemas.shapes import DATE, NAME, TEXT, closed, compiled

METRICS = (
    "conversion", "entries", "cost", "withdrawals",
    "lac", "roas", "revenue", "ad_spend", "inquiries",
)  # fmt: skip

_TARGET = closed(
    {
        "funnel": NAME,
        "track": TEXT,
        "cohort": TEXT,
        "metric": {"enum": list(METRICS)},
        "from": NAME,
        "to": NAME,
        "stage": NAME,
        "period": {"enum": ["week", "month", "intake", "total"]},
        "role": {"enum": ["target", "guardrail"]},
        "direction": {"enum": ["at_least", "at_most"]},
        "value": {"type": "number", "minimum": 0, "maximum": 1e15},
        "valid_from": DATE,
    },
    ["funnel", "metric", "role", "direction", "value", "valid_from"],
)
TARGETS_SHAPE = compiled(
    closed({"targets": {"type": "array", "minItems": 1, "items": _TARGET}}, ["targets"])
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a metric should be from a day on; "" where a track, cohort or stage is not named.

    `period` is week, month, intake or total, `role` target or guardrail, `direction` at_least or
    at_most. Of a conversion, `stage` is the stage that it leads to; of lac, the lead stage.
    Conversions, withdrawals and roas are shares (0.35 is 35 %), money is whole KRW.
    """

    funnel: str
    product: str
    track: str
    cohort: str
    metric: str
    from_stage: str
    stage: str
    period: str
    role: str
    direction: str
    value: float
    valid_from: date


def targets_from(document: Mapping[str, Any], funnels: Mapping[str, KnownFunnel]) -> list[Target]:
    """List the targets of a document without fault."""
    return [target_from(target, funnels[target["funnel"]]) for target in document["targets"]]


def target_from(target: Mapping[str, Any], funnel: KnownFunnel) -> Target:
    """Build one target of its funnel, an entry of a document without fault."""
    lead = funnel.lead if target["metric"] == "lac" else ""
    return Target(
        **{key: target[key] for key in ("funnel", "metric", "role", "direction")},
        product=funnel.product,
        track=target.get("track", ""),
        cohort=target.get("cohort", ""),
        from_stage=target.get("from", ""),
        stage=target.get("to", target.get("stage", lead)),
        period=target.get("period", "week"),
        value=float(target["value"]),
        valid_from=date.fromisoformat(target["valid_from"]),
    )
