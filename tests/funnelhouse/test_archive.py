"""An archive holds a whole warehouse: exported, killed, imported, every view shows the same."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pyarrow.parquet as pq
import pytest

from funnelhouse.archive.loading import read_archive
from funnelhouse.archive.manifest import FORMAT, ArchiveError, Manifest, write_manifest
from funnelhouse.settings import Settings
from funnelhouse.sql.snapshot import ARCHIVED, OF_PLAN, OF_WAREHOUSE, REBUILT
from tests.conftest import PreparedWarehouse
from tests.funnelhouse.archive_process import FIRST
from tests.funnelhouse.conftest import CommandLine
from tests.sql.history import today

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
FEW = ("events", "duplicate_events", "people", "stage_entries", "sessions", "ledger_minutely")
"""Views of which most others follow."""

UNORDERED = {"experiment_units"}
"""Views with a column of rows in no order."""


@dataclass(frozen=True, slots=True)
class House:
    """A data folder whose warehouse no process holds for longer than an action of the test's."""

    settings: Settings

    @property
    def line(self) -> CommandLine:
        """The command line on this folder."""
        return CommandLine(self.settings)

    def act(self, action: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run an action of `archive_process` to its end."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "tests.funnelhouse.archive_process"),
                *(action, *map(str, arguments)),
            ],
            env={**os.environ, **self.settings.as_environment()},
            capture_output=True,
            check=False,
        )

    def do(self, action: str, *arguments: str | Path) -> None:
        """Run an action that must succeed."""
        done = self.act(action, *arguments)
        assert done.returncode == 0, done.stderr.decode()

    def die(self, action: str, *arguments: str | Path) -> None:
        """Run an action that is killed."""
        done = self.act(action, *arguments)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()

    def views(self, *names: str) -> dict[str, list[Any]]:
        """Read views, each row as JSON values that no order of sums and gathering changes."""
        path = self.settings.data / "views.json"
        self.do("views", path, *names)
        found = orjson.loads(path.read_bytes())
        return {view: [_plain(row, view) for row in rows] for view, rows in found.items()}

    def rows(self) -> dict[str, int]:
        """Count the rows of each table of an archive."""
        path = self.settings.data / "tables.json"
        self.do("tables", path)
        return dict(orjson.loads(path.read_bytes()))


def _plain(row: str, view: str) -> Any:
    values = [_rounded(value) for value in orjson.loads(row)]
    if view in UNORDERED:
        values = [sorted(value) if type(value) is list else value for value in values]
    return values


def _rounded(value: Any) -> Any:
    return float(f"{value:.9g}") if type(value) is float else value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of this module's houses and archives."""
    return tmp_path_factory.mktemp("archives")


@pytest.fixture(scope="module")
def source(folder: Path) -> House:
    """Fill a warehouse with rows of every kind."""
    house = House(Settings(data=folder / "source"))
    house.do("fill")
    return house


@pytest.fixture(scope="module")
def on(source: House) -> Callable[..., dict[str, list[Any]]]:
    """Read views of the source, once a day: some end with the week under way."""
    return cache(lambda _day, *names: source.views(*names))


@pytest.fixture
def before(on: Callable[..., dict[str, list[Any]]]) -> Callable[..., dict[str, list[Any]]]:
    """Give views of the source as they stand today; without names all of them."""
    return partial(on, today())


@pytest.fixture(scope="module")
def archive(folder: Path, source: House) -> Path:
    """Export the source, killed half-way; then the export goes on and keeps what was finished."""
    into = folder / "archive"
    source.die("dying_export", into, "rejected_raw/")
    written = {path: path.stat().st_ino for path in into.rglob("*.parquet")}
    assert len(written) > 5
    assert not (into / "manifest.json").exists()
    damaged, *kept = sorted(written)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    source.do("dying_export", into, "")
    assert {path: path.stat().st_ino for path in kept} == {path: written[path] for path in kept}
    assert damaged.stat().st_ino != written[damaged]
    return into


@pytest.fixture(scope="module")
def manifest(archive: Path) -> Manifest:
    """Read the manifest, as an import does."""
    return read_archive(archive, lambda *_: None)


@pytest.fixture(scope="module")
def target(folder: Path, archive: Path, manifest: Manifest) -> House:
    """Import the archive into an empty folder, killed in the middle and while refreshing."""
    house = House(Settings(data=folder / "target"))
    house.die("dying_load", archive, "loading rejected_raw/")
    house.die("dying_load", archive, "refreshing everybody")
    told = house.line.out("import", "archive", str(archive))
    assert told.startswith("0 rows of the archive were loaded")
    assert f"{manifest.rows} of its rows were here already" in told
    return house


@pytest.mark.parametrize(
    ("views", "filled"), [((FIRST,), 25), pytest.param((), 70, marks=pytest.mark.slow)]
)
def test_every_view_agrees(
    before: Callable[..., dict[str, list[Any]]], target: House, views: tuple[str], filled: int
) -> None:
    """Every view shows the same after export and import, both of which were killed half-way."""
    stood, after = before(*views), target.views(*views)
    assert after.keys() == stood.keys()
    assert {view: rows for view, rows in after.items() if rows != stood[view]} == {}
    assert sum(map(bool, stood.values())) > filled


@pytest.mark.slow
def test_killed_while_gathering(source: House, archive: Path, tmp_path: Path) -> None:
    """An export that was killed before it wrote anything ends the same when it is begun again."""
    source.die("dying_export", tmp_path, "gathering rejected_raw")
    assert not list(tmp_path.rglob("*.parquet"))
    source.do("dying_export", tmp_path, "")
    rows = [
        {file.path: file.rows for file in read_archive(one, lambda *_: None).files}
        for one in (archive, tmp_path)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    "views", [pytest.param(FEW, id="few"), pytest.param((), id="all", marks=pytest.mark.slow)]
)
def test_a_cluster_takes_it_too(
    before: Callable[..., dict[str, list[Any]]], tmp_path: Path, archive: Path, views: tuple[str]
) -> None:
    """Imported into two shards, through the tables over both, views show the same."""
    house, told = House(Settings(data=tmp_path / "shards")), tmp_path / "over_shards.json"
    house.do("load_over_shards", archive, told, *views)
    found = orjson.loads(told.read_bytes())
    assert min(map(int, found.pop("on shards"))) > 20
    after = {view: [_plain(row, view) for row in rows] for view, rows in found.items()}
    stood = before(*views)
    assert {view: rows for view, rows in after.items() if rows != stood[view]} == {}
    assert after.keys() == stood.keys()


def test_again(before: Callable[..., dict[str, list[Any]]], target: House, archive: Path) -> None:
    """Importing the same archive again changes nothing, also when all notes of that are lost."""
    target.do("lose_notes", archive)
    told = target.line.out("import", "archive", str(archive))
    assert "0 rows" not in told.split(" of the archive")[0][:3]
    assert target.views(*FEW) == before(*FEW)


def test_manifest(source: House, archive: Path, manifest: Manifest) -> None:
    """The manifest tells of each file what is in it, and no file is without it."""
    on_disk = {path.relative_to(archive).as_posix() for path in archive.rglob("*.parquet")}
    assert on_disk == {file.path for file in manifest.files}
    assert {path.name for path in archive.iterdir() if path.is_file()} == {"manifest.json"}
    rows: dict[str, int] = {}
    for file in manifest.files:
        assert pq.read_metadata(archive / file.path).num_rows == file.rows
        assert f"/{file.partition}/" in file.path
        rows[file.table] = rows.get(file.table, 0) + file.rows
        if file.table == "events_raw":
            received = pq.read_table(archive / file.path)["received_at"].to_pylist()
            extent = (file.first_received_at, file.last_received_at)
            assert extent == (min(received), max(received))
            assert {f"{time:%Y-%m}" for time in received} == {file.partition}
    assert rows == {table: count for table, count in source.rows().items() if table in rows}
    assert {"2024-08", "2024-09"} <= {file.partition for file in manifest.files}
    assert manifest.header.lost_until is None
    assert manifest.header.taken_at >= manifest.header.complete_until
    codec = pq.read_metadata(archive / manifest.files[0].path).row_group(0).column(0).compression
    assert codec == "ZSTD"


def test_nothing_is_left_behind(source: House) -> None:
    """What the warehouse kept for the export is gone once the archive is written."""
    left = source.line.out(
        "sql", "SELECT count() FROM system.tables WHERE name LIKE 'export%'", "--format", "csv"
    )
    assert left.split() == ['"count()"', "0"]


def _missing(folder: Path, manifest: Manifest) -> None:
    (folder / manifest.files[-1].path).unlink()


def _changed(folder: Path, manifest: Manifest) -> None:
    path = folder / manifest.files[-1].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _edited(folder: Path, _: Manifest) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"rows": 1,', '"rows": 2,', 1))


def _torn(folder: Path, _: Manifest) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:-10])


def _of_another(folder: Path, _: Manifest) -> None:
    (folder / "manifest.json").write_text('{"kind": "something else", "format": 1}')


def _none(folder: Path, _: Manifest) -> None:
    (folder / "manifest.json").unlink()


def _newer_format(folder: Path, _: Manifest) -> None:
    (folder / "manifest.json").write_text(
        orjson.dumps({"kind": "funnelhouse archive", "format": FORMAT + 1}).decode()
    )


def _newer_tables(folder: Path, manifest: Manifest) -> None:
    header = msgspec.structs.replace(manifest.header, migration="9999_of_tomorrow")
    write_manifest(folder, header, manifest.files)


def _outside(folder: Path, manifest: Manifest) -> None:
    file = msgspec.structs.replace(manifest.files[0], path="../outside.parquet")
    write_manifest(folder, manifest.header, [file])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_missing, "is missing from the archive; bring it back"),
        (_changed, "was changed since the archive was written; bring the file back"),
        (_edited, "manifest.json was changed since"),
        (_torn, "manifest.json was changed since"),
        (_of_another, "is not the manifest of a funnelhouse archive; name the folder"),
        (_none, "holds no manifest.json.*run `funnelhouse export` on it again"),
        (_newer_format, f"has format {FORMAT + 1}.*install the version that wrote it"),
        (_newer_tables, "tables are newer than those of this one; install that version"),
        (_outside, "tables are newer than those of this one"),
    ],
)
def test_refused(archive: Path, manifest: Manifest, tmp_path: Path, spoil: Any, told: str) -> None:
    """An archive that is not whole, or that this version does not know, is told in a sentence."""
    copy = tmp_path / "copy"
    shutil.copytree(archive, copy)
    spoil(copy, manifest)
    with pytest.raises(ArchiveError, match=told):
        read_archive(copy, lambda *_: None)


def test_refused_before_anything_is_written(
    archive: Path, manifest: Manifest, tmp_path: Path, stopped: CommandLine
) -> None:
    """The import of an archive with a changed file leaves no trace, and tells one sentence."""
    copy = tmp_path / "copy"
    shutil.copytree(archive, copy)
    _changed(copy, manifest)
    done = stopped.run("import", "archive", str(copy))
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert not stopped.settings.data.exists()


def test_a_folder_with_something_else_is_refused(
    archive: Path, source: House, tmp_path: Path
) -> None:
    """An export writes into no folder that holds an archive or anything else."""
    (tmp_path / "letter.txt").write_text("dear")
    ended = source.line.each(("export", str(archive)), ("export", str(tmp_path)))
    for done, told in zip(ended, ("holds a finished archive", "is not empty"), strict=True):
        assert (done.returncode, told in done.stderr.decode()) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_cold_files_are_queried_where_they_lie(archive: Path) -> None:
    """The snippet of docs/operations.md counts the events of a folder named `archive`."""
    snippet = OPERATIONS.split("<!-- cold -->")[1].split("```")[1].removeprefix("python\n")
    done = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=archive.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    header, *rows = done.stdout.splitlines()
    assert header == '"event_name","events","devices"'
    assert '"page_viewed",20,7' in rows


def test_every_table_is_decided_about(warehouse: PreparedWarehouse) -> None:
    """Each table stands in an archive, is made anew of those, or comes from the plan's folder."""
    rows = warehouse.client.query(
        "SELECT name FROM system.tables"
        " WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    ).result_rows
    decided = [one.table for one in ARCHIVED] + [*REBUILT, *OF_PLAN, *OF_WAREHOUSE]
    assert sorted(decided) == sorted(name for (name,) in rows)
