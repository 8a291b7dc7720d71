"""Hands out views by URL to whoever has a read key: CSV for spreadsheets, JSON, Parquet, Arrow.

They are written by reader processes, as strangers' statements are.
"""

from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.readers.job import Job
from funnelhouse.console.readers.refusal import RefusalError
from funnelhouse.console.readers.statement_runner import Strangers, client_of, unless_gone

FORMATS = {
    "csv": ("CSVWithNames", "text/csv; charset=utf-8"),
    "json": ("JSONEachRow", "application/json"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "arrow": ("Arrow", "application/vnd.apache.arrow.file"),
}
"""Endings of the URL, each with the engine's format and the type of the answer."""

_KEY = "key"
_MAX_BYTES = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class Export:
    """Who may read, and the most rows of one answer, which is held in memory."""

    door: ReadAccess
    max_rows: int


def export(state: Export, strangers: Strangers) -> APIRouter:
    """Build the route /export/<view>.<ending>?key=…&column=value&parameter=value."""
    router = APIRouter(prefix="/export")
    limits = {
        "max_result_rows": str(state.max_rows),
        "max_result_bytes": str(_MAX_BYTES),
        "result_overflow_mode": "throw",
        "output_format_json_array_of_rows": "1",
    }

    @router.get("/{name}.{ending}")
    async def view(name: str, ending: str, request: Request) -> Response:
        """Give all rows of a view that have the values asked for, in order of the columns."""
        asked = {field: request.query_params.getlist(field) for field in request.query_params}
        key = asked.pop(_KEY, [""])[0]
        _admit(state.door, key, request)
        if ending not in FORMATS:
            raise HTTPException(404, f"Write one of these endings: {', '.join(FORMATS)}.")
        fmt, media_type = FORMATS[ending]
        job = Job("view", name, fmt, settings=limits, filters=asked)
        try:
            work = strangers.answer(client_of(request, key), job)
            answer = await unless_gone(request, work)
        except RefusalError as refusal:
            raise HTTPException(refusal.status, str(refusal)) from refusal
        headers = {"cache-control": "no-store"}
        return Response(answer.content, media_type=media_type, headers=headers)

    return router


def _admit(door: ReadAccess, key: str, request: Request) -> None:
    if not door.admits(key, request):
        raise HTTPException(401, "No such read key; write ?key= and one of FUNNELHOUSE_READ_KEYS.")
