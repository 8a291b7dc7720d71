"""Runs the statements of settling/ over one connection, on temporary tables of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

from clickhouse_connect.driver.client import Client

from sql.layout import catch_up

_FOLDER = Path(__file__).parent / "settling"
_SCRATCH = {path.stem: path for path in sorted((_FOLDER / "scratch").glob("*.sql"))}
_LINKS = ("device_logins", "user_devices", "aliases", "aliased_users", "stage_rules")
_EVERYBODY = {path.stem: path for path in sorted((_FOLDER / "everybody").glob("*.sql"))}


class Statements:
    """The statements by name; `words` stand in their text, and `settings` go with each."""

    def __init__(
        self, client: Client, words: Mapping[str, object], settings: dict[str, Any] | None = None
    ) -> None:
        self._client = client
        self._words = words
        self._settings = settings

    @contextmanager
    def scratch(self, **slice_: int) -> Iterator[None]:
        """Have the temporary tables within a `with` block, empty; they hide others of their name.

        With `slice` of `slices`, views of that share of everybody stand in the place of the tables
        that a load fills.
        """
        files = _SCRATCH | _EVERYBODY if slice_ else _SCRATCH
        catch_up(self._client, *_LINKS)
        self._drop()
        for path in files.values():
            self._client.command(Template(path.read_text(encoding="utf-8")).substitute(slice_))
        yield
        self._drop()

    def run(self, *names: str, into: str = "", **parameters: object) -> None:
        """Run statements of the same parameters; `into` names the table that they fill."""
        for name in names:
            text = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
            statement = Template(text).substitute(self._words, into=into).rstrip(";\n")
            self._client.command(statement, parameters=parameters, settings=self._settings)

    def count(self, table: str) -> int:
        """Count the rows of a table."""
        rows = self._client.query(f"SELECT count() FROM {table}").result_rows  # noqa: S608
        return int(rows[0][0])

    def _drop(self) -> None:
        self._client.command(f"DROP TEMPORARY TABLE IF EXISTS {', '.join(_SCRATCH)}")
