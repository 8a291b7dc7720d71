"""Experiments: the verdict and why first, then the gates, then numbers and how they went."""

from datetime import date
from typing import Any

from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from funnelhouse.console import charts
from funnelhouse.console.pages.site import Site, rows

_LISTED = """
SELECT
    experiments.experiment AS experiment, title, title_ko, hypothesis, owner, starts_on, ends_on,
    unit, traffic, variants, reached.verdict AS verdict, reached.why AS why, reached.last AS as_of
FROM experiments
LEFT JOIN
(
    SELECT
        experiment,
        argMax(readouts.verdict, (readouts.as_of, computed_at)) AS verdict,
        argMax(readouts.why, (readouts.as_of, computed_at)) AS why,
        max(readouts.as_of) AS last
    FROM experiment_readouts AS readouts
    GROUP BY experiment
) AS reached ON experiments.experiment = reached.experiment
ORDER BY starts_on DESC, experiment
"""
_NUMBERS = """
SELECT metric, role, variant, units, mean, lift, lift_low, lift_high, p_adjusted, always_low,
    always_high, difference
FROM experiment_readouts
WHERE experiment = {key:String} AND as_of = {as_of:Date}
ORDER BY position, variant
"""
_OVER_TIME = """
SELECT as_of, variant, difference, always_low, always_high
FROM experiment_readouts
WHERE experiment = {key:String} AND role = 'primary' AND difference IS NOT NULL
ORDER BY as_of, variant
"""
_GATES = """
SELECT gate, name, variant, units, having, if(units = 0, NULL, having / units) AS share
FROM experiment_checks(experiment = {key:String}, as_of = {as_of:Date})
ORDER BY gate, position, variant
"""
_FRESH_S = 120.0


def experiments(site: Site) -> APIRouter:
    """Build the route of the experiments' page."""
    router = APIRouter()

    @router.get("/experiments")
    async def page(request: Request) -> HTMLResponse:
        """Show all experiments, and one of them in full."""
        listed = await site.fresh("experiments", lambda client: rows(client, _LISTED), _FRESH_S)
        asked = request.query_params.get("key", "")
        chosen = next((row for row in listed if row["experiment"] == asked), None)
        details: dict[str, Any] = {"gates": [], "numbers": [], "chart": None}
        if chosen is not None and chosen["verdict"]:
            key, as_of = str(chosen["experiment"]), chosen["as_of"]
            details = await site.fresh(
                f"experiment {key} {as_of}", lambda client: _details(client, key, as_of), _FRESH_S
            )
        values = {"listed": listed, "chosen": chosen, **details}
        return site.render(request, "experiments.html", values)

    return router


def _details(client: Client, key: str, as_of: date) -> dict[str, Any]:
    over_time = rows(client, _OVER_TIME, key=key)
    days = [
        {
            "day": row["as_of"].isoformat(),
            "variant": row["variant"],
            "value": row["difference"],
            "low": row["always_low"],
            "high": row["always_high"],
        }
        for row in over_time
    ]
    told = "Difference to the control over days, with the interval that holds at any time"
    return {
        "numbers": rows(client, _NUMBERS, key=key, as_of=as_of),
        "gates": rows(client, _GATES, key=key, as_of=as_of),
        "chart": charts.intervals(days, told) if days else None,
    }
