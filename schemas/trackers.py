"""Names of other trackers' events: the table that says which of their events is which of ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from funnelhouse.schemas.documents import Document
from funnelhouse.schemas.faults import Fault
from funnelhouse.schemas.shapes import NAME, TEXT, closed, compiled

_EVENT = {"event": NAME, "properties": {"type": "object", "additionalProperties": TEXT}}
_STRUCTURED = closed({"category": TEXT, "action": TEXT, **_EVENT}, ["action", "event"])
_SELF_DESCRIBING = closed({"schema": TEXT, **_EVENT}, ["schema", "event"])
SNOWPLOW_SHAPE = compiled(
    closed(
        {
            "page_ping_ms": {"type": "integer", "minimum": 1000, "maximum": 3_600_000},
            "structured": {"type": "array", "items": _STRUCTURED},
            "self_describing": {"type": "array", "items": _SELF_DESCRIBING},
        },
        [],
    )
)


@dataclass(frozen=True, slots=True)
class PropertyRenames:
    """One of our events, and which of their fields are its properties (ours: theirs)."""

    event: str
    properties: Mapping[str, str] = field(default_factory=dict)

    def of(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields by our names; those that have none keep theirs."""
        ours = {name: fields[own] for name, own in self.properties.items() if own in fields}
        taken = set(self.properties.values())
        return {**{name: value for name, value in fields.items() if name not in taken}, **ours}


@dataclass(frozen=True, slots=True)
class SnowplowNames:
    """Our names of Snowplow's events; a page ping tells of `page_ping_ms` of engaged time.

    Structured events go by (category, action) or ("", action), self-describing ones by
    vendor/name of their schema.
    """

    page_ping_ms: int = 10_000
    structured: Mapping[tuple[str, str], PropertyRenames] = field(default_factory=dict)
    self_describing: Mapping[str, PropertyRenames] = field(default_factory=dict)

    def of_structured(self, category: str, action: str) -> PropertyRenames:
        """Find the name of a structured event; without a row it is the action."""
        found = self.structured.get((category, action)) or self.structured.get(("", action))
        return found or PropertyRenames(action)

    def of_schema(self, vendor: str, name: str) -> PropertyRenames:
        """Find the name of a self-describing event; without a row it is the schema's."""
        return self.self_describing.get(f"{vendor}/{name}") or PropertyRenames(name)


def snowplow_names(document: Mapping[str, Any]) -> SnowplowNames:
    """Build the names of a document without fault."""
    return SnowplowNames(
        int(document.get("page_ping_ms", 10_000)),
        {
            (row.get("category", ""), row["action"]): _renaming(row)
            for row in document.get("structured", ())
        },
        {row["schema"]: _renaming(row) for row in document.get("self_describing", ())},
    )


def tracker_faults(document: Document, events: Mapping[str, object]) -> Iterator[Fault]:
    """Find what is wrong with a file of names: its shape, or an event that the plan has not."""
    if document.file != "trackers/snowplow.yaml":
        yield document.fault((), "no tracker of this name has a table", "name it snowplow.yaml")
        return
    faults = list(SNOWPLOW_SHAPE.faults(document))
    yield from faults
    if faults:
        return
    for kind in ("structured", "self_describing"):
        for index, row in enumerate(document.value.get(kind, ())):
            if row["event"] not in events:
                mend = "add its schema under events/ or name another event"
                place = (kind, index, "event")
                yield document.fault(place, f'the plan has no event "{row["event"]}"', mend)


def _renaming(row: Mapping[str, Any]) -> PropertyRenames:
    return PropertyRenames(row["event"], dict(row.get("properties", {})))
