"""What all pages share: templates, the language, which of them other sites may link."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from clickhouse_connect.driver.client import Client
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.concurrency import run_in_threadpool

from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.readers.statement_runner import Nobody, Strangers
from funnelhouse.console.stale_cache import StaleCache
from funnelhouse.console.words import LANGUAGES, language, word
from funnelhouse.sql.client import connection
from funnelhouse.sql.location import Warehouse

Answer = TypeVar("Answer")

ROOM = Path(__file__).parent.parent
PAGES = (
    ("Today", "/"),
    ("Funnel", "/funnel"),
    ("Experiments", "/experiments"),
    ("Coverage", "/coverage"),
    ("Live", "/live"),
    ("Sessions", "/sessions"),
    ("SQL", "/sql"),
)
LINKED = frozenset({*(way for _, way in PAGES), "/coverage/cell", "/login"})
"""Pages that other sites may link: each shows something and changes nothing."""

HEADERS = {"cache-control": "no-store"}
_LANGUAGE_COOKIE = "funnelhouse_language"
_A_YEAR_S = 31_536_000
_LIMITS = {"max_execution_time": "30", "max_memory_usage": str(2 * 1024**3)}


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """What the process itself knows: seconds that the loader is behind, segments in the spool."""

    lag_s: float
    segments: int


@dataclass(frozen=True)
class Site:
    """What pages are made of; `progress` asks the process, `timezone` is that of reports.

    What readers write themselves runs by `strangers`.
    """

    warehouse: Warehouse
    door: ReadAccess
    timezone: str
    progress: Callable[[], LoadProgress]
    strangers: Strangers = field(default_factory=Nobody)
    kept: StaleCache = field(default_factory=StaleCache)

    def __post_init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader(ROOM / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "share": _share,
            "number": _number,
            "figure": figure,
            "moment": _moment,
            "quoted": lambda text: quote(str(text), safe=""),
        }
        object.__setattr__(self, "_environment", environment)

    async def ask(self, work: Callable[[Client], Answer]) -> Answer:
        """Ask the warehouse in a thread, over a connection that can only read, within limits."""
        return await run_in_threadpool(self.asked, work)

    async def fresh(self, key: str, work: Callable[[Client], Answer], within_s: float) -> Answer:
        """Give what was asked before, and ask anew in the background when it is old."""
        return await run_in_threadpool(self.kept.get, key, lambda: self.asked(work), within_s)

    def asked(self, work: Callable[[Client], Answer]) -> Answer:
        """Ask the warehouse here and now."""
        with connection(self.warehouse, readonly=True, limits=_LIMITS) as client:
            return work(client)

    def render(
        self, request: Request, template: str, values: Mapping[str, Any], status: int = 200
    ) -> HTMLResponse:
        """Write a page in the language of its reader."""
        asked = request.query_params.get("lang", "")
        code = language(
            asked or request.cookies.get(_LANGUAGE_COOKIE, ""),
            request.headers.get("accept-language", ""),
        )
        shared = {
            "t": lambda text: word(str(text), code),
            "code": code,
            "other": next(one for one in LANGUAGES if one != code),
            "pages": PAGES,
            "here": request.url.path,
            "languages": request.url.include_query_params(lang=""),
        }
        environment: Environment = self._environment  # type: ignore[attr-defined]
        text = environment.get_template(template).render(shared | dict(values))
        answer = HTMLResponse(text, status, HEADERS)
        if asked in LANGUAGES:
            answer.set_cookie(
                _LANGUAGE_COOKIE, asked, max_age=_A_YEAR_S, httponly=True, samesite="lax"
            )
        return answer


def rows(client: Client, statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """Ask a statement, and give its rows by column."""
    result = client.query(statement, parameters=parameters or None)
    return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def figure(value: float | None, metric: str) -> str:
    """Write a figure as its metric wants: shares in percent, all else as numbers."""
    return _share(value) if metric in {"conversion", "withdrawals", "roas"} else _number(value)


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value or "")
