"""The owner's tables and views in a reader's engine: attached where they lie, read only.

The engine itself looks for new parts each second. What it does not notice is that parts are gone,
after a partition is dropped or a table emptied; such a table is attached anew.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.console.readers.catalog import is_table
from funnelhouse.sql.client import DATABASE

_HEAD = re.compile(r"^ATTACH (TABLE|VIEW) _ UUID '([0-9a-f-]{36})'")
_SETTINGS = re.compile(r"^SETTINGS ", re.MULTILINE)
_DISK = (
    "disk = disk(type = object_storage, object_storage_type = local_blob_storage,"
    " metadata_type = plain, readonly = 1, skip_access_check = 1, path = '{}/'),"
    " refresh_parts_interval = 1, "
)
_ACTIVE = """
SELECT table, groupArray(name)
FROM system.parts
WHERE database = {database:String} AND active AND table IN {tables:Array(String)}
GROUP BY table
"""
_PLACE = "SELECT metadata_path FROM system.databases WHERE name = {database:String}"


class Attachment:
    """Tables and views of `warehouse` in the engine of `client`, whose folder is `engine`."""

    def __init__(self, client: Client, engine: Path, warehouse: Path) -> None:
        self._client = client
        self._warehouse = warehouse
        self._folders: dict[str, Path] = {}
        self._changed_ns: dict[str, int] = {}
        client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
        client.database = DATABASE
        found = client.query(_PLACE, parameters={"database": DATABASE}).result_rows
        self._metadata = engine / str(found[0][0])

    def apply(self, gone: Collection[str], come: Mapping[str, str]) -> None:
        """Let go of tables and views, and attach others, by the owner's statements."""
        for name in gone:
            self._let_go(name)
        for name, text in come.items():
            if is_table(text):
                self._attach(name, text)
        views = {name: text for name, text in come.items() if not is_table(text)}
        while views and len(left := dict(self._unmade(views))) < len(views):
            views = left

    def refresh(self) -> None:
        """Attach anew what has lost parts since the last look, as the folders on the disk tell."""
        changed = {name: at for name, at in self._moments() if self._changed_ns.get(name) != at}
        if not changed:
            return
        asked = {"database": DATABASE, "tables": list(changed)}
        for name, parts in self._client.query(_ACTIVE, parameters=asked).result_rows:
            if not set(parts) <= {path.name for path in self._folders[name].iterdir()}:
                self._client.command(f"DETACH TABLE {quote_identifier(name)} SYNC")
                self._client.command(f"ATTACH TABLE {quote_identifier(name)}")
        self._changed_ns |= changed

    def _moments(self) -> Iterator[tuple[str, int]]:
        for name, folder in self._folders.items():
            try:
                yield name, folder.stat().st_mtime_ns
            except FileNotFoundError:
                continue

    def _attach(self, name: str, text: str) -> None:
        head = _HEAD.match(text)
        if head is None:
            return
        uuid = head[2]
        self._folders[name] = self._warehouse / "store" / uuid[:3] / uuid
        made = _HEAD.sub(f"ATTACH TABLE {quote_identifier(name)} UUID '{uuid}'", text, count=1)
        disk = _DISK.format(self._warehouse)
        self._client.command(_SETTINGS.sub(f"SETTINGS {disk}", made, count=1))

    def _unmade(self, views: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Make views; gives those that cannot be made, at least before others are."""
        for name, text in views.items():
            made = _HEAD.sub(f"CREATE OR REPLACE VIEW {quote_identifier(name)}", text, count=1)
            try:
                self._client.command(made)
            except ClickHouseError:
                yield name, text

    def _let_go(self, name: str) -> None:
        quoted = quote_identifier(name)
        if self._folders.pop(name, None) is None:
            self._client.command(f"DROP VIEW IF EXISTS {quoted}")
            return
        self._changed_ns.pop(name, None)
        # A table is never dropped here: what would be dropped is the owner's.
        self._client.command(f"DETACH TABLE {quoted} PERMANENTLY SYNC")
        for path in self._metadata.glob(f"{name}.sql*"):
            path.unlink()
