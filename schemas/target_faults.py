"""What is wrong with targets: figures that their funnel cannot give, and the same target twice."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault
from funnelhouse.schemas.known_funnels import (
    KnownFunnel,
    KnownFunnels,
    funnel_faults,
    stage_faults,
    way_faults,
)
from funnelhouse.schemas.targets import Target, target_from

_KEYS_OF = {
    "conversion": ("from", "to"),
    "entries": ("stage",),
    "cost": ("stage",),
    "withdrawals": ("stage",),
}
"""The keys of stages that a metric wants; others want none."""
_MEASURE_OF = {"revenue": "revenue", "roas": "revenue", "inquiries": "inquiry"}
# Above these a percentage was written for a share: period-based conversions pass 1, seldom 2.
_HIGHEST = {"conversion": 2, "withdrawals": 1, "roas": 50}


def target_faults(documents: Iterable[Document], funnels: KnownFunnels) -> Iterator[Fault]:
    """Find what is wrong with well-shaped targets, each alone and all beside one another."""
    seen: dict[Target, str] = {}
    for document in documents:
        for index, target in enumerate(document.value["targets"]):
            place: Place = ("targets", index)
            faults = list(_faults(document, place, target, funnels))
            funnel = funnels.by_name.get(target["funnel"])
            if not faults and funnel is not None:
                faults += _repeated(document, place, target_from(target, funnel), seen)
            yield from faults


def _repeated(
    document: Document, place: Place, target: Target, seen: dict[Target, str]
) -> Iterator[Fault]:
    """Find a target that was seen, and note where: one figure has one target a day."""
    key = replace(target, direction="", value=0.0)
    mend = "remove one of them or begin it on another day"
    fault = document.fault(place, f"this target stands at {seen.get(key)} already", mend)
    if key in seen:
        yield fault
    else:
        seen[key] = f"{fault.file}:{fault.line}"


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
    for key in ("from", "to", "stage"):
        wanted = key in _KEYS_OF.get(metric, ())
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
