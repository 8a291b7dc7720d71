"""Rules: which event, under which conditions, reaches which stage of a funnel; rows to store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = str | float | bool
READS = ("detail", "cluster", "amount")
"""Properties that an entry may keep beside its dimensions: two texts and a number."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One property of an event compared with values by one operator of the format."""

    property: str
    operator: str
    values: tuple[Value, ...]

    def row(self) -> tuple[str, str, list[str]]:
        """Give property, operator and the values as JSON texts."""
        texts = [json.dumps(value, ensure_ascii=False) for value in self.values]
        return self.property, self.operator, texts


@dataclass(frozen=True, slots=True)
class Branch:
    """One way to a stage: an event and all conditions on it."""

    event: str
    where: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class StageRule:
    """One event that reaches one stage, flat as a table row.

    Steps and terminal stages count from 1 in `stage_position`; measures, whose `stage` is the
    measure, and exclusions, whose `stage` is "excluded", have 0. `kind` is step, withdrawn,
    rejected, excluded or measure. `conditions` are (property, operator, values as JSON texts).
    `reenter` is "" (first time only), daily or always; `within_days` 0 sets no limit. `reads`
    names the property behind track, cohort, segment and card_holder, and behind detail, cluster
    and amount where they are kept.
    """

    funnel: str
    funnel_version: int
    product: str
    stage_position: int
    stage: str
    stage_label: str
    kind: str
    lead: bool
    role: str
    within_days: int
    event_name: str
    conditions: list[tuple[str, str, list[str]]]
    reenter: str
    reads: dict[str, str]


def branches_of(entry: Mapping[str, Any]) -> tuple[Branch, ...]:
    """Read the branches of a stage, measure or exclusion, its own conditions added to each."""
    written = entry["any_of"] if "any_of" in entry else [entry["event"]]
    own = tuple(map(_condition_from, entry.get("where", ())))
    return tuple(_branch_from(branch, own) for branch in written)


def _branch_from(written: str | Mapping[str, Any], own: tuple[Condition, ...]) -> Branch:
    if isinstance(written, str):
        return Branch(written, own)
    return Branch(written["event"], (*own, *map(_condition_from, written.get("where", ()))))


def _condition_from(condition: Mapping[str, Any]) -> Condition:
    operator = next(key for key in condition if key != "property")
    return Condition(condition["property"], operator, values_of(condition[operator]))


def values_of(written: Any) -> tuple[Value, ...]:
    """Give the values of a condition, whether one or a list was written."""
    return tuple(written) if isinstance(written, list) else (written,)
