"""What the command line asks of the warehouse beside statements, each job by its name.

Each takes a client and the request's JSON, and returns JSON.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.plan_change import PlanChange
from sql.spend import Spend, import_spend
from sql.targets import import_targets
from sql.upgrade import shipped, status


def _spend(client: Client, rows: list[dict[str, str]]) -> dict[str, int]:
    spend = [
        Spend(
            row["product"],
            row["track"],
            row["channel"],
            date.fromisoformat(row["period_start"]),
            date.fromisoformat(row["period_end"]),
            Decimal(row["amount"]),
        )
        for row in rows
    ]
    return {"imported": import_spend(client, spend)}


def _targets(client: Client, rows: list[dict[str, Any]]) -> dict[str, int]:
    targets = [row | {"valid_from": date.fromisoformat(row["valid_from"])} for row in rows]
    return {"imported": import_targets(client, targets)}


def _migrations(client: Client, _: None) -> list[dict[str, str]]:
    return [{"name": entry.name, "state": entry.state} for entry in status(client, shipped())]


Job = Callable[[Client, Any], Any]
JOBS: dict[str, Job] = {"spend": _spend, "targets": _targets, "migrations": _migrations}


def jobs_of(change: PlanChange) -> dict[str, Job]:
    """Give all jobs: those on the warehouse alone, and those on the change of its plan."""

    def listed(client: Client, _: Any) -> Any:
        # SciPy takes a second to import, which other commands need not wait for.
        from funnelhouse.experiments import listed  # noqa: PLC0415

        return listed(client)

    def read_out(client: Client, asked: Any) -> Any:
        from funnelhouse.experiments import read_out_one  # noqa: PLC0415 - as above

        return read_out_one(client, asked)

    def markov(client: Client, asked: Any) -> Any:
        from analysis.attribution import Period, compute_markov  # noqa: PLC0415 - as above

        days = {name: date.fromisoformat(asked[name]) for name in ("first_day", "last_day")}
        return compute_markov(client, Period(**asked | days))

    return JOBS | {
        "apply_plan": lambda _client, folder: change.begin(folder),
        "plan": lambda client, _: change.progress(client),
        "experiments": listed,
        "experiment_readout": read_out,
        "markov": markov,
    }
