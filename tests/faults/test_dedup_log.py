"""The engine's deduplication log is lost with the process: a repeated load is harmless still.

The engine never syncs that log, so a loss of power can take it back to any earlier state; here it
is removed while no process holds the engine.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from funnelhouse.settings import Settings
from tests.faults.dying_loader import deduplication_logs_under
from tests.ingest.loader.test_loader import HISTORY
from tests.sql.history import Road

_DIED = 9


def loader(data: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a loader in a process of its own over a data folder."""
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.dying_loader", *arguments],
        env={**os.environ, **Settings(data=data).as_environment()},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=False,
    )


def lay(data: Path) -> None:
    """Lay the history into the spool of a data folder."""
    settings = Settings(data=data)
    road = Road(settings.warehouse_place, data)
    for number, history in enumerate(HISTORY, start=1):
        road.lay(number, history)


def outcome(data: Path, *arguments: str) -> dict[str, Any]:
    """Load what is left, to the end, and tell what the views show."""
    done = loader(data, "0", *arguments)
    assert done.returncode == 0
    # The engine's errors name tables by ids of their own, which differ from folder to folder.
    answer: dict[str, Any] = orjson.loads(re.sub(rb"events_raw \([0-9a-f-]+\)", b"", done.stdout))
    return answer


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give the outcome of a load that nothing befell, with rows refused."""
    data = tmp_path_factory.mktemp("undisturbed")
    lay(data)
    return outcome(data, "refuse")


def die_and_go_on(data: Path, step: int) -> dict[str, Any]:
    """Die at a step, lose the log, and load to the end in a fresh process."""
    lay(data)
    assert loader(data, f"{step}", "refuse").returncode == _DIED
    logs = deduplication_logs_under(data / "warehouse")
    for log in logs:
        shutil.rmtree(log)
    return outcome(data, "refuse") | {"lost": len(logs)}


@pytest.mark.parametrize("part", [0.5, pytest.param(0.8, marks=pytest.mark.slow)])
def test_views_are_the_same_after_death_and_a_lost_log(
    undisturbed: dict[str, Any], tmp_path: Path, part: float
) -> None:
    """A process dies in the middle of splitting, its log is lost, another one ends the load."""
    found = die_and_go_on(tmp_path, int(undisturbed["steps"] * part))
    assert found["views"] == undisturbed["views"]
    assert found["lost"] > 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_views_are_the_same_wherever_death_came(
    undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """The same for every step of a load."""
    for step in range(1, undisturbed["steps"] + 1):
        found = die_and_go_on(tmp_path / f"{step}", step)
        assert found["views"] == undisturbed["views"], f"died at step {step}"
