"""All versions of a funnel together: told apart, of one product, in force one after the other."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from funnelhouse.schemas.documents import Document
from funnelhouse.schemas.faults import Fault


def version_order_faults(funnels: Sequence[Document]) -> Iterator[Fault]:
    """Hold well-shaped funnels of a plan against one another, version by version."""
    firsts, copies = _told_apart(funnels)
    yield from copies
    for document in firsts:
        yield from _end_faults(document)
    for older, newer in pairwise(firsts):
        if older.value["funnel"] == newer.value["funnel"]:
            yield from _follow_faults(older, newer)
    yield from _intake_faults(funnels)


def _told_apart(funnels: Iterable[Document]) -> tuple[list[Document], list[Fault]]:
    """Sort funnels by name and version, and find those whose version stands in another file."""
    firsts: dict[tuple[str, int], Document] = {}
    faults: list[Fault] = []
    for document in funnels:
        key = document.value["funnel"], document.value["version"]
        if key in firsts:
            message = f"version {key[1]} of {key[0]} stands in another file too"
            faults.append(document.fault(("version",), message, "raise the version"))
        firsts.setdefault(key, document)
    return [firsts[key] for key in sorted(firsts)], faults


def _end_faults(document: Document) -> Iterator[Fault]:
    begin, end = document.value["valid_from"], document.value.get("valid_until")
    if end is not None and end < begin:
        message = f"the version ends on {end}, before it begins"
        yield document.fault(("valid_until",), message, f"write {begin} or a later day")


def _follow_faults(older: Document, newer: Document) -> Iterator[Fault]:
    """Find a newer version that begins while the older one is in force, or changes the product."""
    name, version, begin = (newer.value[key] for key in ("funnel", "version", "valid_from"))
    number, start = older.value["version"], older.value["valid_from"]
    end = older.value.get("valid_until", start)
    if begin <= max(start, end):
        message = f"version {version} of {name} overlaps version {number}"
        yield newer.fault(("valid_from",), message, f"begin it after {max(start, end)}")
    product = older.value["product"]
    if newer.value["product"] != product:
        message = f"version {number} of {name} is of another product"
        yield newer.fault(("product",), message, f'write "{product}" or rename the funnel')


def _intake_faults(funnels: Iterable[Document]) -> Iterator[Fault]:
    """Find an intake that is open at other dates in another file."""
    dates: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for document in funnels:
        for index, intake in enumerate(document.value.get("intakes", ())):
            key = (document.value["product"], intake.get("track", ""), intake["cohort"])
            opens, closes, file = dates.setdefault(
                key, (intake["opens"], intake["closes"], document.file)
            )
            if (opens, closes) != (intake["opens"], intake["closes"]) and file != document.file:
                message = f'{file} has the intake "{intake["cohort"]}" open {opens} to {closes}'
                yield document.fault(("intakes", index), message, "write the same dates in both")
