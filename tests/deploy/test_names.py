"""Settings, commands and metrics that the files for deployment name are the product's own."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from funnelhouse.cli import app
from funnelhouse.settings import Settings

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "operations.md"
FILES = [*(path for path in sorted((ROOT / "deploy").rglob("*")) if path.is_file()), GUIDE]
NOT_OURS = {"FUNNELHOUSE_READ_KEY"}
"""One read key, handed to Grafana."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_setting_that_is_named_exists(path: Path) -> None:
    """Each FUNNELHOUSE_* in a file is a setting."""
    named = set(re.findall(r"FUNNELHOUSE_[A-Z_]+", path.read_text(encoding="utf-8"))) - NOT_OURS
    assert named <= {f"FUNNELHOUSE_{name.upper()}" for name in Settings.model_fields}


def test_every_command_of_the_guide_exists() -> None:
    """Each `funnelhouse …` that the guide tells to run is a command."""
    commands = set(getattr(get_command(app), "commands", {}))
    named = set(re.findall(r"`(?:[\w./-]*/)?funnelhouse ([a-z]+)", GUIDE.read_text()))
    assert named
    assert named <= commands
