"""Shows a run: its figures by scenario, and each target beside what was reached."""

import os
import platform
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.figures import Figures, TargetResult

_MARKS = {True: "[green]met[/]", False: "[red]missed[/]", None: "[yellow]not measured[/]"}


def show(console: Console, figures: Figures, verdicts: list[TargetResult]) -> None:
    """Print both tables; a missed target is never left out."""
    table = Table("contender", "quantity", "median (min to max)", "unit")
    for figure in figures:
        if not figure.events:
            table.add_row(figure.contender, figure.quantity, figure.shown, figure.unit)
    if table.row_count:
        console.print(table)
    _show_growth(console, figures)
    targets = Table("target", "wanted", "reached", "")
    for verdict in verdicts:
        reached = "–" if verdict.reached is None else f"{verdict.reached:,.2f}"
        targets.add_row(verdict.target, f"{verdict.wanted:,.2f}", reached, _MARKS[verdict.met])
    console.print(targets)


def _show_growth(console: Console, figures: Figures) -> None:
    """Print what depends on the events in the warehouse: a column for each number of them.

    The last column is how many times as much it is over the most events as over the fewest.
    """
    scaled = [figure for figure in figures if figure.events]
    scales = sorted({figure.events for figure in scaled})
    if not scales:
        return
    columns = (f"{events:,} events" for events in scales)
    table = Table("contender", "quantity", *columns, "unit", "growth")
    for contender, quantity, unit in dict.fromkeys(
        (figure.contender, figure.quantity, figure.unit) for figure in scaled
    ):
        medians = [figures.of(contender, quantity, events) for events in scales]
        known = [median for median in medians if median]
        growth = f"{known[-1] / known[0]:,.1f}" if len(known) > 1 else ""
        shown = ("" if median is None else f"{median:,.3f}" for median in medians)
        table.add_row(contender, quantity, *shown, unit, growth)
    console.print(table)


def write(path: Path, figures: Figures, verdicts: list[TargetResult]) -> None:
    """Write the run as JSON."""
    document = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "figures": [
            {
                "contender": figure.contender,
                "quantity": figure.quantity,
                "unit": figure.unit,
                "values": figure.values,
                "events": figure.events,
            }
            for figure in figures
        ],
        "targets": [verdict._asdict() for verdict in verdicts],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
