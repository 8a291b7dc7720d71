"""The tracking plan as the warehouse stores it: rules, funnels, goals, actions and experiments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from datetime import timedelta

from funnelhouse.schemas.experiments import Experiment
from funnelhouse.schemas.registry import EventSchema, Plan
from funnelhouse.sql.builds import PlanTables, Rows

_BEFORE = timedelta(days=28)
"""How long before an experiment its metrics count as `earlier` in `experiment_outcomes`."""


def tables_of(plan: Plan) -> PlanTables:
    """Lay a plan out in rows."""
    return PlanTables(
        rules=[astuple(rule) for funnel in plan.funnels for rule in funnel.rules()],
        funnels=[
            (
                funnel.funnel,
                funnel.version,
                funnel.product,
                funnel.title,
                funnel.title_ko,
                funnel.valid_from,
                funnel.valid_until,
                funnel.window_days,
            )
            for funnel in plan.funnels
        ],
        intakes=[
            (funnel.funnel, funnel.version, *astuple(intake)[1:])
            for funnel in plan.funnels
            for intake in funnel.intakes
        ],
        targets=[astuple(target) for target in plan.targets],
        actions=[astuple(action) for action in plan.actions],
        events=[
            (name, _newest(versions).family, _newest(versions).version, *_properties(versions))
            for name, versions in plan.events.items()
        ],
        coverage=[astuple(expectation) for expectation in plan.coverage],
        alerts=[astuple(alert) for alert in plan.alerts],
        **experiment_tables(plan.experiments),
    )


def experiment_tables(experiments: Sequence[Experiment]) -> dict[str, Rows]:
    """Lay experiments out in rows, by the field of `PlanTables`."""
    return {
        "experiments": [_experiment(experiment) for experiment in experiments],
        "experiment_metrics": [
            (experiment.experiment, number, *astuple(metric))
            for experiment in experiments
            for number, metric in enumerate(experiment.metrics, 1)
        ],
        "experiment_events": [
            (experiment.experiment, *astuple(event))
            for experiment in experiments
            for event in experiment.events
        ],
        "signal_rules": [rule for experiment in experiments for rule in _signals(experiment)],
    }


def _signals(experiment: Experiment) -> Iterator[tuple[object, ...]]:
    """Give what an experiment looks for: of metrics from before it on, else from its begin."""
    begin, by_session = experiment.starts_on, experiment.unit == "session"
    for event in experiment.events:
        yield (experiment.experiment, *astuple(event), by_session, begin)
    for number, metric in enumerate(experiment.metrics, 1):
        if metric.event:
            named = ("metric", number, metric.event, metric.conditions)
            yield (experiment.experiment, *named, by_session, begin - _BEFORE)


def _experiment(experiment: Experiment) -> tuple[object, ...]:
    fields = asdict(experiment)
    variants = fields.pop("variants")
    del fields["metrics"], fields["events"]
    return (
        *fields.values(),
        [variant["variant"] for variant in variants],
        [variant["weight"] for variant in variants],
    )


def _newest(versions: Mapping[str, EventSchema]) -> EventSchema:
    return list(versions.values())[-1]


def _properties(versions: Mapping[str, EventSchema]) -> tuple[list[str], list[str]]:
    """Name the properties that the newest version describes, and those that it requires."""
    document = _newest(versions).document
    return sorted(document.get("properties", {})), sorted(document.get("required", ()))
