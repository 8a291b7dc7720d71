"""Writes the page of all views: what a row of each is, its parameters, its columns.

The words are those on top of each view's file and the comments of its columns.
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clickhouse_connect.driver.client import Client

from funnelhouse.sql.client import connect
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.upgrade import ROOT, VIEWS, migrate

_PARAMETER = re.compile(r"\{(\w+):(\w+)")
_ANY_VALUE = {"Date": "'2024-01-01'", "DateTime64": "'2024-01-01'", "String": "'week'"}
_TOP = """\
# Views

Made by `make docs` from `sql/views/`; a test holds it to them. Views with parameters are asked as \
`SELECT … FROM view(parameter = value, …)`.
"""


def main() -> None:
    """Write docs/views.md, from an engine of its own."""
    with tempfile.TemporaryDirectory() as folder:
        client = connect(Warehouse(Path(folder)))
        list(migrate(client, "Asia/Seoul"))
        page = views_page(client)
        client.close()
    (ROOT.parent / "docs" / "views.md").write_text(page, encoding="utf-8")


def views_page(client: Client) -> str:
    """Describe every view of a migrated warehouse as one Markdown page."""
    subjects = dict.fromkeys(view.partition("/")[0] for view in VIEWS)
    parts = [_TOP]
    for subject in subjects:
        parts.append(f"\n## {subject.capitalize()}\n")
        parts += [_view(client, view) for view in VIEWS if view.startswith(f"{subject}/")]
    return "".join(parts)


def _view(client: Client, view: str) -> str:
    text = (ROOT / "views" / f"{view}.sql").read_text(encoding="utf-8")
    name = Path(view).name
    parameters = dict.fromkeys(_PARAMETER.findall(text))
    lines = [f"\n### {name}\n\n{_header(text, name)}\n"]
    if parameters:
        named = ", ".join(f"`{parameter}` {kind}" for parameter, kind in parameters)
        lines.append(f"\nParameters: {named}.\n")
    lines.append("\n| column | type | meaning |\n|---|---|---|\n")
    lines += _columns(client, name, list(parameters))
    return "".join(lines)


def _header(text: str, name: str) -> str:
    """Join the comment on top of a file to one paragraph, without the view's name before it."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    sentence = " ".join(lines).removeprefix(f"{name}: ")
    return sentence[:1].upper() + sentence[1:]


def _columns(client: Client, name: str, parameters: list[tuple[str, str]]) -> Iterator[str]:
    values = ", ".join(
        f"{parameter} = {_ANY_VALUE.get(kind, '1')}" for parameter, kind in parameters
    )
    asked = f"{name}({values})" if parameters else name
    described = client.query(f"DESCRIBE TABLE (SELECT * FROM {asked})")  # noqa: S608 - names of ours
    commented = client.query(
        "SELECT name, comment FROM system.columns"
        " WHERE database = currentDatabase() AND table = {view:String}",
        parameters={"view": name},
    )
    comments = {column: comment for column, comment in commented.result_rows}  # noqa: C416
    for column, kind, *_ in described.result_rows:
        yield f"| `{column}` | {kind} | {comments.get(column, '')} |\n"


if __name__ == "__main__":
    main()
