"""The read-only SQL endpoint: the ClickHouse HTTP protocol, for tools that know it.

Each statement is judged before it runs, on a connection that can only read, under limits; a few
run at a time, each on one thread, so that loading keeps its share.
"""

import asyncio
import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from console.door import Door, sent_key
from console.statement import FORMATS, MAX_BYTES, Readable, StatementError, judge
from sql.client import DATABASE, Warehouse, WarehouseError, connection

_VIEWS = """
SELECT name
FROM system.tables
WHERE database = currentDatabase() AND engine = 'View' AND notEmpty(parameterized_view_parameters)
"""
_TAKEN = frozenset(
    {
        *("date_time_output_format", "session_timezone", "extremes"),
        *("output_format_json_quote_64bit_integers", "output_format_json_quote_denormals"),
        *("output_format_json_named_tuples_as_objects", "output_format_json_array_of_rows"),
        *("output_format_binary_write_json_as_string", "output_format_arrow_string_as_string"),
        *("output_format_native_write_json_as_string", "output_format_arrow_compression_method"),
        *("output_format_parquet_string_as_string", "output_format_csv_delimiter"),
    }
)
"""Settings of a request that change how the answer is written; all others are passed over."""

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
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SYNTAX, _DENIED, _NOT_AUTHENTICATED, _NO_DATABASE, _TOO_SLOW = 62, 497, 516, 81, 159
_STATUS = {_NOT_AUTHENTICATED: 401, _DENIED: 403, _NO_DATABASE: 404, _TOO_SLOW: 408, 241: 413}
_STATUS |= {396: 413, 158: 413}


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


class Asked(NamedTuple):
    """A request: the statement, the format where it names none, parameters and settings."""

    statement: str
    fmt: str
    database: str
    parameters: Mapping[str, str]
    settings: Mapping[str, str]


class QueryError(Exception):
    """Why there is no answer, with the engine's code for such a thing."""

    def __init__(self, code: int, told: str) -> None:
        super().__init__(told)
        self.code = code


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
            asked = await _asked(request)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(pool, _answer, warehouse, limits, asked)
        except QueryError as fault:
            return _failed(fault)

    return app


def _admit(door: Door, request: Request) -> None:
    if not door.admits(_key(request)):
        told = "Authentication failed: send a read key as the password. (AUTHENTICATION_FAILED)"
        raise QueryError(_NOT_AUTHENTICATED, told)


def _key(request: Request) -> str:
    """Give the key, which tools send as a password, however they do."""
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith("basic "):
        try:
            user, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
        except (binascii.Error, ValueError):
            return ""
        return password or user
    for name in ("x-clickhouse-key", "x-clickhouse-user"):
        if request.headers.get(name):
            return request.headers[name]
    password = request.query_params.get("password") or sent_key(request)
    return password or request.query_params.get("user", "")


async def _asked(request: Request) -> Asked:
    query = request.query_params
    given = {name: query[name] for name in query}
    statement = "\n".join(filter(None, (given.get("query", ""), await _body(request))))
    if not statement.strip():
        raise QueryError(_SYNTAX, "Syntax error: there is no statement. (SYNTAX_ERROR)")
    fmt = request.headers.get("x-clickhouse-format") or given.get("default_format", "")
    parameters = {
        name.removeprefix("param_"): _unescaped(value)
        for name, value in given.items()
        if name.startswith("param_")
    }
    if not all(map(_NAME.fullmatch, parameters)):
        raise QueryError(_SYNTAX, "A parameter's name is no name. (SYNTAX_ERROR)")
    settings = {name: value for name, value in given.items() if name in _TAKEN}
    database = given.get("database") or request.headers.get("x-clickhouse-database", "")
    return Asked(statement, fmt or "TabSeparated", database, parameters, settings)


def _unescaped(value: str) -> str:
    """Read a parameter, which tools write as the tab-separated format has it."""
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), value)


async def _body(request: Request) -> str:
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_BYTES:
            raise QueryError(
                _SYNTAX, f"The statement is longer than {MAX_BYTES} bytes. (SYNTAX_ERROR)"
            )
    if request.headers.get("content-encoding", "") in {"gzip", "deflate"}:
        try:
            content = zlib.decompressobj(wbits=47).decompress(content, MAX_BYTES)
        except zlib.error as error:
            raise QueryError(_SYNTAX, f"The body is damaged: {error}. (SYNTAX_ERROR)") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise QueryError(_SYNTAX, "The statement is no UTF-8. (SYNTAX_ERROR)") from error


def _answer(warehouse: Warehouse, limits: Limits, asked: Asked) -> Response:
    if asked.database not in {"", "default", DATABASE}:
        told = (
            f"Database {asked.database} does not exist here; leave it out, or ask for {DATABASE}."
        )
        raise QueryError(_NO_DATABASE, f"{told} (UNKNOWN_DATABASE)")
    engine = limits.engine | dict(asked.settings)
    try:
        with connection(warehouse, readonly=True, limits=engine) as client:
            return _run(client, asked)
    except StatementError as refused:
        code, told = _read_fault(str(refused))
        raise QueryError(code or _DENIED, told) from refused
    except ClickHouseError as error:
        code, told = _read_fault(str(error))
        raise QueryError(code or _SYNTAX, told) from error
    except WarehouseError as error:
        raise QueryError(_SYNTAX, str(error)) from error


def _run(client: Client, asked: Asked) -> Response:
    views = {row[0] for row in client.query(_VIEWS).result_rows}
    statement = judge(client, asked.statement, Readable(DATABASE, views), asked.parameters)
    fmt = statement.fmt or _checked(asked.fmt)
    named = None if statement.fmt else fmt
    content = client.raw_query(statement.text, dict(statement.parameters), fmt=named)
    return Response(
        content,
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


_CODE = re.compile(r"Code: (\d+)\. (?:DB::Exception: )?")


def _read_fault(told: str) -> tuple[int, str]:
    """Part the engine's code from its words; 0 where there is none."""
    match = _CODE.search(told)
    return (int(match[1]), _CODE.sub("", told)) if match else (0, f"{told} (ACCESS_DENIED)")


def _failed(fault: QueryError) -> Response:
    text = f"Code: {fault.code}. DB::Exception: {fault}\n"
    headers = {"x-clickhouse-exception-code": str(fault.code)}
    if fault.code == _NOT_AUTHENTICATED:
        headers["www-authenticate"] = 'Basic realm="funnelhouse"'
    return PlainTextResponse(text, _STATUS.get(fault.code, 400), headers)
