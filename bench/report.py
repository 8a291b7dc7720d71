"""Shows a run: its figures by scenario, and each target beside what was reached."""

import os
import platform
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.figures import Figures, Verdict

_MARKS = {True: "[green]met[/]", False: "[red]missed[/]", None: "[yellow]not measured[/]"}


def show(console: Console, figures: Figures, verdicts: list[Verdict]) -> None:
    """Print both tables; a missed target is never left out."""
    table = Table("contender", "quantity", "median (min to max)", "unit")
    for figure in figures:
        table.add_row(figure.contender, figure.quantity, figure.shown, figure.unit)
    console.print(table)
    targets = Table("target", "wanted", "reached", "")
    for verdict in verdicts:
        reached = "–" if verdict.reached is None else f"{verdict.reached:,.2f}"
        targets.add_row(verdict.target, f"{verdict.wanted:,.2f}", reached, _MARKS[verdict.met])
    console.print(targets)


def write(path: Path, figures: Figures, verdicts: list[Verdict]) -> None:
    """Write the run as JSON."""
    document = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "figures": [
            {
                "contender": figure.contender,
                "quantity": figure.quantity,
                "unit": figure.unit,
                "values": figure.values,
            }
            for figure in figures
        ],
        "targets": [verdict._asdict() for verdict in verdicts],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
