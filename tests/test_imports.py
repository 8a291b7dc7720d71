"""The rooms keep to their directions: what each may import, and who may read the environment."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMAND_LINE = ROOT / "src" / "funnelhouse"
# Room by room what of ours it may import beside itself: the README's table of rooms.
MAY_IMPORT = {
    "funnelhouse": {"analysis", "console", "ingest", "schemas", "sql", "tag", "transforms"},
    "ingest": {"schemas", "sql", "transforms"},
    "schemas": set(),
    "transforms": set(),
    "sql": set(),
    "analysis": {"schemas", "sql"},
    "console": {"analysis", "schemas", "sql"},
}
# The stages of an event's way, and which of the others each may import.
STAGES = {
    "collector": {"validation", "log"},
    "validation": {"log"},
    "loader": {"log", "validation"},
    "log": set(),
}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}


def files_of(room: str) -> list[Path]:
    """List a room's modules; those of the command line stand in src/funnelhouse itself."""
    folder = COMMAND_LINE if room == "funnelhouse" else ROOT / room
    return sorted(path for path in folder.rglob("*.py") if _is_own(folder, path))


def _is_own(folder: Path, path: Path) -> bool:
    return not any(parent.is_symlink() for parent in path.parents if folder in parent.parents)


FILES = [(room, path) for room in MAY_IMPORT for path in files_of(room)]
STAGED = [(stage, path) for stage in STAGES for path in files_of(f"ingest/{stage}")]


def imported(tree: ast.AST) -> Iterator[str]:
    """Name every module that a tree imports, at whatever depth; relative ones by their dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def rooms_of(tree: ast.AST) -> set[str]:
    """Name the rooms of ours that a tree imports, and whatever of ours has no room."""
    rooms = set()
    for name in imported(tree):
        first, _, rest = name.partition(".")
        if first == "funnelhouse":
            second = rest.partition(".")[0]
            rooms.add(second if second in {*MAY_IMPORT, "tag"} else "funnelhouse")
        elif first in {*MAY_IMPORT, "tests", "bench", ""}:
            rooms.add(f"{first} without its package")
    return rooms


def stages_of(tree: ast.AST) -> set[str]:
    """Name the stages of ingestion that a tree imports."""
    parts = [name.split(".") for name in imported(tree) if name.startswith("funnelhouse.ingest.")]
    return {part[2] for part in parts} & set(STAGES)


def reads_environment(tree: ast.AST) -> bool:
    """Say whether a tree names the environment, or settings that read it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT:
            return True
        if isinstance(node, ast.ImportFrom) and ENVIRONMENT & {a.name for a in node.names}:
            return True
    return any(name.partition(".")[0] == "pydantic_settings" for name in imported(tree))


def relative(value: object) -> str | None:
    """Name a file as seen from the root."""
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else None


def test_every_room_is_known() -> None:
    """A folder of modules at the top is either a room of the table or holds no product code."""
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert rooms - {"tests", "bench", "tag"} == set(MAY_IMPORT) - {"funnelhouse"}
    assert all(files_of(room) for room in MAY_IMPORT)


def test_every_stage_is_known() -> None:
    """A folder of ingestion is a stage of the table."""
    assert {path.parent.name for path in (ROOT / "ingest").glob("*/__init__.py")} == set(STAGES)


@pytest.mark.parametrize(("room", "path"), FILES, ids=relative)
def test_imports_run_one_way(room: str, path: Path) -> None:
    """A module imports of ours only its own room and those below it, by absolute names."""
    assert rooms_of(ast.parse(path.read_text(encoding="utf-8"))) <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize(("stage", "path"), STAGED, ids=relative)
def test_stages_run_one_way(stage: str, path: Path) -> None:
    """A stage of ingestion imports only the stages that its table names."""
    assert stages_of(ast.parse(path.read_text(encoding="utf-8"))) <= STAGES[stage] | {stage}


@pytest.mark.parametrize(("room", "path"), FILES, ids=relative)
def test_only_the_room_of_the_settings_reads_the_environment(room: str, path: Path) -> None:
    """Every other room takes what it needs from its caller."""
    if room != "funnelhouse":
        assert not reads_environment(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("import os\nx = os.environ['A']", True),
        ("import os\nx = os.getenv('A')", True),
        ("from os import environ", True),
        ("from pydantic_settings import BaseSettings", True),
        ("def f():\n    from os import getenv", True),
        ("import os\nx = os.getpid()", False),
    ],
)
def test_a_reader_of_the_environment_is_noticed(source: str, *, seen: bool) -> None:
    """The ways in which Python names the environment are all known to this test."""
    assert reads_environment(ast.parse(source)) == seen


@pytest.mark.parametrize(
    ("source", "rooms"),
    [
        ("import funnelhouse.ingest.loader", {"ingest"}),
        ("from funnelhouse.sql.client import connect", {"sql"}),
        ("from funnelhouse import sql", {"sql"}),
        ("from funnelhouse.settings import Settings", {"funnelhouse"}),
        ("def f():\n    import funnelhouse.analysis as a, os", {"analysis"}),
        ("import sql.client", {"sql without its package"}),
        ("from . import loader", {" without its package"}),
        ("from ..sql import client", {" without its package"}),
    ],
)
def test_an_import_is_noticed_wherever_it_stands(source: str, rooms: set[str]) -> None:
    """Imports are found in functions too, and those that bypass the package are named."""
    assert rooms_of(ast.parse(source)) == rooms
