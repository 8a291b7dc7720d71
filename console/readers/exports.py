"""Gives a view in a format: of what was asked only names that it has reach a statement.

Values go as parameters.
"""

from collections.abc import Iterable, Mapping, Sequence

from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from funnelhouse.console.readers.job import Job
from funnelhouse.console.readers.refusal import RefusalError
from funnelhouse.console.spreadsheet import harmless_csv

_NO_SUCH, _WRONG, _TOO_MUCH = 404, 400, 413
_TOO_LARGE = frozenset({241, 396})
"""ClickHouse error codes: a query takes more memory, or gives more rows or bytes, than it may."""

_VIEWS = """
SELECT name, mapKeys(CAST(parameterized_view_parameters, 'Map(String, String)'))
FROM system.tables
WHERE database = currentDatabase() AND engine = 'View'
ORDER BY name
"""


def view_content(client: Client, job: Job) -> bytes:
    """Give the rows of a view that have a value of each filter, in order of its columns.

    Raises:
        RefusalError: it has no such name, or gives more than one answer holds.
    """
    wanted = _parameters(client, job)
    given = {f"p{number}": job.filters[name][-1] for number, name in enumerate(wanted)}
    source = _source(job.text, wanted)
    described = client.query(f"DESCRIBE (SELECT * FROM {source})", parameters=given)  # noqa: S608
    filters = {name: values for name, values in job.filters.items() if name not in wanted}
    columns = [row[0] for row in described.result_rows]
    if unknown := [name for name in filters if name not in columns]:
        told = f"The view {job.text} has no column {unknown[0]}; it has {_listed(columns)}."
        raise RefusalError(told, status=_WRONG)
    where, values = _where(filters)
    statement = f"SELECT * FROM {source} WHERE {where} ORDER BY ALL"  # noqa: S608 - names it has
    try:
        if job.fmt == "CSVWithNames":
            return harmless_csv(client, statement, given | values)
        return client.raw_query(statement, parameters=given | values, fmt=job.fmt)
    except DatabaseError as error:
        if error.code in _TOO_LARGE:
            told = "This is more than one export may hold; add &column=value, to ask for less."
            raise RefusalError(told, error.code, _TOO_MUCH) from error
        raise


def _parameters(client: Client, job: Job) -> list[str]:
    views: dict[str, list[str]] = {row[0]: row[1] for row in client.query(_VIEWS).result_rows}
    if job.text not in views:
        told = f"There is no view {job.text}; there are {_listed(views)}."
        raise RefusalError(told, status=_NO_SUCH)
    wanted = views[job.text]
    if missing := [name for name in wanted if name not in job.filters]:
        told = f"The view {job.text} needs values of {_listed(missing)}."
        raise RefusalError(told, status=_WRONG)
    return wanted


def _source(view: str, parameters: list[str]) -> str:
    names = [quote_identifier(name) for name in parameters]
    given = ", ".join(f"{name} = {{p{number}:String}}" for number, name in enumerate(names))
    return quote_identifier(view) + (f"({given})" if given else "")


def _where(filters: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, str]]:
    """Write the filters as a condition, and give the values of its parameters."""
    values: dict[str, str] = {}
    conditions = ["true"]
    for name, wanted in filters.items():
        column = quote_identifier(name)
        places = [f"v{len(values) + number}" for number in range(len(wanted))]
        values |= dict(zip(places, wanted, strict=True))
        any_of = " OR ".join(f"{column} = {{{place}:String}}" for place in places)
        conditions.append(f"({any_of})")
    return " AND ".join(conditions), values


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
