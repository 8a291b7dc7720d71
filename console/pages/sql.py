"""SQL: a statement that reads, its result as table, chart and CSV, and the views beside it."""

from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from console import charts
from console.pages.site import HEADERS, Site, rows
from console.protection import came_from_elsewhere
from console.spreadsheet import harmless_csv
from console.statement import Readable, StatementError, judge
from sql.client import DATABASE, connection

_MOST = 1000
_LIMITS = {
    "max_execution_time": "60",
    "max_memory_usage": str(2 * 1024**3),
    "max_threads": "1",
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
            values |= await site.ask(lambda _: _result(site, statement, _readable(views)))
        return site.render(request, "sql.html", values)

    @router.get("/sql.csv")
    async def csv(request: Request) -> Response:
        """Give the result as a file for a spreadsheet."""
        statement = request.query_params.get("query", "").strip()
        views = await site.fresh("views", lambda client: rows(client, _VIEWS), _FRESH_S)

        def content(_: Client) -> bytes:
            with connection(site.warehouse, readonly=True, limits=_LIMITS) as client:
                judged = judge(client, statement, _readable(views))
                return harmless_csv(client, judged.text)

        try:
            found = await site.ask(content)
        except (StatementError, ClickHouseError) as error:
            return PlainTextResponse(str(error), 400)
        headers = HEADERS | {"content-disposition": 'attachment; filename="result.csv"'}
        return Response(found, media_type="text/csv; charset=utf-8", headers=headers)

    return router


def _readable(views: list[dict[str, Any]]) -> Readable:
    return Readable(DATABASE, {view["name"] for view in views if view["parameters"]})


def _result(site: Site, statement: str, readable: Readable) -> dict[str, Any]:
    try:
        with connection(site.warehouse, readonly=True, limits=_LIMITS) as client:
            judged = judge(client, statement, readable)
            if judged.fmt:
                return {"told": "Leave FORMAT out here; the result is a table, or CSV."}
            result = client.query(judged.text)
    except (StatementError, ClickHouseError) as error:
        return {"told": str(error)}
    kinds = [kind.name for kind in result.column_types]
    columns = list(result.column_names)
    found = [dict(zip(columns, row, strict=True)) for row in result.result_rows[:_MOST]]
    return {
        "columns": columns,
        "found": found,
        "cut": len(result.result_rows) > _MOST,
        "chart": _chart(found, columns, kinds),
    }


def _chart(found: list[dict[str, Any]], columns: list[str], kinds: list[str]) -> Any:
    """Draw what can be drawn: two columns or more, numbers in the second."""
    if len(columns) < 2 or not 1 < len(found) <= 500 or not kinds[1].startswith(_NUMBER):  # noqa: PLR2004 - two columns make a chart
        return None
    drawn = [
        {
            columns[0]: _plain(row[columns[0]]),
            columns[1]: None if row[columns[1]] is None else float(row[columns[1]]),
        }
        for row in found
    ]
    kind = kinds[0].removeprefix("Nullable(")
    return charts.of_result(drawn, columns, [kind, kinds[1]], f"{columns[1]} by {columns[0]}")


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
