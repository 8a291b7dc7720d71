"""The shape of a funnel's file: its closed set of keys, before any name in it is looked up."""

from typing import Any

from funnelhouse.schemas.funnels import DIMENSIONS, MEASURES
from funnelhouse.schemas.shapes import DATE, DAYS, NAME, TEXT, closed, compiled

_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_SCALARS: dict[str, Any] = {"type": "array", "minItems": 1, "items": _SCALAR}
_CONDITION = closed(
    {
        "property": TEXT,
        "is": _SCALAR,
        "in": _SCALARS,
        "not": {**_SCALARS, "type": [*_SCALAR["type"], "array"]},
        "exists": {"type": "boolean"},
        **{bound: {"type": "number"} for bound in ("gt", "gte", "lt", "lte")},
    },
    ["property"],
    minProperties=2,
    maxProperties=2,
)
WHERE: dict[str, Any] = {"type": "array", "items": _CONDITION}
EVENT = closed({"event": TEXT, "where": WHERE}, ["event"])
_BRANCH: dict[str, Any] = {
    "type": ["string", "object"],
    "if": {"type": "object"},
    "then": EVENT,
    "else": TEXT,
}
_BRANCHES: dict[str, Any] = {
    "event": TEXT,
    "any_of": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _BRANCH},
    "where": WHERE,
}
_ONE_OF_THE_TWO: list[dict[str, Any]] = [{"required": ["event"]}, {"required": ["any_of"]}]
_STAGE = closed(
    {
        "stage": NAME,
        "label_ko": TEXT,
        **_BRANCHES,
        "lead": {"type": "boolean"},
        "terminal": {"enum": ["withdrawn", "rejected"]},
        "reenter": {"enum": ["daily", "always"]},
        "detail": TEXT,
        "amount": TEXT,
        "role": {"enum": ["start", "value", "activation", "completion"]},
        "within_days": DAYS,
    },
    ["stage", "label_ko"],
    oneOf=_ONE_OF_THE_TWO,
    dependentSchemas={
        "within_days": {"required": ["role"], "properties": {"role": {"const": "activation"}}}
    },
)
_MEASURE = closed(
    {
        "measure": {"enum": list(MEASURES)},
        **_BRANCHES,
        "reenter": {"enum": ["daily", "always"]},
        "detail": TEXT,
        "cluster": TEXT,
        "amount": TEXT,
    },
    ["measure"],
    oneOf=_ONE_OF_THE_TWO,
    allOf=[
        {
            "if": {"properties": {"measure": {"enum": measures}}},
            "then": {"required": [read]},
        }
        for measures, read in (
            (["feature", "message_sent", "message_clicked"], "detail"),
            (["revenue", "refund", "effort"], "amount"),
        )
    ],
)
_INTAKE = closed(
    {"cohort": TEXT, "track": TEXT, "opens": DATE, "closes": DATE}, ["cohort", "opens", "closes"]
)
FUNNEL_SHAPE = compiled(
    closed(
        {
            "funnel": NAME,
            "title": TEXT,
            "title_ko": TEXT,
            "product": TEXT,
            "version": {"type": "integer", "minimum": 1, "maximum": 65535},
            "valid_from": DATE,
            "valid_until": DATE,
            "window_days": DAYS,
            "dimensions": closed(dict.fromkeys(DIMENSIONS, TEXT), []),
            "stages": {"type": "array", "minItems": 1, "items": _STAGE},
            "exclude": {"type": "array", "items": EVENT},
            "measures": {"type": "array", "items": _MEASURE},
            "intakes": {"type": "array", "items": _INTAKE},
        },
        ["funnel", "title", "title_ko", "product", "version", "valid_from", "stages"],
    )
)
