"""The command that imports targets."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings


@with_settings
def targets(
    settings: Settings,
    *,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV: funnel, metric, role, direction, value, valid_from; if wanted track,"
            " cohort, from, to, stage, period."
        ),
    ],
) -> int:
    """Import targets and guardrails from a CSV file; a row replaces the one with its key."""
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help
    from funnelhouse.files.target_csv import read_targets  # noqa: PLC0415 - quick --help

    argument = [
        asdict(target) | {"valid_from": target.valid_from.isoformat()}
        for target in read_targets(file, settings.plan)
    ]
    with open_warehouse(settings) as access:
        imported = access.job("targets", argument)["imported"]
    typer.echo(f"{imported} targets stand beside those of the plan.")
    return 0
