"""The command that imports events from a CSV file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from funnelhouse.command_line.options import with_settings
from funnelhouse.commands.sending import bar, client, collector_url, first_key, report
from funnelhouse.settings import Settings

if TYPE_CHECKING:
    from funnelhouse.ingest.validation.pending_event import Rules


@with_settings
def events(
    settings: Settings,
    *,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV: event, event_time, user_id or anonymous_id; then a column a property."
        ),
    ],
    write_key: Annotated[
        str | None,
        typer.Option(help="Write key, best a server's; else the first of the settings."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The collector's URL; else that of the settings.")
    ] = None,
) -> int:
    """Send the rows of a CSV file through the collector; one that was sent before changes nothing.

    A file with any wrong row is refused whole. Exit status 1 when the collector rejected events.
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - quick --help

    from funnelhouse.files.calls import Batching  # noqa: PLC0415 - quick --help
    from funnelhouse.files.event_csv import EventCsv  # noqa: PLC0415 - quick --help
    from funnelhouse.files.send import Sender  # noqa: PLC0415 - quick --help
    from funnelhouse.files.send_progress import SendProgress  # noqa: PLC0415 - quick --help

    base = collector_url(settings, url)
    key = first_key(settings) if write_key is None else write_key
    sheet = EventCsv(file, _rules(settings), ZoneInfo(settings.timezone))
    progress = SendProgress(base)
    batching = Batching(settings.max_batch_events, settings.max_body_bytes)
    with bar(sheet.check()) as show, client(base, key, own=url is None) as http:
        sender = Sender(http, batching, lambda told: show(progress.sent, told))
        for _ in sender.send(sheet.calls(), progress):
            show(progress.sent, f"{progress.sent} events")
    report(progress)
    return 1 if progress.rejected else 0


def _rules(settings: Settings) -> "Rules":
    """Give what the collector judges by, without the secret: nothing is written here, or hashed."""
    from funnelhouse.ingest.validation.pending_event import Rules  # noqa: PLC0415 - quick --help
    from funnelhouse.schemas.registry import load_events  # noqa: PLC0415 - quick --help

    return Rules(
        load_events(settings.plan),
        settings.limits,
        secret=b"",
        accept_unknown=settings.unknown_events == "accept",
    )
