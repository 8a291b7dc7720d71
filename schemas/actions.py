"""Actions of the team: what was tried on whom, and which conversion it should move; as rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from funnelhouse.schemas.documents import Document
from funnelhouse.schemas.faults import Fault
from funnelhouse.schemas.known_funnels import (
    KnownFunnel,
    KnownFunnels,
    funnel_faults,
    stage_faults,
    way_faults,
)
from funnelhouse.schemas.shapes import DATE, DAYS, NAME, TEXT, closed, compiled

_SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
_COPIED = ("action", "title", "title_ko", "hypothesis", "funnel", "audience")
ACTION_SHAPE = compiled(
    closed(
        {
            "action": NAME,
            "title": TEXT,
            "title_ko": TEXT,
            "hypothesis": {**TEXT, "maxLength": 2000},
            "funnel": NAME,
            "starts_on": DATE,
            "window_days": DAYS,
            "audience": NAME,
            "track": TEXT,
            "from": NAME,
            "to": NAME,
            "success": _SHARE,
            "guardrail": _SHARE,
        },
        [*_COPIED, "starts_on", "window_days", "from", "to", "success"],
    )
)


@dataclass(frozen=True, slots=True)
class Action:
    """An action on the residents of a stage (`audience`) and the conversion that it should move.

    The conversion, on period basis, leads from `from_stage` to `stage`; it should be at least
    `success` and not below `guardrail` (None: none was set) within `window_days` of the start.
    `track` is "" for all tracks.
    """

    action: str
    title: str
    title_ko: str
    hypothesis: str
    funnel: str
    product: str
    track: str
    starts_on: date
    window_days: int
    audience: str
    from_stage: str
    stage: str
    success: float
    guardrail: float | None


def action_from(document: Mapping[str, Any], funnels: Mapping[str, KnownFunnel]) -> Action:
    """Build the action of a document without fault."""
    guardrail = document.get("guardrail")
    return Action(
        **{key: document[key] for key in _COPIED},
        product=funnels[document["funnel"]].product,
        track=document.get("track", ""),
        starts_on=date.fromisoformat(document["starts_on"]),
        window_days=int(document["window_days"]),
        from_stage=document["from"],
        stage=document["to"],
        success=float(document["success"]),
        guardrail=None if guardrail is None else float(guardrail),
    )


def action_faults(document: Document, funnels: KnownFunnels) -> Iterator[Fault]:
    """Find what is wrong with a well-shaped action."""
    action = document.value
    stem = PurePosixPath(document.file).stem
    if action["action"] != stem:
        mend = f'write "{stem}" or name the file {action["action"]}.yaml'
        yield document.fault(("action",), "the action is not named as its file", mend)
    if action.get("guardrail", 0) > action["success"]:
        message = "the guardrail is above the success figure"
        yield document.fault(("guardrail",), message, f"write {action['success']} or less")
    yield from funnel_faults(document, (), action["funnel"], funnels)
    funnel = funnels.by_name.get(action["funnel"])
    if funnel is not None:
        yield from stage_faults(document, ("audience",), action["audience"], funnel.steps)
        yield from way_faults(document, (), (action["from"], action["to"]), funnel)
