"""The command `funnelhouse`: gathers the commands, and turns every fault into a sentence."""

import logging
import sys
from typing import Annotated

import typer

from funnelhouse import __version__
from funnelhouse.commands import (
    archive,
    attribution,
    coverage,
    events,
    expect,
    experiment,
    forget,
    migrate,
    plan,
    plan_texts,
    processes,
    replay,
    runs,
    send,
    spend,
    sql,
    status,
    targets,
    verify,
)

_FAULT = 2

app = typer.Typer(
    name="funnelhouse",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="From the browser to exact funnel numbers: collect events, load them, ask for numbers.",
)
imports = typer.Typer(help="Bring in what stands in CSV files, or in an archive.")
experiments = typer.Typer(help="Read experiments out, and plan them.")
attributions = typer.Typer(help="Compute attribution that SQL alone cannot.")
tests = typer.Typer(help="Test runs, whose events stand in no report.")
plans = typer.Typer(help="Check a tracking plan, and bring it into force.")


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"funnelhouse {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


app.command()(processes.up)
app.command()(processes.collect)
app.command()(processes.warehouse)
app.command()(migrate.migrate)
app.command()(status.status)
app.command()(verify.verify)
app.command()(send.send)
app.command()(replay.replay)
app.command()(sql.sql)
app.command()(processes.demo)
app.command()(coverage.coverage)
app.command()(expect.expect)
app.command()(forget.forget)
app.command()(archive.export)
app.add_typer(imports, name="import")
app.add_typer(plans, name="plan")
app.add_typer(tests, name="run")
app.add_typer(experiments, name="experiment")
app.add_typer(attributions, name="attribution")
imports.command("spend")(spend.spend)
imports.command("events")(events.events)
imports.command("targets")(targets.targets)
imports.command("archive")(archive.archive)
plans.command("check")(plan.check)
plans.command("apply")(plan.apply)
plans.command("diff")(plan_texts.diff)
plans.command("docs")(plan_texts.docs)
plans.command("infer")(plan_texts.infer)
plans.command("types")(plan_texts.types)
tests.command("start")(runs.start)
tests.command("end")(runs.end)
tests.command("list")(runs.listing)
experiments.command("list")(experiment.listing)
experiments.command("readout")(experiment.readout)
experiments.command("power")(experiment.power)
experiments.command("bucket")(experiment.bucket)
attributions.command("markov")(attribution.markov)


def main() -> int:
    """Run the command line; returns the exit status, 2 after a fault that the user can mend."""
    # What a library would log of a fault is in the sentence already.
    logging.basicConfig(handlers=[logging.NullHandler()])
    try:
        return int(app(standalone_mode=False) or 0)
    except Exception as error:
        from funnelhouse.faults import sentence  # noqa: PLC0415 - only a fault needs the imports

        told = sentence(error)
        if told is None:
            raise
        sys.stderr.write(f"{told}\n")
        return _FAULT


if __name__ == "__main__":
    sys.exit(main())
