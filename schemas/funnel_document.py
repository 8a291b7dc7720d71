"""Reads a funnel's document into a funnel, what is not written filled in by its default."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from funnelhouse.schemas.funnels import DIMENSIONS, Funnel, Intake, Measure, Stage
from funnelhouse.schemas.rules import READS, branches_of

_WINDOW_DAYS = 30


def funnel_from(document: Mapping[str, Any]) -> Funnel:
    """Build the funnel of a document that has the shape of one (the caller has checked it)."""
    until = document.get("valid_until")
    return Funnel(
        **{key: document[key] for key in ("funnel", "title", "title_ko", "product")},
        version=int(document["version"]),
        valid_from=date.fromisoformat(document["valid_from"]),
        valid_until=date.fromisoformat(until) if until else None,
        window_days=int(document.get("window_days", _WINDOW_DAYS)),
        dimensions={
            **dict(zip(DIMENSIONS, DIMENSIONS, strict=True)),
            **document.get("dimensions", {}),
        },
        stages=tuple(map(_stage_from, document["stages"])),
        exclude=tuple(
            branch for entry in document.get("exclude", ()) for branch in branches_of(entry)
        ),
        measures=tuple(map(_measure_from, document.get("measures", ()))),
        intakes=tuple(
            _intake_from(intake, document["product"]) for intake in document.get("intakes", ())
        ),
    )


def _stage_from(stage: Mapping[str, Any]) -> Stage:
    return Stage(
        stage=stage["stage"],
        label=stage["label_ko"],
        branches=branches_of(stage),
        terminal=stage.get("terminal", ""),
        lead=stage.get("lead", False),
        role=stage.get("role", ""),
        within_days=int(stage.get("within_days", 0)),
        reenter=stage.get("reenter", ""),
        reads=_reads(stage),
    )


def _measure_from(measure: Mapping[str, Any]) -> Measure:
    reenter = measure.get("reenter", "always")
    return Measure(measure["measure"], branches_of(measure), reenter, _reads(measure))


def _reads(entry: Mapping[str, Any]) -> dict[str, str]:
    return {key: entry[key] for key in READS if key in entry}


def _intake_from(intake: Mapping[str, Any], product: str) -> Intake:
    opens, closes = (date.fromisoformat(intake[key]) for key in ("opens", "closes"))
    return Intake(product, intake.get("track", ""), intake["cohort"], opens, closes)
