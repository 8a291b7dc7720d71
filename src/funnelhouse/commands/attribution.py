"""The commands on attribution: what SQL alone cannot compute."""

from typing import Annotated

import typer

from funnelhouse.command_line.days import day
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

_SHOWN = ("channel", "removal_effect", "share")


@with_settings
def markov(  # noqa: PLR0913 - a command's options
    settings: Settings,
    *,
    funnel: Annotated[str, typer.Argument(help="The funnel of the conversions.")],
    stage: Annotated[str, typer.Argument(help="Their stage, or the measure `revenue`.")],
    first_day: Annotated[str, typer.Option(help="First day of the conversions.")],
    last_day: Annotated[str, typer.Option(help="Last day of the conversions.")],
    lookback_days: Annotated[
        int, typer.Option(help="How long before it a session counts.", min=1, max=3650)
    ] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> int:
    """Compute what each channel adds to conversions, for the model `markov` of the views."""
    from funnelhouse.command_line import row_output as listing  # noqa: PLC0415 - quick --help
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    first, last = day(first_day), day(last_day)
    if last < first:
        raise ValueError(f"The last day, {last}, is before the first; swap them.")
    asked = {
        "funnel": funnel,
        "stage": stage,
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "lookback_days": lookback_days,
    }
    with open_warehouse(settings) as access:
        rows = access.job("markov", asked)
    if as_json:
        listing.as_json(rows)
    else:
        listing.as_table(rows, _SHOWN, shares=_SHOWN[1:])
    return 0
