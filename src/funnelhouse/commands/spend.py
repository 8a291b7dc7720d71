"""The command that imports ad spend."""

from pathlib import Path
from typing import Annotated

import typer

from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings


@with_settings
def spend(
    settings: Settings,
    *,
    file: Annotated[
        Path,
        typer.Argument(help="CSV: product, track, channel, date or week (its Monday), amount."),
    ],
) -> int:
    """Import ad spend from a CSV file; a row replaces the one with its key."""
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help
    from funnelhouse.files.spend_csv import read_spend  # noqa: PLC0415 - quick --help

    rows = read_spend(file)
    argument = [
        {
            "product": row.product,
            "track": row.track,
            "channel": row.channel,
            "period_start": row.period_start.isoformat(),
            "period_end": row.period_end.isoformat(),
            "amount": str(row.amount),
        }
        for row in rows
    ]
    with open_warehouse(settings) as access:
        imported = access.job("spend", argument)["imported"]
    typer.echo(f"{imported} rows of ad spend stand in the warehouse.")
    return 0
