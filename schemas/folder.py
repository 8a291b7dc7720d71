"""The plan's folder: which files belong where, and the documents read from them."""

import re
from pathlib import Path, PurePosixPath

from funnelhouse.schemas.documents import Document, read_document
from funnelhouse.schemas.faults import Fault
from funnelhouse.schemas.names import fold

_EVENT_FILE = re.compile(r"events/[^/]+/[^/]+/[^/]+\.json")
FLAT_ROOMS = (
    *("funnels", "targets", "actions", "experiments"),
    *("trackers", "coverage", "alerts"),
)
_VERSION = re.compile(r"[1-9]\d*-(0|[1-9]\d*)-(0|[1-9]\d*)", re.ASCII)


def read_folder(folder: Path) -> tuple[list[Document], list[Fault]]:
    """Read every file of a plan's rooms, hidden ones aside; misplaced ones are faults, unread."""
    if not folder.is_dir():
        return [], [Fault(str(folder), 1, "there is no such folder", "name a plan's folder")]
    documents: list[Document] = []
    faults: list[Fault] = []
    for path in _files(folder):
        file = path.relative_to(folder).as_posix()
        read = _misplaced(file) or read_document(path, file)
        if isinstance(read, Fault):
            faults.append(read)
        else:
            documents.append(read[0])
            faults += read[1]
    found = [document.file for document in documents] + [fault.file for fault in faults]
    if not any(file.startswith("events/") for file in found):
        mend = "add events/<family>/<event>/1-0-0.json or name another folder"
        faults.append(Fault("events", 1, "the plan has no event", mend))
    return documents, faults


def _files(folder: Path) -> list[Path]:
    inside = (path for room in ("events", *FLAT_ROOMS) for path in (folder / room).rglob("*"))
    return sorted(path for path in inside if path.is_file() and not path.name.startswith("."))


def _misplaced(file: str) -> Fault | None:
    path = PurePosixPath(file)
    return _misplaced_flat(path) if path.parts[0] in FLAT_ROOMS else _misplaced_event(path)


def _misplaced_flat(path: PurePosixPath) -> Fault | None:
    room = path.parts[0]
    if path.parts[1:] == (path.name,) and path.suffix == ".yaml":
        return None
    mend = f"name it {room}/{path.stem}.yaml"
    return Fault(str(path), 1, f"only .yaml files directly in {room} are read", mend)


def _misplaced_event(path: PurePosixPath) -> Fault | None:
    file = str(path)
    if not _EVENT_FILE.fullmatch(file):
        mend = "move it to events/<family>/<event>/<version>.json"
        return Fault(file, 1, "an event's schema has another place", mend)
    for name in path.parts[1:3]:
        if name != fold(name):
            mend = f'name the folder "{fold(name) or "event"}"'
            return Fault(file, 1, f'"{name}" is no snake_case name', mend)
    if not _VERSION.fullmatch(path.stem):
        return Fault(file, 1, f'"{path.stem}" is no version', "name the file like 1-0-0.json")
    return None
