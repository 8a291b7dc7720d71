"""What the commands that send through the collector share: where to, a bar, and the report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from funnelhouse.command_line.escaping import printable
from funnelhouse.settings import Settings

if TYPE_CHECKING:  # quick --help
    import httpx

    from funnelhouse.files.send_progress import SendProgress

_TIMEOUT_S = 60.0


def first_key(settings: Settings) -> str:
    """Give the write key of a command that names none."""
    return next(iter(settings.keys()))


def collector_url(settings: Settings, url: str | None) -> str:
    """Give the URL of the collector named by an option, else by the settings.

    Raises:
        ValueError: the option is no such URL.
    """
    if url is None:
        return f"http://{settings.collector}"
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"`{url}` is no address of a collector; write --url http://host:port.")
    return url.rstrip("/")


def client(base: str, key: str, *, own: bool) -> "httpx.Client":
    """Open a client; the product's own address is reached directly, past any proxy.

    Who acted did not act by this command, so it tells no user agent of its own.
    """
    import httpx  # noqa: PLC0415 - quick --help

    return httpx.Client(
        base_url=base,
        auth=(key, ""),
        headers={"user-agent": ""},
        timeout=_TIMEOUT_S,
        trust_env=not own,
    )


def report(progress: "SendProgress") -> None:
    """Print how many events were sent and rejected, and some of the reasons."""
    typer.echo(f"{progress.sent} events sent, {progress.rejected} rejected.")
    for example in progress.examples:
        typer.echo(printable(f"  {example}"), err=True)


@contextmanager
def bar(total: int | None, what: str = "sending") -> Iterator[Callable[[int, str], None]]:
    """Show a bar on standard error while it is a terminal; yields how to move it.

    `total` is of bytes or rows, as are the steps; None where nobody knows it.
    """
    from rich.console import Console  # noqa: PLC0415 - quick --help
    from rich.markup import escape  # noqa: PLC0415 - quick --help
    from rich.progress import Progress as Bar  # noqa: PLC0415 - quick --help

    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal) as shown:
        task = shown.add_task(what, total=total)
        yield lambda done, told: shown.update(
            task, completed=done, description=escape(printable(told))
        )
