"""The command that removes a person from everywhere, and shows that they are gone."""

from typing import Annotated, Any

import orjson
import typer

from funnelhouse.command_line.options import with_settings
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
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    if not yes and not _is_meant():
        return 1
    with open_warehouse(settings) as access:
        jobs = [access.job("forget", one) for one in _stored_ids(settings, person)]
    done = _summed(jobs)
    if as_json:
        typer.echo(orjson.dumps(done, option=orjson.OPT_INDENT_2).decode())
        return 0
    typer.echo(f"{done['users']} user ids and {done['devices']} devices were theirs.")
    for table, rows in done["removed"].items():
        if rows:
            typer.echo(f"  {table}: {rows} rows removed")
    typer.echo("No row with an id of theirs is left in any table.")
    return 0


def _stored_ids(settings: Settings, person: str) -> list[str]:
    """Give the id as it was sent, and as it is stored: e-mail addresses and numbers are hashed."""
    from funnelhouse.ingest.validation.redaction import Redaction  # noqa: PLC0415 - quick --help
    from funnelhouse.schemas.registry import load_events  # noqa: PLC0415 - quick --help

    redaction = Redaction(
        load_events(settings.plan), settings.secret_bytes(), patterns=settings.redact_patterns
    )
    return list(dict.fromkeys((person, str(redaction.begin().id(person)))))


def _summed(jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """Add up what was removed under each of the ids."""
    first, *others = jobs
    for other in others:
        for name, value in other.items():
            if isinstance(value, dict):
                for table, rows in value.items():
                    first[name][table] = first[name].get(table, 0) + rows
            else:
                first[name] += value
    return first


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
