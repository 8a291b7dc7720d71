"""Coverage of the plan: which events are expected on which pages; one row a place and event."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault, meant
from funnelhouse.schemas.references import Events
from funnelhouse.schemas.shapes import NAME, TEXT, closed, compiled

_PAGE: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 500}
_RELEASE: dict[str, Any] = {"type": "string", "pattern": r"^v?[0-9]+([.-][0-9A-Za-z]+)*$"}
_EVENT = closed(
    {
        "event": TEXT,
        "properties": {"type": "array", "items": TEXT, "uniqueItems": True},
        "from_release": _RELEASE,
        "experiment": TEXT,
        "at_least": {"type": "integer", "minimum": 1, "maximum": 10**9},
        "heartbeat": {"const": "hourly"},
    },
    ["event"],
)
_HOUR: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 24}
COVERAGE_SHAPE = compiled(
    closed(
        {
            "coverage": NAME,
            "title": TEXT,
            "title_ko": TEXT,
            "pages": {"type": "array", "minItems": 1, "items": _PAGE, "uniqueItems": True},
            "source": TEXT,
            "service_hours": closed({"from": _HOUR, "to": _HOUR}, ["from", "to"]),
            "events": {"type": "array", "minItems": 1, "items": _EVENT},
            "order": {"type": "array", "minItems": 2, "items": TEXT, "uniqueItems": True},
        },
        ["coverage", "title", "title_ko", "events"],
    )
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One event expected at a place: on some pages (LIKE patterns of host and path), or anywhere.

    `properties` must be filled. `variants` are those of the experiment within which it is expected
    in each. `at_least` is a number a day, 0 for any; `heartbeat` wants one in every hour from
    `opens` to `closes`. `step` numbers it from 1 in the order expected, 0 where there is none.
    """

    coverage: str
    position: int
    title: str
    title_ko: str
    pages: list[str]
    source: str
    event: str
    properties: list[str]
    from_release: str
    experiment: str
    variants: list[str]
    at_least: int
    heartbeat: bool
    opens: int
    closes: int
    step: int


def expectations_from(
    document: Mapping[str, Any], variants: Mapping[str, Sequence[str]]
) -> list[Expectation]:
    """List what a document without fault expects; `variants` are those of each experiment."""
    hours = document.get("service_hours", {"from": 0, "to": 24})
    order = document.get("order", [])
    return [
        Expectation(
            coverage=document["coverage"],
            position=position,
            title=document["title"],
            title_ko=document["title_ko"],
            pages=[_like(page) for page in document.get("pages", ())],
            source=document.get("source", ""),
            event=entry["event"],
            properties=list(entry.get("properties", ())),
            from_release=entry.get("from_release", ""),
            experiment=entry.get("experiment", ""),
            variants=list(variants.get(entry.get("experiment", ""), ())),
            at_least=entry.get("at_least", 0),
            heartbeat="heartbeat" in entry,
            opens=hours["from"],
            closes=hours["to"],
            step=order.index(entry["event"]) + 1 if entry["event"] in order else 0,
        )
        for position, entry in enumerate(document["events"], 1)
    ]


def coverage_faults(
    documents: Sequence[Document], events: Events, experiments: Mapping[str, Sequence[str]]
) -> Iterator[Fault]:
    """Find what well-shaped documents name that the plan has not, or that can never be."""
    for document in documents:
        yield from _document_faults(document)
        for index, entry in enumerate(document.value["events"]):
            place: Place = ("events", index)
            yield from _event_faults(document, place, entry, events)
            name = entry.get("experiment")
            if name is not None and name not in experiments:
                message = f'the plan has no experiment "{name}"'
                yield document.fault((*place, "experiment"), message, meant(name, experiments))


def _document_faults(document: Document) -> Iterator[Fault]:
    value, stem = document.value, PurePosixPath(document.file).stem
    if value["coverage"] != stem:
        mend = f'write "{stem}" or name the file {value["coverage"]}.yaml'
        yield document.fault(("coverage",), "the coverage is not named as its file", mend)
    if "pages" not in value and "source" not in value:
        yield document.fault((), "it names neither pages nor a source", "add one of the two")
    for index, page in enumerate(value.get("pages", ())):
        yield from _page_faults(document, ("pages", index), page)
    hours = value.get("service_hours")
    if hours is not None and hours["from"] >= hours["to"]:
        message = f"service begins at {hours['from']} and ends at {hours['to']}"
        yield document.fault(("service_hours",), message, "end later in the day than it begins")
    named = [entry["event"] for entry in value["events"]]
    for index, name in enumerate(named):
        if name in named[:index]:
            message = f'the event "{name}" stands twice'
            yield document.fault(("events", index, "event"), message, "remove one of them")
    for index, name in enumerate(value.get("order", ())):
        if name not in named:
            message = f'the order names "{name}", which is not among the events'
            yield document.fault(("order", index), message, meant(name, named))


def _page_faults(document: Document, place: Place, page: str) -> Iterator[Fault]:
    if "://" in page:
        mend = f'write "{page.partition("://")[2]}"'
        yield document.fault(place, f'"{page}" has a scheme, and pages have none', mend)
    elif "?" in page or "#" in page:
        mend = f'write "{page.partition("?")[0].partition("#")[0]}"'
        yield document.fault(place, f'"{page}" has more than host and path', mend)
    elif "/" not in page:
        mend = f'write "{page}/*" for a host or "/{page}" for a path'
        yield document.fault(place, f'"{page}" is neither host and path nor a path', mend)


def _event_faults(
    document: Document, place: Place, entry: Mapping[str, Any], events: Events
) -> Iterator[Fault]:
    name = entry["event"]
    if name not in events:
        message = f'the plan has no event "{name}"'
        yield document.fault((*place, "event"), message, meant(name, events))
    elif (event := events[name]) is not None:
        for index, wanted in enumerate(entry.get("properties", ())):
            if wanted not in event.properties:
                message = f'"{name}" has no property "{wanted}"'
                here = (*place, "properties", index)
                yield document.fault(here, message, meant(wanted, event.properties))


def _like(page: str) -> str:
    """Write a page with its stars as a LIKE pattern over host and path."""
    escaped = page.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    anywhere = "%" if page.startswith("/") else ""
    return anywhere + escaped.replace("*", "%")


def variants_of(experiments: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Name the variants of each experiment, from documents without fault."""
    return {
        value["experiment"]: [entry["variant"] for entry in value["variants"]]
        for value in experiments
    }


def listed(files: Sequence[Document], experiments: Sequence[Document]) -> tuple[Expectation, ...]:
    """List what all files without fault expect."""
    variants = variants_of([document.value for document in experiments])
    return tuple(chain(*(expectations_from(document.value, variants) for document in files)))
