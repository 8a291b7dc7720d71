"""The command that checks a tracking plan."""

from pathlib import Path
from typing import Annotated

import typer

from funnelhouse.options import with_settings
from funnelhouse.settings import Settings
from funnelhouse.terminal import printable


@with_settings
def check(
    settings: Settings,
    *,
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of the plan; else that of the settings.")
    ] = None,
) -> int:
    """Say file, line and mend for each fault of a tracking plan; exit status 1 if there is one."""
    from schemas.check import read_plan  # noqa: PLC0415 - quick --help

    reading = read_plan(folder or settings.plan)
    for fault in reading.faults:
        typer.echo(printable(f"{fault.file}:{fault.line}: {fault.message} → {fault.mend}"))
    if reading.faults:
        return 1
    typer.echo(f"{len(reading.events)} event schemas and {len(reading.funnels)} funnels are good.")
    return 0
