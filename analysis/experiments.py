"""Experiments in the warehouse: those in force, their facts by its views, and readouts as rows."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.analysis.arm import Sums
from funnelhouse.analysis.gates import Check
from funnelhouse.analysis.readout import ExperimentFacts, Readout, read_out
from funnelhouse.schemas.experiments import Experiment, Metric, Variant

_TABLE = "experiment_readouts_raw"
_RECENT_DAYS = 7
_EXPERIMENTS = "SELECT * EXCEPT build FROM experiments ORDER BY experiment"
_METRICS = """
    SELECT metric, role, kind, funnel, stage, days, event, per_session, direction, tolerance
    FROM experiment_metrics
    WHERE experiment = {experiment:String}
    ORDER BY position
"""
_SUMS = "SELECT * FROM experiment_sums(experiment = {experiment:String}, as_of = {as_of:Date})"
_CHECKS = """
    SELECT gate, position, name, variant, units, having
    FROM experiment_checks(experiment = {experiment:String}, as_of = {as_of:Date})
"""


def experiments_in_force(client: Client) -> list[Experiment]:
    """Read the experiments of the plan in force, without the events that views look for."""
    found = client.query(_EXPERIMENTS)
    return [_experiment(client, row) for row in found.named_results()]


def refresh(client: Client, experiment: Experiment, as_of: date) -> Readout:
    """Read an experiment out as of the end of a day, and keep the rows."""
    readout = read_out(experiment, facts(client, experiment, as_of))
    computed_at = datetime.now(UTC)
    rows = [row | {"computed_at": computed_at} for row in readout.rows]
    names = list(rows[0])
    client.insert(_TABLE, [list(row.values()) for row in rows], column_names=names)
    return readout


def refresh_running(client: Client, today: date) -> list[str]:
    """Read out every experiment that runs or ended within 30 days; returns their names."""
    running = [
        experiment
        for experiment in experiments_in_force(client)
        if experiment.starts_on <= today <= experiment.ends_on + timedelta(days=30)
    ]
    for experiment in running:
        refresh(client, experiment, today)
    return [experiment.experiment for experiment in running]


def facts(client: Client, experiment: Experiment, as_of: date) -> ExperimentFacts:
    """Ask the warehouse for all that a readout needs."""
    asked = {"experiment": experiment.experiment, "as_of": as_of}
    sums = {
        (metric, variant): Sums(*values) for metric, variant, *values in _rows(client, _SUMS, asked)
    }
    checks = [Check(*row) for row in _rows(client, _CHECKS, asked)]
    recent = sum(check.having for check in checks if check.gate == "recent")
    days = max(1, min(_RECENT_DAYS, (as_of - experiment.starts_on).days + 1))
    return ExperimentFacts(as_of, sums, checks, recent / days)


def _rows(client: Client, statement: str, asked: dict[str, Any]) -> Iterable[Any]:
    return client.query(statement, parameters=asked).result_rows


def _experiment(client: Client, row: dict[str, Any]) -> Experiment:
    metrics = client.query(_METRICS, parameters={"experiment": row["experiment"]})
    variants = zip(row.pop("variants"), row.pop("weights"), strict=True)
    return Experiment(
        **row,
        variants=tuple(Variant(variant, weight) for variant, weight in variants),
        metrics=tuple(
            Metric(limit=metric.pop("tolerance"), conditions=[], **metric)
            for metric in metrics.named_results()
        ),
        events=(),
    )
