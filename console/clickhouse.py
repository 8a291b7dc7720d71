"""The read-only SQL endpoint: the ClickHouse HTTP protocol, for tools that know it.

Each statement is judged before it runs, on a connection that can only read, under limits; a few
run at a time, each on one thread, so that loading keeps its share.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from console.door import Door
from console.frames import framed
from console.query import (
    DENIED,
    NO_DATABASE,
    NOT_AUTHENTICATED,
    SYNTAX,
    Asked,
    QueryError,
    asked_of,
    key_of,
)
from console.statement import FORMATS, Readable, StatementError, judge
from sql.client import DATABASE, WarehouseError, connection
from sql.place import Warehouse

_VIEWS = """
SELECT name
FROM system.tables
WHERE database = currentDatabase() AND engine = 'View' AND notEmpty(parameterized_view_parameters)
"""
_FORMAT_TYPES = {
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "Native": "application/octet-stream",
    "Arrow": "application/octet-stream",
    "ArrowStream": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "RowBinaryWithNamesAndTypes": "application/octet-stream",
}
_CODE = re.compile(r"Code: (\d+)\. (?:DB::Exception: )?")
_STATUS = {NOT_AUTHENTICATED: 401, DENIED: 403, NO_DATABASE: 404}
_STATUS |= {159: 408, 241: 413, 396: 413, 158: 413}
"""HTTP's words for the engine's codes: time, memory, rows and bytes of one query."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take, and how many run at once; `engine` are settings of the engine."""

    max_seconds: int
    max_memory_bytes: int
    max_rows: int
    at_once: int

    @property
    def engine(self) -> dict[str, str]:
        """Give the limits as settings of the engine."""
        return {
            "max_execution_time": str(self.max_seconds),
            "timeout_before_checking_execution_speed": "0",
            "max_memory_usage": str(self.max_memory_bytes),
            "max_result_rows": str(self.max_rows),
            "max_result_bytes": str(self.max_memory_bytes),
            "result_overflow_mode": "throw",
            "max_threads": "1",
            "max_ast_elements": "20000",
            "max_expanded_ast_elements": "200000",
        }


def clickhouse(warehouse: Warehouse, door: Door, limits: Limits) -> FastAPI:
    """Build the application of the endpoint."""
    app = FastAPI(title="funnelhouse SQL", docs_url=None, redoc_url=None, openapi_url=None)
    pool = ThreadPoolExecutor(limits.at_once, "sql")

    @app.get("/ping")
    @app.get("/replicas_status")
    def ping() -> PlainTextResponse:
        """Tell that the endpoint is there."""
        return PlainTextResponse("Ok.\n")

    @app.api_route("/", methods=["GET", "POST", "HEAD"])
    async def query(request: Request) -> Response:
        """Answer one statement."""
        if not request.query_params.get("query") and request.method != "POST":
            return PlainTextResponse("Ok.\n")
        try:
            _admit(door, request)
            asked = await asked_of(request)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(pool, _answer, warehouse, limits, asked)
        except QueryError as fault:
            return _failed(fault)

    return app


def _admit(door: Door, request: Request) -> None:
    if not door.admits(key_of(request), request):
        told = "Authentication failed: send a read key as the password. (AUTHENTICATION_FAILED)"
        raise QueryError(NOT_AUTHENTICATED, told)


def _answer(warehouse: Warehouse, limits: Limits, asked: Asked) -> Response:
    if asked.database not in {"", "default", DATABASE}:
        told = (
            f"Database {asked.database} does not exist here; leave it out, or ask for {DATABASE}."
        )
        raise QueryError(NO_DATABASE, f"{told} (UNKNOWN_DATABASE)")
    engine = limits.engine | dict(asked.settings)
    try:
        with connection(warehouse, readonly=True, limits=engine) as client:
            return _run(client, asked)
    except StatementError as refused:
        code, told = _read_fault(str(refused))
        raise QueryError(code or DENIED, told) from refused
    except ClickHouseError as error:
        code, told = _read_fault(str(error))
        raise QueryError(code or SYNTAX, told) from error
    except WarehouseError as error:
        raise QueryError(SYNTAX, str(error)) from error


def _run(client: Client, asked: Asked) -> Response:
    views = {row[0] for row in client.query(_VIEWS).result_rows}
    statement = judge(client, asked.statement, Readable(DATABASE, views), asked.parameters)
    fmt = statement.fmt or _checked(asked.fmt)
    named = None if statement.fmt else fmt
    content = client.raw_query(statement.text, dict(statement.parameters), fmt=named)
    return Response(
        framed(content) if asked.framed else content,
        media_type=_FORMAT_TYPES.get(fmt, "text/plain; charset=UTF-8"),
        headers={
            "x-clickhouse-format": fmt,
            "x-clickhouse-query-id": str(uuid4()),
            "x-clickhouse-server-display-name": "funnelhouse",
            "x-clickhouse-timezone": "UTC",
            "x-clickhouse-summary": orjson.dumps({"result_bytes": str(len(content))}).decode(),
            "cache-control": "no-store",
        },
    )


def _checked(fmt: str) -> str:
    if fmt not in FORMATS | {"TabSeparatedRaw"}:
        raise StatementError(
            f"The format {fmt} is not given out here; ask for CSV, JSON or Native."
        )
    return fmt


def _read_fault(told: str) -> tuple[int, str]:
    """Part the engine's code from its words; 0 where there is none."""
    match = _CODE.search(told)
    return (int(match[1]), _CODE.sub("", told)) if match else (0, f"{told} (ACCESS_DENIED)")


def _failed(fault: QueryError) -> Response:
    text = f"Code: {fault.code}. DB::Exception: {fault}\n"
    headers = {"x-clickhouse-exception-code": str(fault.code)}
    if fault.code == NOT_AUTHENTICATED:
        headers["www-authenticate"] = 'Basic realm="funnelhouse"'
    return PlainTextResponse(text, _STATUS.get(fault.code, 400), headers)
