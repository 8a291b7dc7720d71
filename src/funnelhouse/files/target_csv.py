"""Reads targets from a CSV file, held against the plan's funnels as those of the plan are."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from funnelhouse.files.csv_file import CsvFile
from funnelhouse.schemas.check import read_plan
from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault
from funnelhouse.schemas.known_funnels import KnownFunnels, known_funnels
from funnelhouse.schemas.registry import PlanError
from funnelhouse.schemas.target_faults import target_faults
from funnelhouse.schemas.targets import TARGETS_SHAPE, Target, targets_from

COLUMNS = (
    "funnel", "track", "cohort", "metric", "from", "to", "stage",
    "period", "role", "direction", "value", "valid_from",
)  # fmt: skip
"""Columns that a file may have, named as in the plan's files; an empty cell names nothing."""

_NEEDED = {"funnel", "metric", "role", "direction", "value", "valid_from"}
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def read_targets(path: Path, plan: Path) -> list[Target]:
    """Read the targets of a file whose funnels stand in a plan's folder.

    Raises:
        SheetError: the file has any fault at all; nothing of it is handed on.
        PlanError: the plan has one.
        OSError: the file cannot be read.
    """
    sheet = CsvFile(path, _header_fault)
    documents = [_document(path, *row) for row in sheet.rows(_target)]
    funnels = _funnels(plan)
    sheet.faults += _faults(documents, funnels)
    sheet.refuse_faults()
    return [
        target for document in documents for target in targets_from(document.value, funnels.by_name)
    ]


def _header_fault(names: Sequence[str]) -> str | None:
    if len(set(names)) == len(names) and set(COLUMNS) >= set(names) >= _NEEDED:
        return None
    wanted, other = (
        ", ".join(name for name in COLUMNS if (name in _NEEDED) == needed)
        for needed in (True, False)
    )
    return f"the columns are `{','.join(names)}`; name them {wanted} and, if wanted, {other}"


def _target(cells: Mapping[str, str]) -> dict[str, Any]:
    target: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
    if _NUMBER.fullmatch(cells["value"]):
        target["value"] = orjson.loads(cells["value"])
    return target


def _document(path: Path, line: int, target: Mapping[str, Any]) -> Document:
    """Give a row the form of a file of the plan that holds this one target."""
    places: list[Place] = [(), ("targets",), ("targets", 0)]
    places += [("targets", 0, name) for name in target]
    return Document(str(path), {"targets": [target]}, dict.fromkeys(places, line))


def _faults(documents: Sequence[Document], funnels: KnownFunnels) -> list[str]:
    of_shape = [fault for document in documents for fault in TARGETS_SHAPE.faults(document)]
    shaped = [document for document in documents if TARGETS_SHAPE.fits(document)]
    faults = sorted([*of_shape, *target_faults(shaped, funnels)], key=_line)
    return [f"line {fault.line}: {fault.message}; {fault.mend}" for fault in faults]


def _line(fault: Fault) -> int:
    return fault.line


def _funnels(plan: Path) -> KnownFunnels:
    reading = read_plan(plan)
    if reading.hindrances:
        raise PlanError(reading.hindrances)
    return known_funnels(reading.funnels)
