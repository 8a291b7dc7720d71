"""The command that verifies the data, and tells what is wrong with it."""

from typing import Annotated

import orjson
import typer

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings


@with_settings
def verify(
    settings: Settings,
    *,
    accept: Annotated[
        bool, typer.Option("--accept", help="Tell no more of parts that were missed so far.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Check every part, the ledger's sums, the spool and the secret; status 1 if any is wrong."""
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    with open_warehouse(settings) as access:
        done = access.job("verify", {"accept": accept})
    if as_json:
        typer.echo(orjson.dumps(done, option=orjson.OPT_INDENT_2).decode())
    for finding in done["findings"] if not as_json else ():
        typer.echo(printable(finding))
    if not done["findings"] and not as_json:
        typer.echo("Spool, parts, counts and secret are as they should be.")
    return 1 if done["findings"] else 0
