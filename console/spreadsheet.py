"""CSV that a spreadsheet shows and never computes: what it would take for formulas is quoted.

See OWASP, CSV injection: a cell that begins with =, +, -, @, tab or carriage return is a formula.
"""

from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client

_TEXTS: tuple[str, ...] = ("String", "FixedString", "Enum", "LowCardinality(String", "JSON")
_TEXTS += ("Nullable(String", "LowCardinality(Nullable(String", "Dynamic", "Variant")


def harmless_csv(client: Client, select: str, parameters: dict[str, str] | None = None) -> bytes:
    """Give the result of a SELECT as CSV with names, an apostrophe before texts that compute."""
    described = client.query(f"DESCRIBE ({select})", parameters=parameters)
    columns = [
        _column(quote_identifier(row[0]), is_text=row[1].startswith(_TEXTS))
        for row in described.result_rows
    ]
    statement = f"SELECT {', '.join(columns)} FROM ({select})"  # noqa: S608 - judged before
    return client.raw_query(statement, parameters=parameters, fmt="CSVWithNames")


def _column(name: str, *, is_text: bool) -> str:
    if not is_text:
        return name
    computes = f"match(toString({name}), '^\\\\s*[=+\\\\-@\\\\t\\\\r]')"
    return f"if({computes}, concat('''', toString({name})), toString({name})) AS {name}"
