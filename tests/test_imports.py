"""The rooms keep to their directions: what each may import, and who may read the environment."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Room by room what of ours it may import beside itself: the README's table of rooms.
MAY_IMPORT = {
    "funnelhouse": {"analysis", "console", "ingest", "schemas", "sql", "transforms"},
    "ingest": {"schemas", "sql", "transforms"},
    "schemas": set(),
    "transforms": set(),
    "sql": set(),
    "analysis": {"schemas", "sql"},
    "console": {"analysis", "schemas", "sql"},
}
FILES = [path for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}


def imported(tree: ast.AST) -> set[str]:
    """Name the first part of every module that a tree imports, at whatever depth."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level or (node.module or "").partition(".")[0])
    return names


def reads_environment(tree: ast.AST) -> bool:
    """Say whether a tree names the environment, or settings that read it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT:
            return True
        if isinstance(node, ast.ImportFrom) and ENVIRONMENT & {a.name for a in node.names}:
            return True
    return "pydantic_settings" in imported(tree)


def relative(path: Path) -> str:
    """Name a file as seen from the root."""
    return path.relative_to(ROOT).as_posix()


def test_every_room_is_known() -> None:
    """A folder of modules beside these is either a room of the table or holds no product code."""
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert rooms - {"tests", "bench", "tag"} <= set(MAY_IMPORT)
    assert {"funnelhouse", "ingest", "schemas", "transforms", "sql", "console"} <= rooms


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_run_one_way(path: Path) -> None:
    """A module imports of ours only its own room and those below it, by absolute names."""
    room = path.relative_to(ROOT).parts[0]
    ours = imported(ast.parse(path.read_text(encoding="utf-8"))) & {
        *MAY_IMPORT,
        "tests",
        "bench",
        ".",
    }
    assert ours <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_only_the_room_of_the_settings_reads_the_environment(path: Path) -> None:
    """Every other room takes what it needs from its caller."""
    if path.relative_to(ROOT).parts[0] != "funnelhouse":
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
    ("source", "names"),
    [
        ("import ingest.loader", {"ingest"}),
        ("from sql.client import connect", {"sql"}),
        ("def f():\n    import analysis as a, os", {"analysis", "os"}),
        ("from . import loader", {"."}),
        ("from ..sql import client", {".."}),
    ],
)
def test_an_import_is_noticed_wherever_it_stands(source: str, names: set[str]) -> None:
    """Imports are found in functions too, and relative ones by their dots."""
    assert imported(ast.parse(source)) == names
