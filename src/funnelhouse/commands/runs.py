"""The commands on test runs: start one, end it, list those that there are."""

import secrets
from typing import Annotated, Any

import orjson
import typer

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@with_settings
def start(
    settings: Settings,
    *,
    run: Annotated[str, typer.Argument(help="Its id; one is drawn where none is given.")] = "",
    minutes: Annotated[int, typer.Option(help="How long it lasts at most.")] = 60,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: Json = False,
) -> int:
    """Register a test run: from now on events that name it are its own, and in no report.

    Events name it by the header X-Funnelhouse-Run, the query ?fh_run=, or context.run.
    """
    asked = {"run": run or f"run-{secrets.token_hex(6)}", "minutes": minutes, "note": note}
    _tell(_job(settings, "start_run", asked), as_json=as_json)
    return 0


@with_settings
def end(
    settings: Settings,
    *,
    run: Annotated[str, typer.Argument(help="Its id.")],
    as_json: Json = False,
) -> int:
    """End a test run now; its events stay its own."""
    _tell(_job(settings, "end_run", {"run": run}), as_json=as_json)
    return 0


@with_settings
def listing(settings: Settings, *, as_json: Json = False) -> int:
    """List the test runs, the newest first."""
    rows = _job(settings, "runs")
    if as_json:
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        for row in rows:
            typer.echo(
                printable(f"{row['run']}  {row['starts_at']} to {row['ends_at']}  {row['note']}")
            )
    return 0


def _job(settings: Settings, name: str, argument: Any = None) -> Any:
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    with open_warehouse(settings) as access:
        return access.job(name, argument)


def _tell(run: dict[str, str], *, as_json: bool) -> None:
    """Print the id alone, so that a shell takes it up; when it ends goes to standard error."""
    if as_json:
        typer.echo(orjson.dumps(run).decode())
    else:
        typer.echo(printable(run["run"]))
        typer.echo(printable(f"until {run['ends_at']} UTC"), err=True)
