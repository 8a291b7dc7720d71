"""What is wrong with an experiment: weights, dates, metrics, stages and events that do not fit."""

import math
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from funnelhouse.schemas.conditions import condition_faults
from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault, meant
from funnelhouse.schemas.known_funnels import KnownFunnels, funnel_faults, stage_faults
from funnelhouse.schemas.references import Events

_KEYS_OF = {
    "stage": ("funnel", "stage"),
    "stage_within": ("funnel", "stage", "days"),
    "revenue": ("funnel",),
    "count": ("event",),
}
"""The keys that a kind of metric wants; others want none of them."""
_EXPOSURE = "experiment_viewed"


def experiment_faults(document: Document, funnels: KnownFunnels, events: Events) -> Iterator[Fault]:
    """Find what is wrong with a well-shaped experiment."""
    yield from _name_faults(document)
    yield from _date_faults(document)
    yield from _variant_faults(document)
    seen: set[str] = set()
    for place, metric in _metrics(document.value):
        if metric["metric"] in seen:
            message = f'the metric "{metric["metric"]}" stands twice'
            yield document.fault((*place, "metric"), message, "rename or remove one")
        seen.add(metric["metric"])
        yield from _metric_faults(document, place, metric, funnels)
    for place, name, where in _named_events(document.value):
        yield from _event_faults(document, place, (name, where), events)


def _name_faults(document: Document) -> Iterator[Fault]:
    name, stem = document.value["experiment"], PurePosixPath(document.file).stem
    if name != stem:
        mend = f'write "{stem}" or name the file {name}.yaml'
        yield document.fault(("experiment",), "the experiment is not named as its file", mend)


def _date_faults(document: Document) -> Iterator[Fault]:
    start, end = document.value["starts_on"], document.value["ends_on"]
    if end < start:
        message = f"the experiment ends on {end}, before it starts"
        yield document.fault(("ends_on",), message, f"write {start} or a later day")


def _variant_faults(document: Document) -> Iterator[Fault]:
    variants = document.value["variants"]
    seen: set[str] = set()
    for index, entry in enumerate(variants):
        if entry["variant"] in seen:
            message = f'the variant "{entry["variant"]}" stands twice'
            yield document.fault(("variants", index, "variant"), message, "rename one")
        seen.add(entry["variant"])
    weights = [entry["weight"] for entry in variants if "weight" in entry]
    if weights and len(weights) < len(variants):
        message = "some variants have a weight and others none"
        yield document.fault(("variants",), message, "give all a weight, or none for even ones")
    elif weights and not math.isclose(sum(weights), 1, abs_tol=1e-6):
        message = f"the weights add up to {sum(weights):g}"
        yield document.fault(("variants",), message, "make them add up to 1")


def _metrics(value: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    yield ("primary",), value["primary"]
    for room in ("secondary", "guardrails"):
        for index, metric in enumerate(value.get(room, ())):
            yield (room, index), metric


def _metric_faults(
    document: Document, place: Place, metric: Mapping[str, Any], funnels: KnownFunnels
) -> Iterator[Fault]:
    kind = metric["kind"]
    for key in ("funnel", "stage", "days", "event"):
        if key in _KEYS_OF[kind] and key not in metric:
            yield document.fault(place, f'a metric of kind {kind} needs "{key}"', f'add "{key}"')
        elif key in metric and key not in _KEYS_OF[kind]:
            message = f'a metric of kind {kind} has no "{key}"'
            yield document.fault((*place, key), message, "remove it or write another kind")
    if "where" in metric and kind != "count":
        message = f'a metric of kind {kind} has no "where"'
        yield document.fault((*place, "where"), message, "remove it or write kind: count")
    if "funnel" in metric:
        yield from _funnel_faults(document, place, metric, funnels)


def _funnel_faults(
    document: Document, place: Place, metric: Mapping[str, Any], funnels: KnownFunnels
) -> Iterator[Fault]:
    yield from funnel_faults(document, place, metric["funnel"], funnels)
    funnel = funnels.by_name.get(metric["funnel"])
    if funnel is None:
        return
    if "stage" in metric:
        yield from stage_faults(document, (*place, "stage"), metric["stage"], funnel.stages)
    if metric["kind"] == "revenue" and "revenue" not in funnel.measures:
        message = 'the funnel has no measure "revenue"'
        yield document.fault((*place, "funnel"), message, "add the measure to the funnel")


def _named_events(value: Mapping[str, Any]) -> Iterator[tuple[Place, str, list[Any]]]:
    """Give place, name and conditions of every event that the experiment names."""
    if "trigger" in value:
        trigger = value["trigger"]
        yield ("trigger",), trigger["event"], trigger.get("where", [])
    for place, metric in _metrics(value):
        if "event" in metric:
            yield place, metric["event"], metric.get("where", [])
    coverage = value.get("coverage", {})
    for index, name in enumerate(coverage.get("steps", ())):
        yield ("coverage", "steps", index), name, []
    for index, pair in enumerate(coverage.get("pairs", ())):
        for side, name in pair.items():
            yield ("coverage", "pairs", index, side), name, []


def _event_faults(
    document: Document, place: Place, named: tuple[str, list[Any]], events: Events
) -> Iterator[Fault]:
    name, where = named
    here = place if place[0] == "coverage" else (*place, "event")
    if name not in events:
        yield document.fault(here, f'the plan has no event "{name}"', meant(name, events))
    elif name == _EXPOSURE:
        message = "the exposure's own event tells nothing of what followed it"
        yield document.fault(here, message, "name another event")
    elif (event := events[name]) is not None:
        for index, condition in enumerate(where):
            yield from condition_faults(document, (*place, "where", index), condition, event)
