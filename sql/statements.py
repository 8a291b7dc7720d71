"""Runs the statements of settling/ over one connection, on temporary tables of its own."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from clickhouse_connect.driver.client import Client

_FOLDER = Path(__file__).parent / "settling"
_SCRATCH = {path.stem: path for path in sorted((_FOLDER / "scratch").glob("*.sql"))}
_EVERYBODY = {path.stem: path for path in sorted((_FOLDER / "everybody").glob("*.sql"))}


class Statements:
    """The statements by name, with `words` put into their text.

    `settings` go with each; among them may be the comment by which others find it running.
    """

    def __init__(
        self, client: Client, words: Mapping[str, object], settings: dict[str, Any] | None = None
    ) -> None:
        self._client = client
        self._words = words
        self._settings = settings

    def begin(self, slice_: tuple[int, int] | None = None) -> int:
        """Make the temporary tables anew; returns a version for what is written from them.

        For one of so many slices of everybody, views of whole tables stand in the place of the
        tables that a load fills.
        """
        words = {}
        files = _SCRATCH
        if slice_ is not None:
            words = dict(zip(("slice", "slices"), slice_, strict=True))
            files = _SCRATCH | _EVERYBODY
        self._client.command(f"DROP TEMPORARY TABLE IF EXISTS {', '.join(_SCRATCH)}")
        for path in files.values():
            self._client.command(Template(path.read_text(encoding="utf-8")).substitute(words))
        return int(self._client.query("SELECT toUnixTimestamp64Micro(now64(6))").result_rows[0][0])

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
