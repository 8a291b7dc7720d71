"""Brings a plan into force: states of new or edited funnels grow beside the old, then all switch.

A build is one version of a funnel as its file stands. Its events are found by the materialized
view's own SELECT, everybody is refreshed, and only then do views read it.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.backfill import grow, grow_of
from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.layout import cluster_of, share, stored
from funnelhouse.sql.lost_events import LostEvents, lost_events
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.signals import grow_signals, signal_rows

Rows = Sequence[tuple[Any, ...]]
Builds = Mapping[str, Rows]
Note = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much is done, and of how much."""
Earliest = Callable[[], Iterable[pa.Table]]
"""Gives events that the warehouse has no more, or none, some at a time; as often as it is asked."""
Earlier = Callable[[LostEvents], Earliest]
"""Finds these, or raises an error that says why not."""

_RULES = (
    "build",
    "funnel",
    "funnel_version",
    "product",
    "stage_position",
    "stage",
    "stage_label",
    "kind",
    "lead",
    "role",
    "within_days",
    "event_name",
    "conditions",
    "reenter",
    "reads",
)
_PLAN_TABLES = (
    "plan_funnels",
    "plan_intakes",
    "plan_targets",
    "plan_actions",
    "plan_experiments",
    "plan_experiment_metrics",
    "plan_experiment_events",
    "plan_events",
    "plan_coverage",
    "plan_alerts",
)
_STATES = (
    *("stage_events", "stage_hits_raw", "stage_entries_raw", "stage_rules"),
    *("experiment_signals_raw", "signal_rules"),
)

_LATER = " SETTINGS lightweight_deletes_sync = 0"
"""For rows that may go when the engine finds the time: who reads a plan's rows names the plan."""


@dataclass(frozen=True, slots=True)
class PlanTables:
    """A plan as rows: `rules` as `stage_rules` has them after `build`, the others after `plan`.

    A row of `funnels` begins with funnel, version and product; its build is put before it. A row of
    `signal_rules` has the experiment in the place of the build, and a day as its `since`; the build
    is put before the row of `experiments`.
    """

    rules: Rows
    funnels: Rows = ()
    intakes: Rows = ()
    targets: Rows = ()
    actions: Rows = ()
    experiments: Rows = ()
    experiment_metrics: Rows = ()
    experiment_events: Rows = ()
    signal_rules: Rows = ()
    events: Rows = ()
    coverage: Rows = ()
    alerts: Rows = ()

    @property
    def name(self) -> str:
        """The plan's name: the same content in any order of rows has the same one."""
        content = [sorted(map(repr, getattr(self, field.name))) for field in fields(self)]
        return _fingerprint(content)

    def builds(self) -> dict[str, list[tuple[Any, ...]]]:
        """Give the rules of each build by its name."""
        of: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
        for rule in self.rules:
            of.setdefault(rule[:2], []).append(rule)
        return {_fingerprint(sorted(map(repr, rules))): rules for rules in of.values()}

    def signals(self, timezone: str) -> dict[str, list[tuple[Any, ...]]]:
        """Give the signal rules of each experiment by their build; their days are of a timezone."""
        of: dict[str, list[tuple[Any, ...]]] = {}
        for rule in self.signal_rules:
            of.setdefault(rule[0], []).append(rule)
        return {_fingerprint([timezone, *sorted(map(repr, rules))]): rules for rules in of.values()}


def apply_plan(
    client: Client,
    plan: PlanTables,
    refresh: Refresh,
    note: Note,
    earlier: Earlier | None = None,
) -> bool:
    """Bring a plan into force; False when it is already. Safe to repeat after a crash.

    Until the last moment every view reads the plan before. Loads may go on meanwhile. `earlier`
    finds events that retention has dropped.

    Raises:
        WarehouseError: states must be built from events that are no longer there.
    """
    in_force, complete = _state(client)
    if in_force == plan.name:
        return False
    builds = plan.builds()
    new = {build: rules for build, rules in builds.items() if build not in complete}
    if new:
        events = _earlier_events(client, refresh, None, earlier)
        _grow(client, new, refresh, note, events)
    signals = plan.signals(refresh.timezone)
    unseen = {build: rules for build, rules in signals.items() if build not in complete}
    if unseen:
        rows = signal_rows(unseen, refresh.timezone)
        events = _earlier_events(client, refresh, min(row[-1] for row in rows), earlier)
        note("events", 0, 1)
        grow_signals(client, rows, refresh, events)
    _write_plan(client, plan, builds, signals)
    names = [*builds, *signals]
    client.insert("plan_states", [[plan.name, names]], column_names=["plan", "builds"])
    _remove_others(client, plan.name, names)
    return True


def plan_in_force(client: Client) -> str:
    """Name the plan that views read, "" before the first one."""
    return _state(client)[0]


def builds_in_force(client: Client) -> Collection[str]:
    """Name the builds that views read, none before the first plan."""
    return _state(client)[1]


def _fingerprint(content: Any) -> str:
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]


def _state(client: Client) -> tuple[str, Collection[str]]:
    rows = client.query("SELECT plan, builds FROM plan_states ORDER BY since DESC LIMIT 1")
    for plan, builds in rows.result_rows:
        return plan, builds
    return "", ()


def _earlier_events(
    client: Client, refresh: Refresh, since: datetime | None, earlier: Earlier | None
) -> Earliest:
    """Find the events that new builds need and the warehouse has no more, from `since` on.

    Raises:
        WarehouseError: nobody has them.
    """
    with refresh.rules:
        lost = lost_events(client)
    if lost is None or (since is not None and lost.last < since):
        return tuple
    if earlier is None:
        gone = (
            f"Events received before {lost.kept_from:%Y-%m-%d %H:%M} UTC"
            if lost.kept_from
            else "All events"
        )
        raise WarehouseError(
            f"{gone} are dropped, so edited funnels and experiments cannot be rebuilt whole; name"
            " an archive that holds them in FUNNELHOUSE_ARCHIVE, or leave them as they were."
        )
    return earlier(lost)


def _grow(client: Client, builds: Builds, refresh: Refresh, note: Note, earlier: Earliest) -> None:
    names = list(builds)
    rows = [(build, *rule) for build, rules in builds.items() for rule in rules]
    with refresh.rules:
        known = client.query("SELECT DISTINCT build FROM stage_rules").result_rows
        missing = [row for row in rows if (row[0],) not in known]
        if missing:
            client.insert("stage_rules", missing, column_names=_RULES)
        share(client, "stage_rules")
    note("events", 0, 1)
    grow(client, "stage_events", names)
    grow_of(client, "stage_events", names, earlier())
    refresh.backfill(client, names, lambda done, of: note("people", done, of))


def _write_plan(client: Client, plan: PlanTables, builds: Builds, signals: Builds) -> None:
    of = {rules[0][:2]: build for build, rules in builds.items()}
    funnels = [(of[row[:2]], *row) for row in plan.funnels]
    looks_for = {rules[0][0]: build for build, rules in signals.items()}
    experiments = [(looks_for.get(row[0], ""), *row) for row in plan.experiments]
    tables = {
        "plan_funnels": funnels,
        "plan_intakes": plan.intakes,
        "plan_targets": plan.targets,
        "plan_actions": plan.actions,
        "plan_experiments": experiments,
        "plan_experiment_metrics": plan.experiment_metrics,
        "plan_experiment_events": plan.experiment_events,
        "plan_events": plan.events,
        "plan_coverage": plan.coverage,
        "plan_alerts": plan.alerts,
    }
    cluster = cluster_of(client)
    for table, rows in tables.items():
        _delete(client, cluster, table, "plan = {plan:String}", plan=plan.name)
        if rows:
            client.insert(table, [(plan.name, *row) for row in rows])
    share(client, *tables)


def _remove_others(client: Client, plan: str, builds: Collection[str]) -> None:
    """Remove what no view reads any more; what a crash leaves goes the next time."""
    cluster = cluster_of(client)
    for table in _STATES:
        _delete(client, cluster, table, "build NOT IN {builds:Array(String)}", builds=list(builds))
    for table in _PLAN_TABLES:
        _delete(client, cluster, table, "plan != {plan:String}", _LATER, plan=plan)


def _delete(
    client: Client, cluster: str, table: str, where: str, when: str = "", **parameters: Any
) -> None:
    """Delete rows; where there are none not even a deletion of none, which writes parts anew.

    On a cluster there may be rows that this server has not heard of.
    """
    found = f"SELECT 1 FROM {table} WHERE {where} LIMIT 1"  # noqa: S608 - names of ours
    if cluster or client.query(found, parameters=parameters).result_rows:
        deletion = f"DELETE FROM {stored(client, table)} WHERE {where}{when}"  # noqa: S608 - as above
        client.command(deletion, parameters=parameters)
