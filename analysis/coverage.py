"""What the coverage of a plan comes to: a share for a threshold, and a report as JUnit has it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

Row = Mapping[str, Any]

_NOT_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])


def covered_percent(rows: Sequence[Row]) -> float:
    """Give how many of what is expected is there, in percent; 100 where nothing is expected.

    What belongs to a release that has not come yet is not expected.
    """
    wanted = [row for row in rows if row["status"] != "unreleased"]
    there = sum(row["status"] == "there" for row in wanted)
    return 100.0 * there / len(wanted) if wanted else 100.0


def with_variants(rows: Iterable[Row], variants: Iterable[Row]) -> list[Row]:
    """Add to each expected event a row for each variant of its experiment that was shown at all."""
    of: dict[tuple[str, str], list[Row]] = {}
    for row in variants:
        if row["status"] != "nobody shown":
            of.setdefault((row["coverage"], row["event"]), []).append(row)
    found: list[Row] = []
    for row in rows:
        found.append(row)
        found += [_of_variant(row, one) for one in of.get((row["coverage"], row["event"]), ())]
    return found


def _of_variant(row: Row, variant: Row) -> Row:
    status = {"silent": "missing", "low": "broken", "not seen": "missing"}
    why = {
        "silent": "silent in this variant",
        "low": "fewer devices send it than in the others",
        "not seen": "no device of this variant has sent it",
    }
    return {
        **row,
        "variant": variant["variant"],
        "events": None,
        "rejected": None,
        "devices": variant["devices_with_event"],
        "status": status.get(variant["status"], "there"),
        "why": why.get(variant["status"], ""),
    }


def junit(rows: Sequence[Row]) -> bytes:
    """Write rows as JUnit's XML: a suite a place, a case an event, a failure what is not there."""
    suites = Element("testsuites", name="funnelhouse coverage")
    for place, together in groupby(rows, key=lambda row: str(row["coverage"])):
        cases = list(together)
        failed = [case for case in cases if case["status"] in ("missing", "broken")]
        skipped = [case for case in cases if case["status"] == "unreleased"]
        counts = {"tests": cases, "failures": failed, "skipped": skipped}
        suite = SubElement(suites, "testsuite", name=_text(place))
        for name, some in counts.items():
            suite.set(name, str(len(some)))
        for case in cases:
            _case(suite, case)
    written: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return written


def _case(suite: Element, row: Row) -> None:
    variant = row.get("variant", "")
    name = f"{row['event']} [{variant}]" if variant else str(row["event"])
    case = SubElement(suite, "testcase", classname=_text(str(row["coverage"])), name=_text(name))
    if row["status"] == "unreleased":
        SubElement(case, "skipped", message=_text(str(row["why"])))
    elif row["status"] != "there":
        failure = SubElement(
            case, "failure", type=str(row["status"]), message=_text(str(row["why"]))
        )
        failure.text = _text(f"{row['status']}: {row['why']}")


def _text(text: str) -> str:
    """Leave out what XML 1.0 cannot hold in any writing."""
    return text.translate(_NOT_XML)
