"""The systemd units, by systemd's own checker."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
WORST_EXPOSURE = 20
"""Of systemd-analyze's scale of 100: what a unit may be exposed at most."""

pytestmark = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed here"
)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_the_unit(unit: Path, tmp_path: Path) -> None:
    """The checker finds nothing to complain of, once the command is where the unit says."""
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/opt/funnelhouse/bin/funnelhouse", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_the_unit_is_locked_down(unit: Path) -> None:
    """The checker calls its exposure at most 2.0 of 10."""
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={WORST_EXPOSURE}"]
    done = subprocess.run([*command, str(unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]
