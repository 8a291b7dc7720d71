"""What the command line asks of the warehouse beside statements, each job by its name.

Each takes a client and the request's JSON, and returns JSON.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client
from msgspec import to_builtins

from funnelhouse.archive.work import archive_jobs
from funnelhouse.plan.plan_change import PlanChange
from funnelhouse.processes.forgetting import Loading, forget_person
from funnelhouse.processes.verification import Verification
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.runs import Run, end_run, find_run, newest_runs, start_run
from funnelhouse.sql.spend import Spend, import_spend
from funnelhouse.sql.targets import import_targets
from funnelhouse.sql.upgrade import shipped, status


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


def _start_run(client: Client, asked: dict[str, Any]) -> dict[str, str]:
    return _told(start_run(client, asked["run"], asked["minutes"], asked.get("note", "")))


def _end_run(client: Client, asked: dict[str, Any]) -> dict[str, str]:
    return _told(end_run(client, asked["run"]))


def _run(client: Client, asked: dict[str, Any]) -> dict[str, str]:
    return _told(find_run(client, asked["run"]))


def _runs(client: Client, _: None) -> list[dict[str, str]]:
    return [_told(run) for run in newest_runs(client)]


def _told(run: Run) -> dict[str, str]:
    times = {"starts_at": run.starts_at, "ends_at": run.ends_at}
    shown = {name: time.strftime("%Y-%m-%d %H:%M:%S") for name, time in times.items()}
    return {"run": run.run, **shown, "note": run.note}


Job = Callable[[Client, Any], Any]
JOBS: dict[str, Job] = {
    "spend": _spend,
    "targets": _targets,
    "migrations": _migrations,
    "start_run": _start_run,
    "end_run": _end_run,
    "run": _run,
    "runs": _runs,
}


def jobs_of(
    change: PlanChange, refresh: Refresh, loading: Loading, verification: Verification
) -> dict[str, Job]:
    """Give all jobs: those on the warehouse alone, on the change of its plan, and on people."""

    def listed(client: Client, _: Any) -> Any:
        # SciPy takes a second to import, which other commands need not wait for.
        from funnelhouse.command_line.experiments import listed  # noqa: PLC0415

        return listed(client)

    def read_out(client: Client, asked: Any) -> Any:
        from funnelhouse.command_line.experiments import read_out_one  # noqa: PLC0415 - as above

        return read_out_one(client, asked)

    def judge_release(client: Client, asked: dict[str, str]) -> dict[str, Any]:
        from funnelhouse.analysis.releases import judged, told  # noqa: PLC0415 - as above

        release, found = judged(client, asked["release"], asked["since"], asked["until"])
        return {"release": release, "findings": told(found)}

    def markov(client: Client, asked: Any) -> Any:
        from funnelhouse.analysis.attribution import Period, compute_markov  # noqa: PLC0415 - as above

        days = {name: date.fromisoformat(asked[name]) for name in ("first_day", "last_day")}
        return compute_markov(client, Period(**asked | days))

    return (
        JOBS
        | archive_jobs(loading.spool, refresh, loading.rest)
        | {
            "judge_release": judge_release,
            "apply_plan": lambda _client, folder: change.begin(folder),
            "plan": lambda client, _: change.progress(client),
            "forget": lambda client, person: forget_person(client, person, refresh, loading),
            "verify": lambda client, asked: to_builtins(verification.verify(client, **asked)),
            "experiments": listed,
            "experiment_readout": read_out,
            "markov": markov,
        }
    )
