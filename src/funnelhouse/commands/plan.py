"""The commands that check a tracking plan and bring it into force."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

if TYPE_CHECKING:  # quick --help
    from rich.progress import Progress as Bar

    from funnelhouse.command_line.warehouse_access import Access
    from funnelhouse.schemas.check import PlanContents

_LOOK_S = 0.2
_BARS = {
    "events": "events of the funnels",
    "people": "people through the funnels",
    "sessions": "sessions by another timeout",
}


@with_settings
def check(
    settings: Settings,
    *,
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of the plan; else that of the settings.")
    ] = None,
) -> int:
    """Say file, line and mend for each fault of a tracking plan; exit status 1 if there is one."""
    reading = _read(folder or settings.plan)
    if reading.faults:
        return 1
    counts = (len(reading.events), len(reading.funnels), len(reading.experiments))
    typer.echo("{} event schemas, {} funnels and {} experiments are good.".format(*counts))
    return 0


@with_settings
def apply(settings: Settings) -> int:
    """Bring an edited plan into force; until all is rebuilt, views read the plan before.

    The running product does it in the background; where nothing runs, this command does.
    """
    from funnelhouse.command_line.warehouse_access import Direct, open_warehouse  # noqa: PLC0415 - quick --help
    from funnelhouse.processes.warehouse import upgrade  # noqa: PLC0415 - quick --help
    from funnelhouse.sql.client import connection  # noqa: PLC0415 - quick --help

    if _read(settings.plan).hindrances:
        return 1
    with open_warehouse(settings, prepared=False) as access, ExitStack() as opened:
        if isinstance(access, Direct):
            # The engine stays open as long as any connection is.
            upgrade(opened.enter_context(connection(access.warehouse)), settings)
        access.job("apply_plan", str(settings.plan.resolve()))
        ended = _follow(access)
    if ended["error"]:
        raise ValueError(f"The plan before stays in force. {ended['error']}")
    typer.echo("The plan is in force." if ended["changed"] else "The plan was in force already.")
    return 0


def _read(folder: Path) -> "PlanContents":
    """Read a plan and tell its faults."""
    from funnelhouse.schemas.check import read_plan  # noqa: PLC0415 - quick --help

    reading = read_plan(folder)
    for fault in reading.faults:
        typer.echo(printable(f"{fault.file}:{fault.line}: {fault.message} → {fault.mend}"))
    return reading


def _follow(access: "Access") -> dict[str, Any]:
    """Show on standard error, while it is a terminal, how far the change is, until it has ended."""
    from rich.console import Console  # noqa: PLC0415 - quick --help
    from rich.progress import Progress as Bar  # noqa: PLC0415 - quick --help

    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal) as bar:
        for progress in _looks(access):
            if not progress["error"]:
                _show(bar, progress)
    return progress


def _show(bar: "Bar", progress: dict[str, Any]) -> None:
    """Move the bar of what is being done; those before it are full."""
    named = _BARS.get(progress["what"])
    if named not in {task.description for task in bar.tasks}:
        for task in bar.tasks:
            bar.update(task.id, completed=task.total)
        if named:
            bar.add_task(named, total=None)
    if named and progress["of"]:
        bar.update(bar.tasks[-1].id, completed=progress["done"], total=progress["of"])


def _looks(access: "Access") -> Iterator[dict[str, Any]]:
    """Look how far the change is, again and again; the last look finds it ended."""
    while (progress := access.job("plan"))["what"]:
        yield progress
        time.sleep(_LOOK_S)
    yield progress
