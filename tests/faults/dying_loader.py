"""A loader that dies at a chosen step: before a file operation, or before or after an insert.

As a module it is a process that loads a spool to its end, or dies on the way, and then prints what
the views show.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import orjson
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse.ingest.loader.loader import Loader, LoaderConfig
from funnelhouse.ingest.log.disk import LocalDisk
from funnelhouse.settings import Settings
from funnelhouse.sql.client import connect, connection
from funnelhouse.sql.lineage import scratch_tables
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.upgrade import migrate
from tests.sql.history import COURSE, bring, first_views

REFUSES_FIVE = (
    "ALTER TABLE events_raw ADD CONSTRAINT IF NOT EXISTS no_five CHECK user_id NOT LIKE '%5'"
)
REFUSES_NONE = "ALTER TABLE events_raw DROP CONSTRAINT IF EXISTS no_five"


class Died(BaseException):
    """What a death is in a process that must go on: nothing catches it on the way."""


def die() -> NoReturn:
    """Die within a process."""
    raise Died


@dataclass
class Mortal:
    """Counts steps, and dies at one of them; at 0 never."""

    dies_at: int
    death: Callable[[], NoReturn] = die
    steps: int = 0

    def step(self) -> None:
        """Take a step."""
        self.steps += 1
        if self.steps == self.dies_at:
            self.death()


class MortalDisk(LocalDisk):
    """The operating system's files; each change is a step, before which death may come."""

    def __init__(self, mortal: Mortal) -> None:
        self._mortal = mortal

    def create(self, path: Path) -> int:
        """Create."""
        self._mortal.step()
        return super().create(path)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write."""
        self._mortal.step()
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        """Sync."""
        self._mortal.step()
        super().sync(handle)

    def rename(self, source: Path, target: Path) -> None:
        """Rename."""
        self._mortal.step()
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        """Unlink."""
        self._mortal.step()
        super().unlink(path)


_SCRATCH = set(scratch_tables())
_WRITES = re.compile(r"(?:--.*\n)*(?:INSERT INTO|DELETE FROM|TRUNCATE TABLE) (\w+)")


def keeps(statement: str) -> bool:
    """Tell whether a statement writes what outlives its connection."""
    written = _WRITES.match(statement)
    return written is not None and written[1] not in _SCRATCH


@dataclass
class MortalClient:
    """A client whose inserts are two steps: death may come before the rows stand, or just after.

    What is done to the scratch tables of a connection dies with it, and is no step.
    """

    client: Client
    mortal: Mortal

    def insert_arrow(self, table: str, rows: pa.Table) -> None:
        """Insert a table."""
        if table in _SCRATCH:
            self.client.insert_arrow(table, rows)
            return
        self.mortal.step()
        self.client.insert_arrow(table, rows)
        self.mortal.step()

    def raw_insert(self, table: str, *insert: Any) -> None:
        """Insert an Arrow stream."""
        self.mortal.step()
        self.client.raw_insert(table, *insert)
        self.mortal.step()

    def command(self, statement: str, **options: Any) -> object:
        """Run a statement."""
        if keeps(statement):
            self.mortal.step()
        return self.client.command(statement, **options)

    def query(self, statement: str, **options: Any) -> Any:
        """Read."""
        return self.client.query(statement, **options)

    def close(self) -> None:
        """Close."""
        self.client.close()


def dying_loader(config: LoaderConfig, connect_: Callable[[], Client], mortal: Mortal) -> Loader:
    """Return a loader all of whose steps are counted, of files and of inserts."""

    def connected() -> Any:
        return MortalClient(connect_(), mortal)

    return Loader(config, connected, Refresh("Asia/Seoul"), MortalDisk(mortal))


def load_all(loader: Loader) -> None:
    """Load until nothing is left."""
    while loader.load_once():
        pass


def deduplication_logs_under(folder: Path) -> list[Path]:
    """Return where an engine that nobody holds keeps the tokens that its tables remember."""
    return [path for path in folder.rglob("deduplication_logs") if path.is_dir()]


def lose_deduplication_logs(client: Client) -> None:
    """Make the engine of this process forget all tokens, as a loss of power may."""
    tables = client.query(
        "SELECT name, data_paths FROM system.tables"
        " WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    ).result_rows
    for name, (data, *_) in tables:
        log = Path(data) / "deduplication_logs"
        if log.is_dir():
            client.command(f"DETACH TABLE {name} SYNC")
            shutil.rmtree(log)
            client.command(f"ATTACH TABLE {name}")


def main() -> None:
    """Load the spool of the environment's settings; arguments: the step to die at, `refuse`."""
    settings = Settings()
    mortal = Mortal(int(sys.argv[1]), death=lambda: os._exit(9))
    config = LoaderConfig(settings.spool_folder, settings.run_folder, settings.load_max_bytes)
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    with connection(settings.warehouse_place) as client:
        list(migrate(client, settings.timezone))
        bring(client, COURSE)
        client.command(REFUSES_FIVE if "refuse" in sys.argv else REFUSES_NONE)
        load_all(dying_loader(config, lambda: connect(settings.warehouse_place), mortal))
        found = {"views": first_views(client), "steps": mortal.steps}
    sys.stdout.write(orjson.dumps(found).decode())


if __name__ == "__main__":
    main()
