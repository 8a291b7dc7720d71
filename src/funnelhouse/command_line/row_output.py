"""Rows as commands show them: a table for people, JSON for programs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from funnelhouse.command_line.escaping import printable

_WIDEST = 100_000
Rows = Sequence[Mapping[str, Any]]


def as_json(rows: Rows) -> None:
    """Print rows as a JSON array."""
    typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())


def as_table(rows: Rows, columns: Sequence[str], shares: Collection[str]) -> None:
    """Print some columns of rows as a table; those of `shares` in percent."""
    table = Table(*columns)
    for row in rows:
        cells = (_cell(row[column], share=column in shares) for column in columns)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console = Console()
    console.width = console.width if console.is_terminal else _WIDEST
    console.print(table)


def _cell(value: Any, *, share: bool) -> str:
    match value:
        case None:
            return ""
        case float() if share:
            return f"{value:.1%}"
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
