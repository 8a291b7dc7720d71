"""The command that sends a file of tracking calls through the collector."""

import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from funnelhouse.command_line.options import with_settings
from funnelhouse.commands.sending import bar, client, collector_url, first_key, report
from funnelhouse.settings import Settings

_STDIN = "-"


@with_settings
def send(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    *,
    file: Annotated[str, typer.Argument(help="NDJSON, one tracking call a line; - is stdin.")],
    write_key: Annotated[
        str | None, typer.Option(help="Write key to send under; else the first of the settings.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The collector's URL; else that of the settings.")
    ] = None,
    batch_events: Annotated[int, typer.Option(min=1, help="Most events in one request.")] = 1000,
    state: Annotated[
        Path | None, typer.Option(help="Where to note how far it came \\[default: FILE.sent].")
    ] = None,
    allow_rejected: Annotated[
        bool, typer.Option("--allow-rejected", help="Exit with 0 though events were rejected.")
    ] = False,
) -> int:
    """Send tracking calls through the collector; a sending that was cut short goes on.

    Exit status 1 when events were rejected.
    """
    from funnelhouse.files.calls import Batching, read_calls  # noqa: PLC0415 - quick --help
    from funnelhouse.files.send import Sender  # noqa: PLC0415 - quick --help
    from funnelhouse.files.send_progress import load_progress, resume, save_progress  # noqa: PLC0415

    note = _note(file, state)
    key = first_key(settings) if write_key is None else write_key
    base = collector_url(settings, url)
    batching = Batching(min(batch_events, settings.max_batch_events), settings.max_body_bytes)
    progress = load_progress(note, base)
    total = None if file == _STDIN else Path(file).stat().st_size
    with _opened(file) as stream, client(base, key, own=url is None) as http, bar(total) as show:
        resume(stream, progress, note)
        sender = Sender(http, batching, lambda told: show(progress.offset, told))
        for _ in sender.send(read_calls(stream, progress.line, progress.offset), progress):
            if note is not None:
                save_progress(note, progress)
            show(progress.offset, f"{progress.sent} events")
    if note is not None:
        note.unlink(missing_ok=True)
    report(progress)
    return 1 if progress.rejected and not allow_rejected else 0


def _note(file: str, state: Path | None) -> Path | None:
    """Where to note how far a file was sent; a stream has no such place."""
    if file != _STDIN:
        return state or Path(f"{file}.sent")
    if state is not None:
        raise ValueError("A stream cannot be taken up again; leave --state out, or name a file.")
    return None


def _opened(file: str) -> BinaryIO:
    return sys.stdin.buffer if file == _STDIN else Path(file).open("rb")
