"""Funnels of the plan: ordered stages of conditions on events, handed on as one rule an event."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Value = str | float | bool

_NAME: dict[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_SCALARS: dict[str, Any] = {"type": "array", "minItems": 1, "items": _SCALAR}
_CONDITION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "property": _TEXT,
        "is": _SCALAR,
        "in": _SCALARS,
        "not": {**_SCALARS, "type": [*_SCALAR["type"], "array"]},
        "exists": {"type": "boolean"},
        **{bound: {"type": "number"} for bound in ("gt", "gte", "lt", "lte")},
    },
    "required": ["property"],
    "minProperties": 2,
    "maxProperties": 2,
    "additionalProperties": False,
}
_STAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "stage": _NAME,
        "label_ko": _TEXT,
        "event": _TEXT,
        "any_of": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _TEXT},
        "where": {"type": "array", "items": _CONDITION},
        "terminal": {"enum": ["withdrawn", "rejected"]},
        "lead": {"type": "boolean"},
    },
    "required": ["stage", "label_ko"],
    "oneOf": [{"required": ["event"]}, {"required": ["any_of"]}],
    "additionalProperties": False,
}
FUNNEL_SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "funnel": _NAME,
        "title": _TEXT,
        "title_ko": _TEXT,
        "product": _TEXT,
        "version": {"type": "integer", "minimum": 1},
        "valid_from": {"type": "string", "format": "date"},
        "stages": {"type": "array", "minItems": 1, "items": _STAGE},
    },
    "required": ["funnel", "title", "title_ko", "product", "version", "valid_from", "stages"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One property of an event compared with values by one operator of the format."""

    property: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a funnel: entered by any of its events when all its conditions hold."""

    stage: str
    label: str
    events: tuple[str, ...]
    where: tuple[Condition, ...]
    terminal: str
    lead: bool


@dataclass(frozen=True, slots=True)
class StageRule:
    """One event that enters one stage, flat as a table row; `terminal` is "" for a step forward.

    `position` counts from 1; `conditions` are (property, operator, values as JSON texts).
    """

    funnel: str
    version: int
    product: str
    position: int
    stage: str
    label: str
    event_name: str
    conditions: list[tuple[str, str, list[str]]]
    terminal: str
    lead: bool


@dataclass(frozen=True, slots=True)
class Funnel:
    """A product's ordered stages, in force from a date until a higher version begins."""

    funnel: str
    title: str
    title_ko: str
    product: str
    version: int
    valid_from: date
    stages: tuple[Stage, ...]

    def rules(self) -> list[StageRule]:
        """List one rule an event, in stage order."""
        return [
            StageRule(
                funnel=self.funnel,
                version=self.version,
                product=self.product,
                position=position,
                stage=stage.stage,
                label=stage.label,
                event_name=event,
                conditions=_as_rows(stage.where),
                terminal=stage.terminal,
                lead=stage.lead,
            )
            for position, stage in enumerate(self.stages, start=1)
            for event in stage.events
        ]


def funnel_from(document: Mapping[str, Any]) -> Funnel:
    """Build the funnel of a document that has FUNNEL_SHAPE (the caller has checked it)."""
    fields = {key: document[key] for key in ("funnel", "title", "title_ko", "product", "version")}
    return Funnel(
        **fields,
        valid_from=date.fromisoformat(document["valid_from"]),
        stages=tuple(map(_stage_from, document["stages"])),
    )


def _stage_from(stage: Mapping[str, Any]) -> Stage:
    return Stage(
        stage=stage["stage"],
        label=stage["label_ko"],
        events=stage_events(stage),
        where=tuple(map(_condition_from, stage.get("where", ()))),
        terminal=stage.get("terminal", ""),
        lead=stage.get("lead", False),
    )


def stage_events(stage: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the events that enter a stage, whether written as `event` or as `any_of`."""
    return tuple(stage["any_of"]) if "any_of" in stage else (stage["event"],)


def _condition_from(condition: Mapping[str, Any]) -> Condition:
    operator = next(key for key in condition if key != "property")
    return Condition(condition["property"], operator, values_of(condition[operator]))


def values_of(written: Any) -> tuple[Value, ...]:
    """Give the values of a condition, whether one or a list was written."""
    return tuple(written) if isinstance(written, list) else (written,)


def _as_rows(conditions: tuple[Condition, ...]) -> list[tuple[str, str, list[str]]]:
    return [
        (
            condition.property,
            condition.operator,
            [json.dumps(value, ensure_ascii=False) for value in condition.values],
        )
        for condition in conditions
    ]
