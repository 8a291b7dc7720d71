"""Alerts of the plan: conditions that somebody should be told of, as a closed set of rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault, meant
from funnelhouse.schemas.shapes import NAME, TEXT, closed, compiled

KINDS = ("coverage_gap", "silence", "reject_rate", "guardrail_broken", "spool_age", "volume")
_KEYS_OF: dict[str, tuple[str, ...]] = {
    "coverage_gap": ("coverage",),
    "silence": ("source", "minutes"),
    "reject_rate": ("source", "above", "minutes", "at_least"),
    "guardrail_broken": ("funnel",),
    "spool_age": ("seconds",),
    "volume": ("source",),
}
"""The keys that a kind may have beside its name and words; others want none of them."""

_WANTED: dict[str, tuple[str, ...]] = {
    "silence": ("minutes",),
    "reject_rate": ("above",),
    "spool_age": ("seconds",),
}
_RULE = closed(
    {
        "alert": NAME,
        "kind": {"enum": list(KINDS)},
        "title": TEXT,
        "coverage": NAME,
        "source": TEXT,
        "funnel": NAME,
        "minutes": {"type": "integer", "minimum": 1, "maximum": 10_080},
        "above": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "at_least": {"type": "integer", "minimum": 1},
        "seconds": {"type": "integer", "minimum": 1},
        "severity": {"enum": ["warning", "critical"]},
    },
    ["alert", "kind"],
)
ALERTS_SHAPE = compiled(
    closed({"alerts": {"type": "array", "minItems": 1, "items": _RULE}}, ["alerts"])
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule: `kind` says what is looked at, the rest narrows it; "" and 0 stand for any.

    coverage_gap: an event of the place is missing or broken. silence: a source has sent nothing
    for so many minutes. reject_rate: more than the share `above` of at least `at_least` events
    was rejected within `minutes`. guardrail_broken: of a funnel's week, or of an experiment.
    spool_age: the oldest segment waits longer than `seconds`. volume: an hour is far from those
    of the weeks before.
    """

    alert: str
    kind: str
    title: str
    coverage: str
    source: str
    funnel: str
    minutes: int
    above: float
    at_least: int
    seconds: int
    severity: str


def alerts_from(document: Mapping[str, Any]) -> list[Alert]:
    """List the rules of a document without fault."""
    texts = ("coverage", "source", "funnel")
    return [
        Alert(
            alert=rule["alert"],
            kind=rule["kind"],
            title=rule.get("title", rule["alert"].replace("_", " ")),
            **{key: rule.get(key, "") for key in texts},
            minutes=rule.get("minutes", 60),
            above=float(rule.get("above", 0)),
            at_least=rule.get("at_least", 20),
            seconds=rule.get("seconds", 0),
            severity=rule.get("severity", "warning"),
        )
        for rule in document["alerts"]
    ]


def alert_faults(
    documents: Sequence[Document], places: Sequence[str], funnels: Sequence[str]
) -> Iterator[Fault]:
    """Find what is wrong with well-shaped rules: keys that do not fit, names that are not there."""
    seen: set[str] = set()
    for document in documents:
        for index, rule in enumerate(document.value["alerts"]):
            place: Place = ("alerts", index)
            if rule["alert"] in seen:
                message = f'the alert "{rule["alert"]}" stands twice'
                yield document.fault((*place, "alert"), message, "rename or remove one")
            seen.add(rule["alert"])
            yield from _key_faults(document, place, rule)
            for key, known, of in (("coverage", places, "place"), ("funnel", funnels, "funnel")):
                if key in rule and rule[key] not in known:
                    message = f'the plan has no {of} "{rule[key]}"'
                    yield document.fault((*place, key), message, meant(rule[key], known))


def _key_faults(document: Document, place: Place, rule: Mapping[str, Any]) -> Iterator[Fault]:
    kind = rule["kind"]
    allowed = {"alert", "kind", "title", "severity", *_KEYS_OF[kind]}
    for key in rule.keys() - allowed:
        message = f'an alert of kind {kind} has no "{key}"'
        yield document.fault((*place, key), message, meant(key, _KEYS_OF[kind]))
    for key in _WANTED.get(kind, ()):
        if key not in rule:
            message = f'an alert of kind {kind} needs "{key}"'
            yield document.fault(place, message, f'add "{key}"')
