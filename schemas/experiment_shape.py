"""The shape of an experiment's file: its closed set of keys, before any name is looked up."""

from typing import Any

from funnelhouse.schemas.funnel_shape import EVENT, WHERE
from funnelhouse.schemas.shapes import DATE, DAYS, NAME, TEXT, closed, compiled

KINDS = ("stage", "stage_within", "revenue", "count")
UNITS = ("device", "user", "session")
_SHARE: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
# A variant stands in a 100-character property of the exposure's event.
_VARIANT_ID: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 100}
_VARIANT = closed({"variant": _VARIANT_ID, "weight": _SHARE, "label_ko": TEXT}, ["variant"])
_METRIC: dict[str, Any] = {
    "metric": NAME,
    "kind": {"enum": list(KINDS)},
    "funnel": NAME,
    "stage": NAME,
    "days": DAYS,
    "event": TEXT,
    "where": WHERE,
    "per": {"enum": ["unit", "session"]},
    "direction": {"enum": ["increase", "decrease"]},
}
_JUDGED = closed(_METRIC, ["metric", "kind"])
_GUARDRAIL = closed({**_METRIC, "limit": _SHARE}, ["metric", "kind", "limit"])
_PAIR = closed({"browser": TEXT, "server": TEXT}, ["browser", "server"])
EXPERIMENT_SHAPE = compiled(
    closed(
        {
            "experiment": NAME,
            "title": TEXT,
            "title_ko": TEXT,
            "hypothesis": {**TEXT, "maxLength": 2000},
            "owner": TEXT,
            "starts_on": DATE,
            "ends_on": DATE,
            "unit": {"enum": list(UNITS)},
            "traffic": _SHARE,
            "seed": TEXT,
            "variants": {"type": "array", "minItems": 2, "maxItems": 10, "items": _VARIANT},
            "trigger": EVENT,
            "primary": _JUDGED,
            "secondary": {"type": "array", "items": _JUDGED},
            "guardrails": {"type": "array", "items": _GUARDRAIL},
            "success": {"type": "number", "minimum": 0, "maximum": 1},
            "minimum_effect": _SHARE,
            "coverage": closed(
                {
                    "steps": {"type": "array", "items": TEXT},
                    "pairs": {"type": "array", "items": _PAIR},
                },
                [],
            ),
        },
        [
            "experiment",
            "title",
            "title_ko",
            "hypothesis",
            "owner",
            "starts_on",
            "ends_on",
            "unit",
            "traffic",
            "variants",
            "primary",
            "minimum_effect",
        ],
    )
)
