"""Experiments of the team: who is assigned to what, which metrics judge it, and when; as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from funnelhouse.schemas.rules import branches_of

Conditions = list[tuple[str, str, list[str]]]


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the alternatives; the first of an experiment is its control."""

    variant: str
    weight: float


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured of a unit after its exposure.

    `role` is primary, secondary or guardrail. `kind` is stage (entered it or not), stage_within
    (within `days`), revenue (sum in KRW) or count (of `event`). `per_session` divides by the
    unit's sessions. `limit` is the largest relative worsening that a guardrail bears, else 0.
    """

    metric: str
    role: str
    kind: str
    funnel: str
    stage: str
    days: int
    event: str
    conditions: Conditions
    per_session: bool
    direction: str
    limit: float

    @property
    def is_rate(self) -> bool:
        """Say whether each unit either converts or not."""
        return self.kind in {"stage", "stage_within"} and not self.per_session


@dataclass(frozen=True, slots=True)
class NamedEvent:
    """An event that an experiment counts: `role` is trigger, step, browser or server.

    Steps and pairs are numbered from 1; both events of a pair have its number.
    """

    role: str
    position: int
    event: str
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment of the plan; `minimum_effect` and `success` are relative lifts.

    `starts_on` and `ends_on` are both included. `metrics` begin with the primary one.
    """

    experiment: str
    title: str
    title_ko: str
    hypothesis: str
    owner: str
    starts_on: date
    ends_on: date
    unit: str
    traffic: float
    seed: str
    variants: tuple[Variant, ...]
    metrics: tuple[Metric, ...]
    events: tuple[NamedEvent, ...]
    success: float
    minimum_effect: float

    @property
    def control(self) -> str:
        """Name the variant that the others are compared with."""
        return self.variants[0].variant


def experiment_from(document: Mapping[str, Any]) -> Experiment:
    """Build the experiment of a document without fault."""
    copied = ("experiment", "title", "title_ko", "hypothesis", "owner", "unit", "traffic")
    return Experiment(
        **{key: document[key] for key in copied},
        starts_on=date.fromisoformat(document["starts_on"]),
        ends_on=date.fromisoformat(document["ends_on"]),
        seed=document.get("seed", document["experiment"]),
        variants=_variants(document["variants"]),
        metrics=tuple(_metrics(document)),
        events=tuple(_events(document)),
        success=float(document.get("success", 0)),
        minimum_effect=float(document["minimum_effect"]),
    )


def _variants(written: list[Mapping[str, Any]]) -> tuple[Variant, ...]:
    even = 1 / len(written)
    return tuple(Variant(entry["variant"], float(entry.get("weight", even))) for entry in written)


def _metrics(document: Mapping[str, Any]) -> list[Metric]:
    return [
        _metric("primary", document["primary"]),
        *(_metric("secondary", entry) for entry in document.get("secondary", ())),
        *(_metric("guardrail", entry) for entry in document.get("guardrails", ())),
    ]


def _metric(role: str, entry: Mapping[str, Any]) -> Metric:
    texts = {key: entry.get(key, "") for key in ("funnel", "stage", "event")}
    return Metric(
        metric=entry["metric"],
        role=role,
        kind=entry["kind"],
        **texts,
        days=int(entry.get("days", 0)),
        conditions=_conditions(entry),
        per_session=entry.get("per") == "session",
        direction=entry.get("direction", "increase"),
        limit=float(entry.get("limit", 0)),
    )


def _events(document: Mapping[str, Any]) -> list[NamedEvent]:
    coverage = document.get("coverage", {})
    trigger = document.get("trigger")
    return [
        *([NamedEvent("trigger", 1, trigger["event"], _conditions(trigger))] if trigger else []),
        *(NamedEvent("step", n, name, []) for n, name in enumerate(coverage.get("steps", ()), 1)),
        *(
            NamedEvent(side, n, pair[side], [])
            for n, pair in enumerate(coverage.get("pairs", ()), 1)
            for side in ("browser", "server")
        ),
    ]


def _conditions(entry: Mapping[str, Any]) -> Conditions:
    if "event" not in entry:
        return []
    return [condition.row() for condition in branches_of(entry)[0].where]
