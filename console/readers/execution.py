"""Does what is asked of a reader: judges a statement, runs it, and writes its answer.

The connection can only read; in a reader's process nothing else is in its reach either.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.console.frames import framed
from funnelhouse.console.readers.exports import view_content
from funnelhouse.console.readers.job import Answer, Job, Kind
from funnelhouse.console.readers.refusal import DENIED, SYNTAX, RefusalError
from funnelhouse.console.spreadsheet import harmless_csv
from funnelhouse.console.statements.judge import FORMATS, Readable, Statement, StatementError, judge
from funnelhouse.sql.client import DATABASE

MOST_ROWS = 1000
"""Rows that a page shows of a result."""

_EXACT_BELOW = 2**63

_VIEWS = """
SELECT name
FROM system.tables
WHERE database = currentDatabase() AND engine = 'View' AND notEmpty(parameterized_view_parameters)
"""


def perform(client: Client, job: Job) -> Answer:
    """Do a job over a connection that can only read.

    Raises:
        RefusalError: it may not be done, or the engine cannot do it.
    """
    try:
        return _KINDS[job.kind](client, job)
    except StatementError as error:
        raise RefusalError.by_the_engine(str(error), DENIED) from error
    except ClickHouseError as error:
        raise RefusalError.by_the_engine(str(error), SYNTAX) from error


def _judged(client: Client, job: Job) -> Statement:
    views = {row[0] for row in client.query(_VIEWS).result_rows}
    return judge(client, job.text, Readable(DATABASE, views), job.parameters)


def _query(client: Client, job: Job) -> Answer:
    statement = _judged(client, job)
    fmt = statement.fmt or _checked(job.fmt)
    named = None if statement.fmt else fmt
    content = client.raw_query(statement.text, dict(statement.parameters), fmt=named)
    facts = {"format": fmt, "bytes": len(content)}
    return Answer(facts, framed(content) if job.framed else content)


def _checked(fmt: str) -> str:
    if fmt not in FORMATS | {"TabSeparatedRaw"}:
        raise StatementError(
            f"The format {fmt} is not given out here; ask for CSV, JSON or Native."
        )
    return fmt


def _table(client: Client, job: Job) -> Answer:
    statement = _judged(client, job)
    if statement.fmt:
        raise RefusalError("Leave FORMAT out here; the result is a table, or CSV.")
    result = client.query(statement.text)
    facts = {
        "columns": list(result.column_names),
        "kinds": [kind.name for kind in result.column_types],
        "cut": len(result.result_rows) > MOST_ROWS,
    }
    shown = [[_cell(value) for value in row] for row in result.result_rows[:MOST_ROWS]]
    return Answer(facts, orjson.dumps(shown))


def _cell(value: Any) -> Any:
    """Keep what JSON has; all else is shown as its text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < _EXACT_BELOW else str(value)
    return value if value is None or isinstance(value, bool | float) else str(value)


def _csv(client: Client, job: Job) -> Answer:
    return Answer({}, harmless_csv(client, _judged(client, job).text))


def _view(client: Client, job: Job) -> Answer:
    return Answer({}, view_content(client, job))


_KINDS: Mapping[Kind, Callable[[Client, Job], Answer]] = {
    "query": _query,
    "table": _table,
    "csv": _csv,
    "view": _view,
}
