"""Targets of the plan: what a figure of a funnel should reach or keep, handed on as rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from schemas.documents import Document, Place
from schemas.faults import Fault
from schemas.known_funnels import (
    KnownFunnel,
    KnownFunnels,
    funnel_faults,
    stage_faults,
    way_faults,
)
from schemas.shapes import DATE, NAME, TEXT, closed, compiled

_STAGE_KEYS = ("from", "to", "stage")
_KEYS_OF = {
    "conversion": ("from", "to"),
    "entries": ("stage",),
    "cost": ("stage",),
    "withdrawals": ("stage",),
    **dict.fromkeys(("lac", "roas", "revenue", "ad_spend", "inquiries"), ()),
}
_MEASURE_OF = {"revenue": "revenue", "roas": "revenue", "inquiries": "inquiry"}
# Above these a percentage was written for a share: period-based conversions pass 1, seldom 2.
_HIGHEST = {"conversion": 2, "withdrawals": 1, "roas": 50}

_TARGET = closed(
    {
        "funnel": NAME,
        "track": TEXT,
        "cohort": TEXT,
        "metric": {"enum": list(_KEYS_OF)},
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
    return [_target_from(target, funnels[target["funnel"]]) for target in document["targets"]]


def _target_from(target: Mapping[str, Any], funnel: KnownFunnel) -> Target:
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


def target_faults(documents: Iterable[Document], funnels: KnownFunnels) -> Iterator[Fault]:
    """Find what is wrong with well-shaped targets, each alone and all beside one another."""
    seen: dict[Target, Fault] = {}
    for document in documents:
        for index, target in enumerate(document.value["targets"]):
            place: Place = ("targets", index)
            faults = list(_faults(document, place, target, funnels))
            yield from faults
            funnel = funnels.by_name.get(target["funnel"])
            if funnel is None or faults:
                continue
            # One figure has one target and one guardrail a day, whatever they ask.
            key = replace(_target_from(target, funnel), direction="", value=0.0)
            mend = "remove one of them or begin it on another day"
            here = document.fault(place, "this target stands twice", mend)
            first = seen.setdefault(key, here)
            if first is not here:
                message = f"this target stands at {first.file}:{first.line} already"
                yield replace(here, message=message)


def _faults(
    document: Document, place: Place, target: Mapping[str, Any], funnels: KnownFunnels
) -> Iterator[Fault]:
    yield from funnel_faults(document, place, target["funnel"], funnels)
    missing = list(_key_faults(document, place, target))
    yield from missing
    yield from _value_faults(document, place, target)
    funnel = funnels.by_name.get(target["funnel"])
    if funnel is not None and not missing:
        yield from _stage_faults(document, place, target, funnel)
        yield from _metric_faults(document, place, target["metric"], funnel)


def _key_faults(document: Document, place: Place, target: Mapping[str, Any]) -> Iterator[Fault]:
    metric = target["metric"]
    for key in _STAGE_KEYS:
        wanted = key in _KEYS_OF[metric]
        if wanted and key not in target:
            yield document.fault(place, f'the metric {metric} needs "{key}"', f'add "{key}"')
        if key in target and not wanted:
            message = f'the metric {metric} has no "{key}"'
            yield document.fault((*place, key), message, "remove it or name another metric")
    if "cohort" in target and target.get("period") != "intake":
        message = "a cohort stands with the period intake only"
        mend = "write period: intake or remove the cohort"
        yield document.fault((*place, "cohort"), message, mend)


def _value_faults(document: Document, place: Place, target: Mapping[str, Any]) -> Iterator[Fault]:
    highest = _HIGHEST.get(target["metric"])
    if highest is not None and target["value"] > highest:
        message = f"{target['value']} is no share that {target['metric']} could have"
        mend = f"write a share of at most {highest}, such as 0.35 for 35 %"
        yield document.fault((*place, "value"), message, mend)


def _stage_faults(
    document: Document, place: Place, target: Mapping[str, Any], funnel: KnownFunnel
) -> Iterator[Fault]:
    if target["metric"] == "conversion":
        yield from way_faults(document, place, (target["from"], target["to"]), funnel)
    elif "stage" in target:
        asked = funnel.stages
        if target["metric"] == "withdrawals":
            asked = funnel.steps | (funnel.measures & {"inquiry"})
        yield from stage_faults(document, (*place, "stage"), target["stage"], asked)


def _metric_faults(
    document: Document, place: Place, metric: str, funnel: KnownFunnel
) -> Iterator[Fault]:
    """Find a metric for which the funnel counts nothing."""
    here = (*place, "metric")
    measure = _MEASURE_OF.get(metric)
    if measure is not None and measure not in funnel.measures:
        message = f'the funnel has no measure "{measure}", which {metric} is made of'
        yield document.fault(here, message, "add the measure to the funnel")
    if metric == "lac" and not funnel.lead:
        message = "the funnel marks no stage as the lead"
        yield document.fault(here, message, "add lead: true to a stage")
    if metric == "withdrawals" and not funnel.withdraws:
        message = "the funnel has no stage with terminal: withdrawn"
        yield document.fault(here, message, "add such a stage to the funnel")
