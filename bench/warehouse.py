"""Asks the running warehouse of a data folder, as the command line does."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson

_PATIENCE_S = 600.0


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for the warehouse to get something done.

    Raises:
        TimeoutError: it is not done within ten minutes.
    """
    until = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > until:
            raise TimeoutError("The warehouse does not get on; start it by hand and read its log.")
        time.sleep(0.02)


def prepared(folder: Path) -> bool:
    """Whether the warehouse of a data folder has its tables and views in place."""
    try:
        control = orjson.loads((folder / "run" / "control.json").read_bytes())
        return httpx.get(f"{control['url']}/readyz").status_code == httpx.codes.OK
    except (OSError, httpx.TransportError):
        return False


def ask(folder: Path, statement: str) -> str:
    """Run one read-only statement and return its text."""
    control = orjson.loads((folder / "run" / "control.json").read_bytes())
    answer = httpx.post(
        f"{control['url']}/control/sql",
        params={"fmt": "TabSeparated"},
        content=statement,
        headers={"authorization": f"Bearer {control['token']}"},
        timeout=60,
    )
    answer.raise_for_status()
    return answer.text.strip()
