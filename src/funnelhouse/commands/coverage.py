"""The command that holds what arrived against the plan: what is there, missing and broken."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

if TYPE_CHECKING:  # quick --help
    from funnelhouse.analysis.coverage import Row
    from funnelhouse.command_line.warehouse_access import Access

_A_DAY = "24h"
_SHOWN = ("coverage", "event", "status", "events", "rejected", "why")
_COLOURS = {"there": "green", "missing": "bold red", "broken": "red", "unreleased": "dim"}
_WIDEST = 100_000
_EVER = ("1970-01-02 00:00:00", "2200-01-01 00:00:00")


@with_settings
def coverage(  # noqa: PLR0913 - an option each
    settings: Settings,
    *,
    run: Annotated[str, typer.Option(help="The events of this test run alone.")] = "",
    since: Annotated[str, typer.Option(help="From when on: 30m, 1h, 7d or a time.")] = _A_DAY,
    release: Annotated[
        str,
        typer.Option(help="Judge this release by those before it; `newest` for the newest one."),
    ] = "",
    variant: Annotated[
        bool, typer.Option("--variant", help="Also each variant of experiments.")
    ] = False,
    fail_under: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="End with status 1 when fewer percent are there."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> int:
    """Say which events of the plan arrive from where they should, and what is wrong with others."""
    from funnelhouse.analysis.coverage import covered_percent, with_variants  # noqa: PLC0415 - quick --help
    from funnelhouse.analysis.coverage import junit as report  # noqa: PLC0415 - quick --help
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    if release:
        return _judge(settings, release, since, as_json=as_json)
    with open_warehouse(settings) as access:
        within = _within(access, run, since, settings.timezone)
        rows = _rows(access, "coverage_between", within)
        if variant:
            rows = with_variants(rows, _rows(access, "coverage_by_variant_between", within))
    if not rows:
        raise ValueError(
            "The plan in force expects no events anywhere; describe some in coverage/*.yaml of"
            " its folder, then run `funnelhouse plan apply`."
        )
    percent = covered_percent(rows)
    if junit is not None:
        junit.write_bytes(report(rows))
    _tell(rows, percent, as_json=as_json)
    return 1 if fail_under is not None and percent < fail_under else 0


def _tell(rows: "list[Row]", percent: float, *, as_json: bool) -> None:
    if as_json:
        shown = {"percent": percent, "rows": rows}
        typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
        return
    _print(rows)
    typer.echo(f"{percent:.1f} % of what the plan expects is there.")


def _judge(settings: Settings, release: str, since: str, *, as_json: bool) -> int:
    """Tell what is wrong with a release; exit status 1 if anything is."""
    from funnelhouse.command_line.since import began, wall_clock  # noqa: PLC0415 - quick --help
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    now = datetime.now(ZoneInfo(settings.timezone))
    # Releases before it are wanted, too: a day holds hardly any.
    first = began("30d" if since == _A_DAY else since, settings.timezone, now)
    asked = {
        "release": "" if release == "newest" else release,
        "since": wall_clock(first),
        "until": wall_clock(now + timedelta(seconds=1)),
    }
    with open_warehouse(settings) as access:
        answer = access.job("judge_release", asked)
    found = answer["findings"]
    if as_json:
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
    else:
        for one in found:
            typer.echo(printable(f"{one['fault']}: {one['coverage']}: {one['told']}"))
        typer.echo(printable(f"{len(found)} faults in release {answer['release']}."))
    return 1 if found else 0


def _within(access: "Access", run: str, since: str, timezone: str) -> str:
    """Write the parameters of a view for a run, or for a time until now."""
    from funnelhouse.command_line.since import began, wall_clock  # noqa: PLC0415 - quick --help

    if run:
        first, last = _EVER
        access.job("run", {"run": run})
    else:
        now = datetime.now(ZoneInfo(timezone))
        first, last = (
            wall_clock(began(since, timezone, now)),
            wall_clock(now + timedelta(seconds=1)),
        )
    return f"run = '{run}', since = '{first}', until = '{last}'"


def _rows(access: "Access", view: str, within: str) -> "list[Row]":
    statement = f"SELECT * FROM {view}({within})"  # noqa: S608 - names and times of ours
    return [orjson.loads(line) for line in access.query(statement, "JSONEachRow").splitlines()]


def _print(rows: Sequence[Any]) -> None:
    table = Table(*_SHOWN)
    for row in rows:
        cells = {name: "" if row[name] is None else str(row[name]) for name in _SHOWN}
        if row.get("variant"):
            cells |= {"coverage": "", "event": f"  {row['variant']}"}
        style = _COLOURS.get(row["status"], "")
        table.add_row(
            *(
                Text(printable(cell), style=style if name == "status" else "")
                for name, cell in cells.items()
            )
        )
    console = Console()
    console.width = console.width if console.is_terminal else _WIDEST
    console.print(table)
