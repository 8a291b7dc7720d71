"""The command that removes a person from everywhere, and shows that they are gone."""

from typing import Annotated

import orjson
import typer

from funnelhouse.options import with_settings
from funnelhouse.settings import Settings


@with_settings
def forget(
    settings: Settings,
    *,
    person: Annotated[str, typer.Argument(help="A user id, or the id of a device.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Remove a person from every table, the spool and rejected events; it cannot be undone."""
    from funnelhouse.access import open_warehouse  # noqa: PLC0415 - quick --help

    if not yes and not _is_meant():
        return 1
    with open_warehouse(settings) as access:
        done = access.job("forget", person)
    if as_json:
        typer.echo(orjson.dumps(done, option=orjson.OPT_INDENT_2).decode())
        return 0
    typer.echo(f"{done['users']} user ids and {done['devices']} devices were theirs.")
    for table, rows in done["removed"].items():
        if rows:
            typer.echo(f"  {table}: {rows} rows removed")
    typer.echo("No row with an id of theirs is left in any table.")
    return 0


def _is_meant() -> bool:
    """Ask whether it is meant.

    Raises:
        ValueError: nobody can answer.
    """
    try:
        return typer.confirm("Their events go for ever, and numbers change. Go on?")
    except (typer.Abort, OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            "Nobody is there to answer, so nothing was removed; write --yes if it is meant."
        ) from error
