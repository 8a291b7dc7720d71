"""Hands out views by URL to whoever has a read key: CSV for spreadsheets, JSON, Parquet, Arrow.

Of the URL only names of views and of their columns reach a statement, values as its parameters.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from console.door import Door
from console.spreadsheet import harmless_csv
from sql.client import connection
from sql.place import Warehouse

FORMATS = {
    "csv": ("CSVWithNames", "text/csv; charset=utf-8"),
    "json": ("JSONEachRow", "application/json"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "arrow": ("Arrow", "application/vnd.apache.arrow.file"),
}
"""Endings of the URL, each with the engine's format and the type of the answer."""

_KEY = "key"
_MAX_BYTES = 512 * 1024**2
_MAX_MEMORY_BYTES = 2 * 1024**3
_TOO_LARGE = frozenset({241, 396})
"""ClickHouse error codes: a query takes more memory, or gives more rows or bytes, than it may."""

_VIEWS = """
SELECT name, mapKeys(CAST(parameterized_view_parameters, 'Map(String, String)'))
FROM system.tables
WHERE database = currentDatabase() AND engine = 'View'
ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class Export:
    """Who may read, and the most rows of one answer, which is held in memory."""

    door: Door
    max_rows: int


@dataclass(frozen=True, slots=True)
class _Question:
    """A view with its parameters and filters by name; of several values of a filter any fits."""

    view: str
    parameters: Mapping[str, str]
    filters: Mapping[str, Sequence[str]]


def export(state: Export, warehouse: Warehouse) -> APIRouter:
    """Build the route /export/<view>.<ending>?key=…&column=value&parameter=value."""
    router = APIRouter(prefix="/export")
    limits = {
        "max_result_rows": str(state.max_rows),
        "max_result_bytes": str(_MAX_BYTES),
        "result_overflow_mode": "throw",
        "max_memory_usage": str(_MAX_MEMORY_BYTES),
        "output_format_json_array_of_rows": "1",
    }

    @router.get("/{name}.{ending}")
    def view(name: str, ending: str, request: Request) -> Response:
        """Give all rows of a view that have the values asked for, in order of the columns."""
        asked = {field: request.query_params.getlist(field) for field in request.query_params}
        _admit(state.door, asked.pop(_KEY, [""])[0], request)
        if ending not in FORMATS:
            raise HTTPException(404, f"Write one of these endings: {', '.join(FORMATS)}.")
        with connection(warehouse, readonly=True, limits=limits) as client:
            question = _question(client, name, asked)
            return _answer(client, question, ending)

    return router


def _admit(door: Door, key: str, request: Request) -> None:
    if not door.admits(key, request):
        raise HTTPException(401, "No such read key; write ?key= and one of FUNNELHOUSE_READ_KEYS.")


def _question(client: Client, view: str, asked: Mapping[str, Sequence[str]]) -> _Question:
    views: dict[str, list[str]] = {row[0]: row[1] for row in client.query(_VIEWS).result_rows}
    if view not in views:
        raise HTTPException(404, f"There is no view {view}; there are {_listed(views)}.")
    missing = [name for name in views[view] if name not in asked]
    if missing:
        raise HTTPException(400, f"The view {view} needs values of {_listed(missing)}.")
    parameters = {name: asked[name][-1] for name in views[view]}
    filters = {name: values for name, values in asked.items() if name not in parameters}
    return _Question(view, parameters, filters)


def _answer(client: Client, question: _Question, ending: str) -> Response:
    given = {f"p{number}": value for number, value in enumerate(question.parameters.values())}
    source = _source(question)
    described = client.query(f"DESCRIBE (SELECT * FROM {source})", parameters=given)  # noqa: S608
    columns = [row[0] for row in described.result_rows]
    unknown = [name for name in question.filters if name not in columns]
    if unknown:
        raise HTTPException(
            400, f"The view {question.view} has no column {unknown[0]}; it has {_listed(columns)}."
        )
    where, values = _where(question)
    fmt, media_type = FORMATS[ending]
    statement = f"SELECT * FROM {source} WHERE {where} ORDER BY ALL"  # noqa: S608 - names it has
    try:
        if ending == "csv":
            content = harmless_csv(client, statement, given | values)
        else:
            content = client.raw_query(statement, parameters=given | values, fmt=fmt)
    except DatabaseError as error:
        if error.code in _TOO_LARGE:
            told = "This is more than one export may hold; add &column=value, to ask for less."
            raise HTTPException(413, told) from error
        raise
    return Response(content, media_type=media_type, headers={"cache-control": "no-store"})


def _source(question: _Question) -> str:
    names = [quote_identifier(name) for name in question.parameters]
    given = ", ".join(f"{name} = {{p{number}:String}}" for number, name in enumerate(names))
    return quote_identifier(question.view) + (f"({given})" if given else "")


def _where(question: _Question) -> tuple[str, dict[str, str]]:
    """Write the filters as a condition, and give the values of its parameters."""
    values: dict[str, str] = {}
    conditions = ["true"]
    for name, wanted in question.filters.items():
        column = quote_identifier(name)
        places = [f"v{len(values) + number}" for number in range(len(wanted))]
        values |= dict(zip(places, wanted, strict=True))
        any_of = " OR ".join(f"{column} = {{{place}:String}}" for place in places)
        conditions.append(f"({any_of})")
    return " AND ".join(conditions), values


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
