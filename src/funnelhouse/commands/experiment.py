"""The commands on experiments: which there are, what they say, what they need, who gets what."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from funnelhouse.command_line.days import day
from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

if TYPE_CHECKING:  # quick --help
    from funnelhouse.schemas.experiments import Experiment

_LISTED = ("experiment", "title", "unit", "traffic", "starts_on", "ends_on", "variants", "verdict")
_SHOWN = (
    *("metric", "variant", "units", "total", "mean", "lift", "lift_low", "lift_high"),
    *("p_value", "p_adjusted", "always_low", "always_high", "better", "expected_loss"),
)
_SHARES = {"traffic", "lift", "lift_low", "lift_high", "better"}

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Key = Annotated[str, typer.Argument(help="The experiment, as its file is named.")]


@with_settings
def listing(settings: Settings, *, as_json: Json = False) -> int:
    """List the experiments of the plan in force, with the last verdict of each."""
    _print(_job(settings, "experiments"), _LISTED, as_json=as_json)
    return 0


@with_settings
def readout(
    settings: Settings,
    *,
    key: Key,
    as_of: Annotated[
        str, typer.Option(help="Last day that counts, such as 2024-08-18; else today.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Read an experiment out anew, keep the rows, and say the verdict and why."""
    asked = {"experiment": key, "as_of": _day(as_of, settings).isoformat()}
    rows = _job(settings, "experiment_readout", asked)
    _print(rows, _SHOWN, as_json=as_json)
    if not as_json:
        typer.echo(printable(f"{rows[0]['verdict']}: {rows[0]['why']}"))
    return 0


@with_settings
def power(
    settings: Settings,
    *,
    key: Key,
    rate: Annotated[
        float | None, typer.Option(help="Plan with this rate of the control, such as 0.05.")
    ] = None,
    a_day: Annotated[
        float, typer.Option(help="Units that come into the experiment in a day.", min=0)
    ] = 0,
    as_json: Json = False,
) -> int:
    """Say how many units the minimum effect needs, and how long that takes.

    By the plan alone with --rate, else by what the experiment has so far.
    """
    if rate is None:
        asked = {"experiment": key, "as_of": _day("", settings).isoformat()}
        rows = _job(settings, "experiment_readout", asked)
        _print(rows, ("metric", "variant", "units", "units_needed", "days_left"), as_json=as_json)
        return 0
    _print(_planned(_of_plan(settings, key), rate, a_day), _PLANNED, as_json=as_json)
    return 0


_PLANNED = ("variant", "rate", "minimum_effect", "units_needed", "days")


@with_settings
def bucket(
    settings: Settings,
    *,
    key: Key,
    units: Annotated[list[str], typer.Argument(help="Ids of units.")],
    as_json: Json = False,
) -> int:
    """Say which variant units get by the plan's file; none for those that take no part."""
    from funnelhouse.analysis.bucketing import assigned, bucket  # noqa: PLC0415 - quick --help

    experiment = _of_plan(settings, key)
    rows = [
        {
            "unit": unit,
            "bucket": bucket(experiment.seed, unit),
            "variant": assigned(experiment, unit),
        }
        for unit in units
    ]
    _print(rows, ("unit", "bucket", "variant"), as_json=as_json)
    return 0


def _job(settings: Settings, name: str, argument: Any = None) -> Any:
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    with open_warehouse(settings) as access:
        return access.job(name, argument)


def _day(written: str, settings: Settings) -> date:
    return day(written) if written else datetime.now(ZoneInfo(settings.timezone)).date()


def _of_plan(settings: Settings, key: str) -> "Experiment":
    from funnelhouse.schemas.faults import meant  # noqa: PLC0415 - quick --help
    from funnelhouse.schemas.registry import load_plan  # noqa: PLC0415 - quick --help

    plan = load_plan(settings.plan)
    found = {experiment.experiment: experiment for experiment in plan.experiments}
    if key not in found:
        raise ValueError(f'The plan has no sound experiment "{key}"; {meant(key, found)}.')
    return found[key]


def _planned(experiment: "Experiment", rate: float, a_day: float) -> list[dict[str, Any]]:
    from funnelhouse.analysis.power import days_left, units_for_rates  # noqa: PLC0415 - quick --help

    control, *others = experiment.variants
    sign = 1 if experiment.metrics[0].direction == "increase" else -1
    rows = []
    for other in others:
        shares = (control.weight, other.weight)
        needed = units_for_rates(rate, sign * experiment.minimum_effect, shares)
        if needed is None:
            raise ValueError(
                f"No power follows from a rate of {rate:g} and a minimum effect of"
                f" {experiment.minimum_effect:g}; write a rate between 0 and 1 that leaves room."
            )
        values = (other.variant, rate, experiment.minimum_effect, needed)
        rows.append(dict(zip(_PLANNED, (*values, days_left(needed, 0, a_day)), strict=True)))
    return rows


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    from funnelhouse.command_line import row_output as listing  # noqa: PLC0415 - quick --help

    if as_json:
        listing.as_json(rows)
    else:
        listing.as_table(rows, columns, _SHARES)
