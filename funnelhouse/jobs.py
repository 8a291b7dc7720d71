"""The jobs that change the warehouse, by the name under which the command line asks for them.

Each takes a client and the request's JSON, and returns JSON.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client

from sql.spend import Spend, import_spend
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


def _migrations(client: Client, _: None) -> list[dict[str, str]]:
    return [{"name": entry.name, "state": entry.state} for entry in status(client, shipped())]


JOBS: dict[str, Callable[[Client, Any], Any]] = {"spend": _spend, "migrations": _migrations}
