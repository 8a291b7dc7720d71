"""What a request of the ClickHouse HTTP protocol asks: a key, a statement, how to answer it."""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from fastapi import Request

from funnelhouse.console.access.read_access import sent_key
from funnelhouse.console.frames import FrameError, unframed
from funnelhouse.console.statements.judge import MAX_BYTES

SYNTAX, DENIED, NOT_AUTHENTICATED, NO_DATABASE = 62, 497, 516, 81
_DAMAGED = 271
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

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_YES = frozenset({"1", "true"})


class QueryRequest(NamedTuple):
    """A request: the statement, the format where it names none, parameters and settings.

    Parameters are as they were sent, which is how the engine reads them: escaped as in
    tab-separated values. `framed` says that the answer is wanted in compressed frames.
    """

    statement: str
    fmt: str
    database: str
    parameters: Mapping[str, str]
    settings: Mapping[str, str]
    framed: bool


class QueryError(Exception):
    """Why there is no answer, with the engine's code for such a thing."""

    def __init__(self, code: int, told: str) -> None:
        super().__init__(told)
        self.code = code


def key_of(request: Request) -> str:
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


async def read_query(request: Request) -> QueryRequest:
    """Read a request.

    Raises:
        QueryError: it holds no statement, or one that cannot be read.
    """
    given = dict(request.query_params)
    content = _content(await _body(request), request)
    statement = "\n".join(filter(None, (given.get("query", ""), content)))
    if not statement.strip():
        raise QueryError(SYNTAX, "Syntax error: there is no statement. (SYNTAX_ERROR)")
    return QueryRequest(
        statement,
        request.headers.get("x-clickhouse-format") or given.get("default_format") or "TabSeparated",
        given.get("database") or request.headers.get("x-clickhouse-database", ""),
        _parameters(given),
        {name: value for name, value in given.items() if name in _TAKEN},
        given.get("compress") in _YES,
    )


def _parameters(given: Mapping[str, str]) -> dict[str, str]:
    parameters = {
        name.removeprefix("param_"): value
        for name, value in given.items()
        if name.startswith("param_")
    }
    if not all(map(_NAME.fullmatch, parameters)):
        raise QueryError(SYNTAX, "A parameter's name is no name. (SYNTAX_ERROR)")
    return parameters


async def _body(request: Request) -> bytes:
    content = b""
    async for piece in request.stream():
        content += piece
        _bound(content)
    return content


def _content(body: bytes, request: Request) -> str:
    """Read a body, which may be compressed by HTTP, and below that hold compressed frames."""
    try:
        if request.headers.get("content-encoding", "") in {"gzip", "deflate"}:
            body = zlib.decompressobj(wbits=47).decompress(body, MAX_BYTES + 1)
            _bound(body)
        if request.query_params.get("decompress") in _YES:
            body = unframed(body, MAX_BYTES)
        return body.decode()
    except (zlib.error, FrameError) as error:
        told = f"The body is damaged: {error}. (CANNOT_DECOMPRESS)"
        raise QueryError(_DAMAGED, told) from error
    except UnicodeDecodeError as error:
        raise QueryError(SYNTAX, "The statement is no UTF-8. (SYNTAX_ERROR)") from error


def _bound(content: bytes) -> None:
    if len(content) > MAX_BYTES:
        told = f"The statement is longer than {MAX_BYTES} bytes. (SYNTAX_ERROR)"
        raise QueryError(SYNTAX, told)
