"""The command that asks the warehouse a question, whether the product runs or not."""

import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

_FORMATS = {
    "table": "JSONCompact",
    "csv": "CSVWithNames",
    "json": "JSONEachRow",
    "parquet": "Parquet",
    "arrow": "Arrow",
}
_NO_TEXT = {"parquet", "arrow"}
_NUMBER = re.compile(r"(LowCardinality\(|Nullable\()*(U?Int|Float|Decimal)")
_WIDEST = 100_000
"""Columns of a table that goes to a file: none is folded there."""


@with_settings
def sql(
    settings: Settings,
    *,
    statement: Annotated[str, typer.Argument(help="A SELECT, or any other statement that reads.")],
    fmt: Annotated[
        Literal["table", "csv", "json", "parquet", "arrow"],
        typer.Option("--format", help="json is one object a line."),
    ] = "table",
    output: Annotated[Path | None, typer.Option(help="Write into this file.")] = None,
) -> int:
    """Run one SQL statement that reads, and print its result."""
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    shown = output is None and sys.stdout.isatty()
    if fmt in _NO_TEXT and shown:
        raise ValueError(
            f"{fmt.title()} is no text; name a file with --output, or pipe it into one."
        )
    asked = statement.strip().rstrip("; \n\t")
    if not asked:
        raise ValueError('There is no statement; write one, such as "SELECT * FROM funnel_weekly".')
    with open_warehouse(settings) as access:
        result = access.query(asked, _FORMATS[fmt])
    if fmt == "table":
        _print_table(result, output)
    elif output is not None:
        output.write_bytes(result)
    elif shown:
        for line in result.decode(errors="replace").splitlines():
            typer.echo(printable(line))
    else:
        sys.stdout.buffer.write(result)
    return 0


def _print_table(result: bytes, output: Path | None) -> None:
    try:
        document = orjson.loads(result)
    except orjson.JSONDecodeError as error:
        raise ValueError("These are more results than one; ask one statement a time.") from error
    table = Table()
    for column in document["meta"]:
        justify: JustifyMethod = "right" if _NUMBER.match(column["type"]) else "left"
        table.add_column(Text(printable(column["name"])), justify=justify, overflow="fold")
    for row in document["data"]:
        table.add_row(*(Text(printable(_cell(value))) for value in row))
    if output is not None:
        with output.open("w", encoding="utf-8") as file:
            Console(file=file, width=_WIDEST).print(table)
    else:
        Console(width=None if sys.stdout.isatty() else _WIDEST).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
