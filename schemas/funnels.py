"""Funnels of the plan: ordered stages, exclusions and measures, handed on as one rule an event."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from funnelhouse.schemas.rules import Branch, StageRule

DIMENSIONS = ("track", "cohort", "segment", "card_holder")
MEASURES = (
    "revenue", "refund", "inquiry", "activity", "feature", "effort", "ticket",
    "message_sent", "message_clicked",
)  # fmt: skip
EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage and the branches by which it is reached; `terminal` is "" for a step forward."""

    stage: str
    label: str
    branches: tuple[Branch, ...]
    terminal: str
    lead: bool
    role: str
    within_days: int
    reenter: str
    reads: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Measure:
    """Events that are counted beside the stages; `reenter` is daily or always."""

    measure: str
    branches: tuple[Branch, ...]
    reenter: str
    reads: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Intake:
    """When a cohort is open, both days included; `track` is "" for all tracks."""

    product: str
    track: str
    cohort: str
    opens: date
    closes: date


@dataclass(frozen=True, slots=True)
class Funnel:
    """One version of a product's funnel.

    In force from `valid_from` through `valid_until`; where that is None, until the next version
    begins. `window_days` is the window of ordered conversion.
    """

    funnel: str
    title: str
    title_ko: str
    product: str
    version: int
    valid_from: date
    valid_until: date | None
    window_days: int
    dimensions: Mapping[str, str]
    stages: tuple[Stage, ...]
    exclude: tuple[Branch, ...]
    measures: tuple[Measure, ...]
    intakes: tuple[Intake, ...]

    def rules(self) -> list[StageRule]:
        """List one rule a branch: stages in order, then exclusions, then measures."""
        return [*self._stage_rules(), *self._exclusions(), *self._measure_rules()]

    def _stage_rules(self) -> Iterator[StageRule]:
        for position, stage in enumerate(self.stages, start=1):
            for branch in stage.branches:
                yield self._rule(
                    branch,
                    stage.reads,
                    stage_position=position,
                    stage=stage.stage,
                    stage_label=stage.label,
                    kind=stage.terminal or "step",
                    lead=stage.lead,
                    role=stage.role,
                    within_days=stage.within_days,
                    reenter=stage.reenter,
                )

    def _exclusions(self) -> Iterator[StageRule]:
        for branch in self.exclude:
            yield self._rule(branch, {}, stage=EXCLUDED, kind=EXCLUDED)

    def _measure_rules(self) -> Iterator[StageRule]:
        for measure in self.measures:
            for branch in measure.branches:
                yield self._rule(
                    branch,
                    measure.reads,
                    stage=measure.measure,
                    kind="measure",
                    reenter=measure.reenter,
                )

    def _rule(self, branch: Branch, reads: Mapping[str, str], **own: Any) -> StageRule:
        outside = {"stage_position": 0, "stage_label": "", "lead": False, "role": ""}
        return StageRule(
            funnel=self.funnel,
            funnel_version=self.version,
            product=self.product,
            event_name=branch.event,
            conditions=[condition.row() for condition in branch.where],
            reads={**self.dimensions, **reads},
            **{**outside, "within_days": 0, "reenter": "", **own},
        )
