"""The command that sends a file of tracking calls through the collector."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO
from urllib.parse import urlsplit

import typer

from funnelhouse.options import with_settings
from funnelhouse.settings import Settings
from funnelhouse.terminal import printable

if TYPE_CHECKING:  # quick --help
    import httpx

    from funnelhouse.progress import Progress

_STDIN = "-"
_TIMEOUT_S = 60.0


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
    from funnelhouse.calls import Batching, read_calls  # noqa: PLC0415 - quick --help
    from funnelhouse.progress import load_progress, resume, save_progress  # noqa: PLC0415
    from funnelhouse.send import Sender  # noqa: PLC0415 - quick --help

    note = _note(file, state)
    key = next(iter(settings.keys())) if write_key is None else write_key
    base = _base(url or f"http://{settings.collector}")
    batching = Batching(min(batch_events, settings.max_batch_events), settings.max_body_bytes)
    progress = load_progress(note, base)
    with _opened(file) as stream, _client(base, key, own=url is None) as http, _bar(file) as show:
        resume(stream, progress, note)
        sender = Sender(http, batching, lambda told: show(progress.offset, told))
        for _ in sender.send(read_calls(stream, progress.line, progress.offset), progress):
            if note is not None:
                save_progress(note, progress)
            show(progress.offset, f"{progress.sent} events")
    if note is not None:
        note.unlink(missing_ok=True)
    _report(progress)
    return 1 if progress.rejected and not allow_rejected else 0


def _client(base: str, key: str, *, own: bool) -> "httpx.Client":
    """Open a client; the product's own address is reached directly, past any proxy."""
    import httpx  # noqa: PLC0415 - quick --help

    return httpx.Client(base_url=base, auth=(key, ""), timeout=_TIMEOUT_S, trust_env=not own)


def _report(progress: "Progress") -> None:
    typer.echo(f"{progress.sent} events sent, {progress.rejected} rejected.")
    for example in progress.examples:
        typer.echo(printable(f"  {example}"), err=True)


def _note(file: str, state: Path | None) -> Path | None:
    """Where to note how far a file was sent; a stream has no such place."""
    if file != _STDIN:
        return state or Path(f"{file}.sent")
    if state is not None:
        raise ValueError("A stream cannot be taken up again; leave --state out, or name a file.")
    return None


def _base(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"`{url}` is no address of a collector; write --url http://host:port.")
    return url.rstrip("/")


def _opened(file: str) -> BinaryIO:
    return sys.stdin.buffer if file == _STDIN else Path(file).open("rb")


@contextmanager
def _bar(file: str) -> Iterator[Callable[[int, str], None]]:
    """Show a bar on standard error while it is a terminal; yields how to move it."""
    from rich.console import Console  # noqa: PLC0415 - quick --help
    from rich.markup import escape  # noqa: PLC0415 - quick --help
    from rich.progress import Progress as Bar  # noqa: PLC0415 - quick --help

    total = None if file == _STDIN else Path(file).stat().st_size
    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("sending", total=total)
        yield lambda offset, told: bar.update(
            task, completed=offset, description=escape(printable(told))
        )
