"""Commands that start the product's processes and stay until they are told to stop."""

import errno

from funnelhouse.options import option_name, with_settings
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

    from funnelhouse.demo import run_demo  # noqa: PLC0415 - quick --help

    run_demo(settings, Console())
    return 0


def _run(settings: Settings, *, collect: bool, warehouse: bool) -> int:
    from funnelhouse.supervisor import Supervisor  # noqa: PLC0415 - quick --help
    from schemas.registry import load_plan  # noqa: PLC0415 - quick --help

    # Children start again after a fault: what no restart can mend is found before the first one.
    load_plan(settings.plan)
    if collect:
        settings.keys()
        _can_listen("collector", settings.collector)
    if warehouse:
        _can_listen("console", settings.console)
    return Supervisor(settings, collect=collect, warehouse=warehouse).run()


def _can_listen(setting: str, address: str) -> None:
    from funnelhouse.supervisor import listen  # noqa: PLC0415 - quick --help

    try:
        listen(address).close()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is taken" if taken else f"cannot be used ({error.strerror})"
        raise ValueError(
            f"The address {address} {why}; stop what listens there, or set"
            f" FUNNELHOUSE_{setting.upper()} ({option_name(setting)}) to another one."
        ) from error
