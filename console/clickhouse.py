"""The read-only SQL endpoint: the ClickHouse HTTP protocol, for tools that know it.

Each statement is judged and run in a reader process, under limits; a few run at a time, each on one
thread, so that loading keeps its share.
"""

from dataclasses import dataclass
from uuid import uuid4

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.query_request import (
    DENIED,
    NO_DATABASE,
    NOT_AUTHENTICATED,
    SYNTAX,
    QueryError,
    QueryRequest,
    key_of,
    read_query,
)
from funnelhouse.console.readers.job import Answer, Job
from funnelhouse.console.readers.refusal import RefusalError
from funnelhouse.console.readers.statement_runner import Strangers, client_of, unless_gone
from funnelhouse.console.statements.judge import FORMATS
from funnelhouse.sql.client import DATABASE

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
_MAX_ANSWER_BYTES = 512 * 1024**2
"""An answer is held in memory until it is sent."""

_STATUS = {NOT_AUTHENTICATED: 401, DENIED: 403, NO_DATABASE: 404}
_STATUS |= {159: 408, 241: 413, 396: 413, 158: 413, 202: 503, 210: 503}
"""HTTP's words for the engine's codes: time, memory, rows and bytes of one query; too many."""


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What one query may take; `engine` are settings of the engine."""

    max_seconds: int
    max_memory_bytes: int
    max_rows: int

    @property
    def engine(self) -> dict[str, str]:
        """Give the limits as settings of the engine."""
        return {
            "max_execution_time": str(self.max_seconds),
            "timeout_before_checking_execution_speed": "0",
            "max_memory_usage": str(self.max_memory_bytes),
            "max_result_rows": str(self.max_rows),
            "max_result_bytes": str(min(self.max_memory_bytes, _MAX_ANSWER_BYTES)),
            "result_overflow_mode": "throw",
            "max_threads": "1",
            "max_ast_elements": "20000",
            "max_expanded_ast_elements": "200000",
        }


def clickhouse(strangers: Strangers, door: ReadAccess, limits: QueryLimits) -> FastAPI:
    """Build the application of the endpoint."""
    app = FastAPI(title="funnelhouse SQL", docs_url=None, redoc_url=None, openapi_url=None)

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
            asked = await read_query(request)
            client = client_of(request, key_of(request))
            job = _job(asked, limits)
            return _answered(await unless_gone(request, strangers.answer(client, job)))
        except QueryError as fault:
            return _failed(fault)
        except RefusalError as refusal:
            return _failed(QueryError(refusal.code or SYNTAX, refusal.plain))

    return app


def _admit(door: ReadAccess, request: Request) -> None:
    if not door.admits(key_of(request), request):
        told = "Authentication failed: send a read key as the password. (AUTHENTICATION_FAILED)"
        raise QueryError(NOT_AUTHENTICATED, told)


def _job(asked: QueryRequest, limits: QueryLimits) -> Job:
    if asked.database not in {"", "default", DATABASE}:
        told = (
            f"Database {asked.database} does not exist here; leave it out, or ask for {DATABASE}."
        )
        raise QueryError(NO_DATABASE, f"{told} (UNKNOWN_DATABASE)")
    settings = limits.engine | dict(asked.settings)
    return Job("query", asked.statement, asked.fmt, asked.framed, asked.parameters, settings)


def _answered(answer: Answer) -> Response:
    fmt = str(answer.facts["format"])
    # What a reader says is not believed: a header takes the name of a format and nothing else.
    fmt = fmt if fmt in FORMATS else "TabSeparatedRaw"
    return Response(
        answer.content,
        media_type=_FORMAT_TYPES.get(fmt, "text/plain; charset=UTF-8"),
        headers={
            "x-clickhouse-format": fmt,
            "x-clickhouse-query-id": str(uuid4()),
            "x-clickhouse-server-display-name": "funnelhouse",
            "x-clickhouse-timezone": "UTC",
            "x-clickhouse-summary": orjson.dumps(
                {"result_bytes": str(int(answer.facts["bytes"]))}
            ).decode(),
            "cache-control": "no-store",
        },
    )


def _failed(fault: QueryError) -> Response:
    text = f"Code: {fault.code}. DB::Exception: {fault}\n"
    headers = {"x-clickhouse-exception-code": str(fault.code)}
    if fault.code == NOT_AUTHENTICATED:
        headers["www-authenticate"] = 'Basic realm="funnelhouse"'
    return PlainTextResponse(text, _STATUS.get(fault.code, 400), headers)
