"""Commands that start the product's processes and stay until they are told to stop."""

import errno
from contextlib import ExitStack

import typer

from funnelhouse.command_line.options import option_name, with_settings
from funnelhouse.settings import Settings


@with_settings
def up(settings: Settings) -> int:
    """Start the collector and the warehouse process, and stay."""
    return _run(settings, collect=True, warehouse=True)


@with_settings
def collect(settings: Settings) -> int:
    """Start the collector alone, and stay."""
    return _run(settings, collect=True, warehouse=False)


@with_settings
def warehouse(settings: Settings) -> int:
    """Start the warehouse process alone: loader, console, SQL; and stay."""
    return _run(settings, collect=False, warehouse=True)


@with_settings
def demo(settings: Settings) -> int:
    """Replay the example through the collector, print its weekly funnel, and end."""
    from rich.console import Console  # noqa: PLC0415 - quick --help

    from funnelhouse.demo.demo import run_demo  # noqa: PLC0415 - quick --help

    run_demo(settings, Console())
    return 0


def _run(settings: Settings, *, collect: bool, warehouse: bool) -> int:
    from funnelhouse.processes.logs import configure_logs  # noqa: PLC0415 - quick --help
    from funnelhouse.processes.permissions import keep_private  # noqa: PLC0415 - quick --help
    from funnelhouse.processes.process_lock import only_one  # noqa: PLC0415 - quick --help
    from funnelhouse.processes.supervisor import Supervisor  # noqa: PLC0415 - quick --help
    from funnelhouse.schemas.registry import load_events  # noqa: PLC0415 - quick --help

    with ExitStack() as held:
        keep_private(settings.data)
        settings.secret_bytes()
        # Children start again after a fault: what no restart can mend is found before the first.
        if collect:
            load_events(settings.plan)
            settings.keys()
            _can_listen("collector", settings.collector)
            # Two sets of workers would overwrite each other's counters.
            held.enter_context(only_one(settings, "collector"))
        if warehouse:
            _can_listen("console", settings.console)
        configure_logs()
        supervisor = Supervisor(settings, collect=collect, warehouse=warehouse)
        if collect:
            typer.echo(f"The collector takes events at http://{settings.collector}.")
        if warehouse:
            typer.echo(f"The warehouse process answers at http://{settings.console}.")
        typer.echo(f"Data lies in {settings.data}; Ctrl-C stops.")
        return supervisor.run()


def _can_listen(setting: str, address: str) -> None:
    from funnelhouse.processes.supervisor import listen  # noqa: PLC0415 - quick --help

    try:
        listen(address).close()
    except OSError as error:
        name = f"FUNNELHOUSE_{setting.upper()} ({option_name(setting)})"
        if error.errno == errno.EADDRINUSE:
            told = f"is taken; stop what listens there, or set {name} to another one"
        else:
            told = f"cannot be used ({error.strerror}); set {name} to one of this machine"
        raise ValueError(f"The address {address} {told}.") from error
