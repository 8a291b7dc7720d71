"""The command that brings the warehouse to this version, or tells how far it is."""

from typing import Annotated

import typer

from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings


@with_settings
def migrate(
    settings: Settings,
    *,
    status: Annotated[
        bool, typer.Option("--status", help="List the migrations and change nothing.")
    ] = False,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Take the secret in use for the warehouse's own.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the statements, and run none.")
    ] = False,
) -> int:
    """Bring the warehouse to this version's tables and views."""
    from funnelhouse.command_line.warehouse_access import Direct, open_warehouse  # noqa: PLC0415 - quick --help
    from funnelhouse.processes.fingerprint import accept_secret  # noqa: PLC0415 - quick --help
    from funnelhouse.processes.warehouse import prepare  # noqa: PLC0415 - quick --help
    from funnelhouse.sql.client import connection  # noqa: PLC0415 - quick --help
    from funnelhouse.sql.refresh import Refresh  # noqa: PLC0415 - quick --help

    with open_warehouse(settings, prepared=False) as access:
        if dry_run:
            return _print_statements(access.job("migrations"), settings)
        if not status and isinstance(access, Direct):
            with connection(access.warehouse) as client:
                prepare(client, settings, Refresh(settings.timezone, settings.session_timeout_s))
                if new_secret:
                    accept_secret(client, settings.secret_bytes())
        migrations = access.job("migrations")
    for migration in migrations:
        typer.echo(f"{migration['name']}  {migration['state']}")
    pending = [m for m in migrations if m["state"] != "applied"]
    if pending and not status:
        raise ValueError(
            f"{len(pending)} migrations are not applied by the process that holds the warehouse;"
            " restart it."
        )
    return 0


def _print_statements(migrations: list[dict[str, str]], settings: Settings) -> int:
    from funnelhouse.sql.client import database_of  # noqa: PLC0415 - quick --help
    from funnelhouse.sql.layout import Layout  # noqa: PLC0415 - quick --help
    from funnelhouse.sql.upgrade import refuse_another_history, statements  # noqa: PLC0415 - quick --help

    states = {entry["name"]: entry["state"] for entry in migrations}
    refuse_another_history(states)
    pending = {name for name, state in states.items() if state == "pending"}
    layout = Layout(settings.cluster, database_of(settings.warehouse_place))
    for statement in statements(pending, settings.timezone, layout):
        typer.echo(statement)
    return 0
