"""Brings a warehouse to this version's tables and views: numbered files, forward only, each once.

Tables change by a new numbered migration; views hold no data and are written anew at each start.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from clickhouse_connect.driver.client import Client

from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.cluster import shards_of, why_resharded
from funnelhouse.sql.layout import Layout

ROOT = Path(__file__).parent
_NOTES = ROOT / "migrations" / "schema_migrations.sql"
_ONE_MACHINE = Layout()

VIEWS = (
    "events/events",
    "events/rejected_events",
    "ledger/duplicate_events",
    "ledger/ledger_minutely",
    "identity/people",
    "funnel/funnels",
    "funnel/stages",
    "funnel/targets",
    "funnel/stage_entries",
    "funnel/stage_hits",
    "funnel/intakes",
    "funnel/intake_spans",
    "funnel/funnel_residents_versions_at",
    "funnel/funnel_residents_versions",
    "funnel/funnel_residents_at",
    "funnel/funnel_residents",
    "funnel/funnel_residents_list_at",
    "funnel/funnel_residents_list",
    "funnel/withdrawals_weekly_versions",
    "funnel/withdrawals_weekly",
    "funnel/withdrawals_versions",
    "funnel/withdrawals",
    "funnel/withdrawal_reasons",
    "funnel/time_to_stage_versions_between",
    "funnel/time_to_stage_between",
    "funnel/time_to_stage_versions",
    "funnel/time_to_stage",
    "onboarding/onboarding_starts",
    "onboarding/onboarding_time_to_value",
    "onboarding/onboarding_activation",
    "onboarding/onboarding_completion",
    "onboarding/onboarding_retention",
    "onboarding/feature_adoption",
    "onboarding/ticket_rate",
    "onboarding/effort_score",
    "session/sessions",
    "attribution/removal_effects",
    "attribution/conversion_touchpoints",
    "attribution/channel_steps",
    "attribution/attribution",
    "attribution/guide_conversion",
    "experiment/experiments",
    "experiment/experiment_metrics",
    "experiment/experiment_events",
    "experiment/experiment_exposures",
    "experiment/experiment_signals",
    "experiment/experiment_units",
    "experiment/experiment_outcomes",
    "experiment/experiment_sums",
    "experiment/experiment_checks",
    "experiment/experiment_readouts",
    "funnel/actions",
    "spend/ad_spend_weekly",
    "spend/spend_weekly",
    "spend/stage_costs_weekly",
    "target/target_facts",
    "target/targets_weekly",
    "funnel/stays",
    "action/action_results",
    "message/message_outcomes",
    "message/message_unsent",
    "message/message_results",
    "traffic/traffic_sources",
    "traffic/entry_shares",
    "traffic/natural_inflow",
    "funnel/funnel_periods",
    "funnel/funnel_weekly_versions",
    "funnel/funnel_weekly",
    "funnel/funnel_daily_versions",
    "funnel/funnel_daily",
    "funnel/funnel_weekly_segments",
    "funnel/funnel_daily_segments",
    "funnel/funnel_chains",
    "funnel/funnel_ordered",
    "funnel/funnel_ordered_sessions",
    "coverage/planned_events",
    "coverage/expectations",
    "coverage/runs",
    "coverage/run_events",
    "coverage/seen_between",
    "coverage/rejected_between",
    "coverage/placed_between",
    "coverage/coverage_by_variant_of_release_between",
    "coverage/coverage_by_variant_between",
    "coverage/coverage_by_variant",
    "coverage/coverage_between",
    "coverage/coverage",
    "coverage/coverage_by_release_between",
    "coverage/coverage_by_release",
    "coverage/property_fill_between",
    "coverage/property_fill",
    "coverage/rejections_between",
    "coverage/rejections",
    "coverage/unplanned_events_between",
    "coverage/unplanned_events",
    "coverage/volume_anomalies_between",
    "coverage/volume_anomalies",
    "alert/alerts",
    "alert/alert_states",
)
"""Views in an order in which each finds those that it reads."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: its name without ending, its text, and the checksum of that text."""

    name: str
    text: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Status:
    """A migration beside the warehouse: `applied`, `pending`, or `changed` after it was applied."""

    name: str
    state: str
    checksum: str


def shipped(folder: Path = ROOT / "migrations") -> list[Migration]:
    """List the migrations of this version in order."""
    files = sorted(folder.glob("[0-9]*.sql"))
    texts = ((file.stem, file.read_text(encoding="utf-8")) for file in files)
    return [Migration(n, text, hashlib.sha256(text.encode()).hexdigest()) for n, text in texts]


def status(client: Client, migrations: list[Migration]) -> list[Status]:
    """Compare the migrations of this version with those that the warehouse has; change nothing."""
    applied: dict[str, str] = {}
    if int(str(client.command("EXISTS TABLE schema_migrations"))):
        rows = client.query("SELECT name, checksum FROM schema_migrations FINAL").result_rows
        applied = {name: checksum for name, checksum in rows}  # noqa: C416
    known = [Status(m.name, _state(m, applied), m.checksum) for m in migrations]
    names = {m.name for m in migrations}
    return known + [Status(n, "unknown", c) for n, c in applied.items() if n not in names]


def migrate(client: Client, timezone: str, cluster: str = "") -> Iterator[str]:
    """Apply what is pending, then write all views; yields the name of each applied migration.

    With a `cluster` that the server belongs to, on all of its servers.

    Raises:
        WarehouseError: an applied migration was changed since, the warehouse is newer, or the
            cluster has another number of shards than at its first start.
    """
    layout = Layout(cluster, client.database or "")
    _run(client, layout, _NOTES.read_text(encoding="utf-8"))
    migrations = shipped()
    states = {entry.name: entry.state for entry in status(client, migrations)}
    refuse_another_history(states)
    for migration in migrations:
        if states[migration.name] == "pending":
            _run(client, layout, migration.text)
            client.insert(
                "schema_migrations",
                [[migration.name, migration.checksum]],
                column_names=["name", "checksum"],
            )
            yield migration.name
    if cluster and (why := why_resharded(client, len(set(shards_of(client, cluster))))):
        raise WarehouseError(why)
    for view in _views(timezone):
        _run(client, layout, view)


def refuse_another_history(states: Mapping[str, str]) -> None:
    """Refuse migrations, by their names, that this version cannot go on from.

    Raises:
        WarehouseError: an applied migration was changed since, or the warehouse is newer.
    """
    for name, state in states.items():
        if state in {"changed", "unknown"}:
            raise WarehouseError(
                f"Migration {name} of this warehouse is {state} to this version;"
                " run the version that applied it, or a newer one."
            )


def statements(
    pending: Collection[str], timezone: str, layout: Layout = _ONE_MACHINE
) -> Iterator[str]:
    """Give what `migrate` runs on a warehouse to which these migrations have not been applied."""
    files = [migration.text for migration in shipped() if migration.name in pending]
    for text in (_NOTES.read_text(encoding="utf-8"), *files, *_views(timezone)):
        yield from layout.statements(text)


def _run(client: Client, layout: Layout, text: str) -> None:
    for statement in layout.statements(text):
        client.command(statement)


def _views(timezone: str) -> Iterator[str]:
    for view in VIEWS:
        text = (ROOT / "views" / f"{view}.sql").read_text(encoding="utf-8")
        yield Template(text).substitute(timezone=timezone)


def _state(migration: Migration, applied: dict[str, str]) -> str:
    checksum = applied.get(migration.name)
    if checksum is None:
        return "pending"
    return "applied" if checksum == migration.checksum else "changed"
