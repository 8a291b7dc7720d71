"""Generated releases with one seeded fault each, or none: the faults are named, sound ones are not.

They go the whole way: rows of a spool, the loader, the views, the verdict.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from funnelhouse.analysis.releases import ReleaseFacts, facts_of, findings, with_variants
from tests.conftest import PreparedWarehouse
from tests.sql.history import COURSE, FIRST_RECEIPT, SEOUL, Road, Told, bring
from tests.sql.test_coverage import expects

SHARES = {
    "page_viewed": 1.0,
    "scroll_depth_reached": 0.7,
    "section_viewed": 0.6,
    "cta_shown": 0.5,
    "cta_clicked": 0.35,
}
PROPERTIES = {
    "scroll_depth_reached": "depth",
    "section_viewed": "section_id",
    "cta_shown": "cta_id",
    "cta_clicked": "cta_id",
}
REQUIRED = {"scroll_depth_reached", "section_viewed"}
"""Events whose property the schema wants too: without it they are rejected."""

FAULTS = (
    "missing event",
    "missing property",
    "wrong type",
    "silent variant",
    "renamed event",
    "half of the volume",
)
DEVICES = 400


def release_of(number: int, fault: str, event: str, draw: random.Random) -> Iterator[Told]:
    """Tell what the devices of one release send within its hour, with a fault in one event."""
    serial = number * 10_000
    for device in range(DEVICES):
        variant = "ab"[device % 2]
        common: dict[str, Any] = {
            "anonymous": f"r{number}d{device}",
            "came": number * 3600 + draw.random() * 3500,
            "path": "/course/kotlin",
            "product": None,
            "release": f"1.{number}.0",
        }
        shown = {"experiment_id": "form", "variation_id": variant}
        yield Told(id=serial + 9000 + device, name="experiment_viewed", properties=shown, **common)
        for place, (name, share) in enumerate(SHARES.items()):
            if draw.random() > share:
                continue
            told = {"id": serial + 1 + place * 1000 + device, "name": name, **common}
            if name in PROPERTIES:
                told["properties"] = {PROPERTIES[name]: 50}
            faulty = told if name != event else broken(told, fault, variant, draw)
            if faulty is not None:
                yield Told(**faulty)
    if draw.random() < 0.5:  # a stray event of somebody who plays with the console
        stray = {"id": serial + 9990, "came": number * 3600 + 1, "path": "/course/kotlin"}
        yield Told(name="hello", reason="unknown_event", release=f"1.{number}.0", **stray)


def broken(  # noqa: PLR0911 - a fault each
    told: dict[str, Any], fault: str, variant: str, draw: random.Random
) -> dict[str, Any] | None:
    """Break one event as its release does; None where it is not sent at all."""
    name = told["name"]
    path = f"$.properties.{PROPERTIES.get(name, '')}"
    match fault:
        case "missing event":
            return None
        case "missing property" if name in REQUIRED:
            why = ("$.properties", f'"{PROPERTIES[name]}" is a required property')
            return told | {"properties": {}, "reason": "schema", "why": why}
        case "missing property":
            return told | {"properties": {}}
        case "wrong type":
            why = (path, '"50" is not of type "integer"')
            return told | {"reason": "schema", "why": why}
        case "silent variant":
            return None if variant == "b" else told
        case "renamed event":
            other = name.title().replace("_", "")
            return told | {"name": f"{other}V2", "reason": "unknown_event"}
        case "half of the volume":
            return told if draw.random() < 0.5 else None
    return told


def moment(hour: int) -> str:
    """Write the wall clock at which a release's hour begins."""
    return f"{(FIRST_RECEIPT + timedelta(hours=hour)).astimezone(SEOUL):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    "releases", [16, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_seeded_faults_are_named(
    warehouse: PreparedWarehouse, tmp_path: Path, releases: int
) -> None:
    """At least 95 % of the faults are named rightly, and no sound release is called broken."""
    draw = random.Random(releases)
    warehouse.empty()
    expected = [
        expects(
            name,
            position=place,
            properties=[PROPERTIES[name]] if name in PROPERTIES else [],
            experiment="form",
            variants=["a", "b"],
        )
        for place, name in enumerate(SHARES, 1)
    ]
    planned = [(name, "course", "1-0-0", [], []) for name in (*SHARES, "experiment_viewed")]
    bring(warehouse.client, COURSE, coverage=expected, events=planned)
    seeded = []
    for number in range(releases):
        fault = FAULTS[number // 2 % len(FAULTS)] if number % 2 and number > 2 else ""
        wants_property = fault in {"missing property", "wrong type"}
        seeded.append((fault, draw.choice(list(PROPERTIES if wants_property else SHARES))))
    loads = [
        [
            told
            for number in range(start, min(start + 25, releases))
            for told in release_of(number, *seeded[number], draw)
        ]
        for start in range(0, releases, 25)
    ]
    Road(warehouse.place, tmp_path).load(loads)
    facts: list[ReleaseFacts] = []
    right, wrong = 0, []
    for number, (fault, event) in enumerate(seeded):
        (release,) = (
            one
            for one in facts_of(warehouse.client, moment(number), moment(number + 1))
            if one.release == f"1.{number}.0"
        )
        span = (moment(number), moment(number + 1))
        found = findings(with_variants(warehouse.client, release, *span), facts)
        facts.append(release)
        named = {(one.event, one.fault) for one in found}
        if fault:
            right += named == {(event, fault)}
            wrong += [(number, event, fault, named)] if named != {(event, fault)} else []
        else:
            assert named == set(), (number, found)
    assert right >= 0.95 * (right + len(wrong)), wrong
