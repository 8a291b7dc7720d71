"""The command that shows how the product is doing."""

import time
from typing import Any

import orjson
import typer

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

_ANSWER_S = 2.0
_LAST_HOUR = """
    SELECT
        source,
        sum(ledger.received) AS received,
        sum(ledger.loaded) AS loaded,
        sum(ledger.rejected) AS rejected,
        sum(ledger.duplicate) AS duplicate,
        sum(ledger.in_spool) AS in_spool,
        sum(ledger.unaccounted) AS unaccounted
    FROM ledger_minutely AS ledger
    WHERE minute >= now() - INTERVAL 1 HOUR
    GROUP BY source
    ORDER BY source
"""


@with_settings
def status(settings: Settings) -> int:
    """Show the processes, the spool, the loader and what the last hour's events became."""
    lines = {**_processes(settings), **_readers(settings)}
    lines |= {**_spool(settings), **_warehouse(settings)}
    width = max(map(len, lines))
    for name, told in lines.items():
        typer.echo(f"{name:{width}}  {printable(told)}")
    return 0


def _processes(settings: Settings) -> dict[str, str]:
    return {
        "collector": _alive(settings.collector),
        "warehouse process": _alive(settings.console),
    }


def _alive(address: str) -> str:
    import httpx  # noqa: PLC0415 - quick --help

    try:
        answer = httpx.get(f"http://{address}/readyz", timeout=_ANSWER_S, trust_env=False)
    except httpx.HTTPError:
        return f"stopped ({address})"
    state = "ready" if answer.is_success else "not ready"
    return f"alive, {state} ({address})"


def _readers(settings: Settings) -> dict[str, str]:
    from funnelhouse.processes.untrusted_sql import why_unconfined  # noqa: PLC0415 - quick --help

    if settings.warehouse:
        return {"statements": "judged, and run by the server as a reader of its own rights"}
    why = why_unconfined(settings)
    if not why:
        return {"statements": "run in processes that are shut in by Landlock and seccomp"}
    if settings.sql_unconfined:
        return {"statements": f"run by FUNNELHOUSE_SQL_UNCONFINED and are not shut in: {why}"}
    return {"statements": f"not run, since they cannot be shut in: {why}"}


def _spool(settings: Settings) -> dict[str, str]:
    from funnelhouse.ingest.log.depth import measure  # noqa: PLC0415 - quick --help
    from funnelhouse.ingest.log.recovery import damaged_folder  # noqa: PLC0415 - quick --help
    from funnelhouse.ingest.metrics import LoaderSnapshot, read_snapshot  # noqa: PLC0415 - quick --help

    held = measure(settings.spool_folder, time.time())
    damaged = damaged_folder(settings.spool_folder)
    loader = read_snapshot(settings.run_folder / "loader.json", LoaderSnapshot)
    lines = {
        "spool": f"{held.segments} segments, {held.bytes} bytes, oldest {held.oldest_age_s:.1f} s",
        "quarantined": f"{held.damaged} damaged pieces"
        + (f" in {damaged}" if held.damaged else ""),
        "loader": "has not run yet",
        "verified": _verified(settings),
    }
    if loader is not None:
        error = f", last error: {loader.last_error}" if loader.last_error else ""
        lines["loader"] = (
            f"{loader.lag_s:.1f} s behind, {loader.loaded_rows_total} events loaded,"
            f" {loader.retries_total} inserts tried again{error}"
        )
    return lines


def _verified(settings: Settings) -> str:
    from funnelhouse.ingest.metrics import VerificationSnapshot, read_snapshot  # noqa: PLC0415 - as above

    last = read_snapshot(settings.run_folder / "verification.json", VerificationSnapshot)
    if last is None:
        return "not yet; every night by itself, or by `funnelhouse verify`"
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(last.at))
    if not last.findings:
        return f"{at}, nothing is wrong"
    return f"{at}, {len(last.findings)} findings: {last.findings[0]}"


def _warehouse(settings: Settings) -> dict[str, str]:
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help
    from funnelhouse.sql.client import WarehouseError  # noqa: PLC0415 - quick --help

    place = settings.warehouse_place
    if not place.url and not place.folder.exists():
        return {"warehouse": f"not there yet; start the product, or correct {settings.data}"}
    try:
        with open_warehouse(settings) as access:
            states = [entry["state"] for entry in access.job("migrations")]
            plan = access.job("plan")
            ledger = access.query(_LAST_HOUR, "JSONEachRow")
    except WarehouseError as error:
        return {"warehouse": str(error)}
    rows = [orjson.loads(line) for line in ledger.splitlines()]
    return {
        "migrations": f"{states.count('applied')} of {len(states)} applied",
        "plan": _plan(plan),
        **({} if rows else {"last hour": "no events"}),
        **{f"last hour, {row.pop('source')}": _counts(row) for row in rows},
    }


def _plan(plan: dict[str, Any]) -> str:
    """Tell which plan views read, and how the one of the folder stands to it."""
    if plan["what"] == "sessions":
        far = f"{plan['done']} of {plan['of']}"
        return f"in force since {plan['since']}; sessions are refreshed by a new timeout, {far}"
    if plan["what"]:
        far = f", {plan['what']} {plan['done']} of {plan['of']}" if plan["of"] else ""
        return f"being brought into force{far}; the one since {plan['since']} serves until then"
    if plan["error"]:
        first, *more = plan["error"].splitlines()
        told = first + (f" And {len(more)} faults more." if more else "")
        return (
            f"as it stands not in force, the one since {plan['since']} serves: {told}"
            " Then run `funnelhouse plan apply`."
        )
    return f"in force since {plan['since']}"


def _counts(row: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in row.items())
