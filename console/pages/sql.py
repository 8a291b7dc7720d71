"""SQL: a statement that reads, its result as table, chart and CSV, and the views beside it."""

from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from funnelhouse.console import charts
from funnelhouse.console.access.protection import came_from_elsewhere
from funnelhouse.console.access.read_access import sent_key
from funnelhouse.console.pages.site import HEADERS, Site, rows
from funnelhouse.console.readers.job import Answer, Job
from funnelhouse.console.readers.refusal import RefusalError
from funnelhouse.console.readers.statement_runner import client_of, unless_gone

_LIMITS = {
    "max_result_rows": "1000000",
    "result_overflow_mode": "break",
}
_VIEWS = """
SELECT
    tables.name AS name,
    mapKeys(CAST(any(tables.parameterized_view_parameters), 'Map(String, String)')) AS parameters,
    groupArray((columns.name, columns.type, columns.comment)) AS columns
FROM system.tables AS tables
LEFT JOIN system.columns AS columns
    ON tables.database = columns.database AND tables.name = columns.table
WHERE tables.database = currentDatabase() AND tables.engine = 'View'
GROUP BY name
ORDER BY name
"""
_NUMBER = ("Int", "UInt", "Float", "Decimal", "Nullable(Int", "Nullable(UInt", "Nullable(Float")
_FRESH_S = 300.0


def sql(site: Site) -> APIRouter:
    """Build the routes of the editor and of a result as CSV."""
    router = APIRouter()

    @router.get("/sql")
    async def page(request: Request) -> HTMLResponse:
        """Show the editor, and the result of what it holds."""
        statement = request.query_params.get("query", "").strip()
        views = await site.fresh("views", lambda client: rows(client, _VIEWS), _FRESH_S)
        values: dict[str, Any] = {"statement": statement, "views": views, "told": "", "chart": None}
        values |= {"columns": [], "found": [], "cut": False}
        if statement and came_from_elsewhere(request.scope):
            values["told"] = "Another site wrote this statement; read it, then run it."
        elif statement:
            values |= await result(request, statement)
        else:
            site.strangers.warm()
        return site.render(request, "sql.html", values)

    @router.get("/sql.csv")
    async def csv(request: Request) -> Response:
        """Give the result as a file for a spreadsheet."""
        statement = request.query_params.get("query", "").strip()
        try:
            found = await asked(request, Job("csv", statement, settings=_LIMITS))
        except RefusalError as refusal:
            return PlainTextResponse(str(refusal), refusal.status)
        headers = HEADERS | {"content-disposition": 'attachment; filename="result.csv"'}
        return Response(found.content, media_type="text/csv; charset=utf-8", headers=headers)

    async def asked(request: Request, job: Job) -> Answer:
        client = client_of(request, sent_key(request))
        return await unless_gone(request, site.strangers.answer(client, job))

    async def result(request: Request, statement: str) -> dict[str, Any]:
        try:
            return _result(await asked(request, Job("table", statement, settings=_LIMITS)))
        except RefusalError as refusal:
            return {"told": str(refusal)}

    return router


def _result(answer: Answer) -> dict[str, Any]:
    columns, kinds = answer.facts["columns"], answer.facts["kinds"]
    found = [dict(zip(columns, row, strict=True)) for row in orjson.loads(answer.content)]
    chart = _chart(found, columns, kinds)
    return {"columns": columns, "found": found, "cut": answer.facts["cut"], "chart": chart}


def _chart(found: list[dict[str, Any]], columns: list[str], kinds: list[str]) -> Any:
    """Draw what can be drawn: two columns or more, numbers in the second."""
    if len(columns) < 2 or not 1 < len(found) <= 500 or not kinds[1].startswith(_NUMBER):  # noqa: PLR2004 - two columns make a chart
        return None
    is_time = kinds[0].removeprefix("Nullable(").startswith("DateTime")
    drawn = [
        {
            columns[0]: str(row[columns[0]]).replace(" ", "T" if is_time else " "),
            columns[1]: None if row[columns[1]] is None else float(row[columns[1]]),
        }
        for row in found
    ]
    kind = kinds[0].removeprefix("Nullable(")
    return charts.of_result(drawn, columns, [kind, kinds[1]], f"{columns[1]} by {columns[0]}")
