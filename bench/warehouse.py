"""Asks the running warehouse of a data folder, as the command line does."""

from pathlib import Path

import httpx
import orjson


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
