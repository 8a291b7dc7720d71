"""What the command line asks of experiments in the warehouse."""

from dataclasses import asdict
from datetime import date
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.analysis.experiments import experiments_in_force, refresh
from funnelhouse.schemas.faults import meant

_VERDICTS = """
    SELECT experiment, argMax(verdict, as_of) FROM experiment_readouts GROUP BY experiment
"""


def listed(client: Client) -> list[dict[str, Any]]:
    """List the experiments in force, each with its last verdict, "" before the first readout."""
    verdicts = {name: verdict for name, verdict in client.query(_VERDICTS).result_rows}  # noqa: C416
    return [
        asdict(experiment)
        | {
            "variants": [variant.variant for variant in experiment.variants],
            "verdict": verdicts.get(experiment.experiment, ""),
        }
        for experiment in experiments_in_force(client)
    ]


def read_out_one(client: Client, asked: dict[str, str]) -> list[dict[str, Any]]:
    """Read an experiment out as of a day, and keep its rows.

    Raises:
        ValueError: the plan in force has no such experiment, or it has not begun by that day.
    """
    found = {experiment.experiment: experiment for experiment in experiments_in_force(client)}
    name, as_of = asked["experiment"], date.fromisoformat(asked["as_of"])
    if name not in found:
        raise ValueError(f'The plan in force has no experiment "{name}"; {meant(name, found)}.')
    if as_of < found[name].starts_on:
        raise ValueError(
            f"The experiment {name} begins on {found[name].starts_on};"
            " name that day or a later one with --as-of."
        )
    return refresh(client, found[name], as_of).rows
