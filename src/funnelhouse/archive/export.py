"""Writes an archive: every table that cannot be derived, as Parquet, as of one moment."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from funnelhouse.archive.manifest import (
    ArchivedFile,
    Header,
    Manifest,
    Note,
    write_durably,
    write_manifest,
)
from funnelhouse.archive.notes import Notes
from funnelhouse.command_line.warehouse_access import Access
from funnelhouse.sql.snapshot import ARCHIVED, Archived, ordered_table

ROWS_A_FILE = 200_000
_ALL = "all"


@dataclass(frozen=True, slots=True)
class ArchivePiece:
    """The rows of one file: of a table, received from `first` until `last`, both included."""

    of: Archived
    partition: str
    number: int
    rows: int
    first: datetime
    last: datetime

    @property
    def path(self) -> str:
        """Name the file in the archive's folder."""
        return f"{self.of.table}/{self.partition}/{self.number:05d}.parquet"


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What the warehouse keeps for an archive, cut into files, and what of these is written."""

    header: Header
    pieces: list[ArchivePiece]
    notes: Notes

    @property
    def rows(self) -> int:
        """Count the rows of all files."""
        return sum(piece.rows for piece in self.pieces)


def export(access: Access, folder: Path, note: Note, rows_a_file: int = ROWS_A_FILE) -> Manifest:
    """Write an archive into a folder, or go on with one that was broken off there."""
    return write(access, folder, gather(access, folder, note, rows_a_file), note)


def gather(access: Access, folder: Path, note: Note, rows_a_file: int = ROWS_A_FILE) -> ExportPlan:
    """Have the warehouse keep all tables as of one moment; `note` is told of tables.

    Raises:
        ArchiveError: the folder holds something else.
    """
    notes = Notes(folder)
    header = _header(access, notes)
    pieces: list[ArchivePiece] = []
    for number, one in enumerate(ARCHIVED):
        note(number, f"gathering {one.table}")
        if access.job("archive_order", [header.archive, one.table]):
            pieces += _pieces(access, header.archive, one, rows_a_file)
    return ExportPlan(header, pieces, notes)


def write(access: Access, folder: Path, gathered: ExportPlan, note: Note) -> Manifest:
    """Write what was gathered; `note` is told of rows.

    Raises:
        RefusedError: another export began meanwhile.
    """
    files = list(_written(access, folder, gathered.notes, gathered.pieces, note))
    manifest = write_manifest(folder, gathered.header, files)
    gathered.notes.remove()
    access.job("archive_drop")
    return manifest


def _header(access: Access, notes: Notes) -> Header:
    """Have all tables kept as of one moment; what is written already must be of the same one."""
    if notes.finished and not access.job("archive_kept", notes.archive):
        notes.begin_anew()
    return msgspec.convert(access.job("archive_take", notes.archive), Header)


def _pieces(
    access: Access, archive: str, one: Archived, rows_a_file: int
) -> Iterator[ArchivePiece]:
    """Cut a table into files: by month of receipt, and there after so many rows, at a minute."""
    statement = (
        "SELECT toStartOfMinute(export_at) AS minute, count() AS rows,"  # noqa: S608 - names of ours
        " min(export_at) AS first, max(export_at) AS last"
        f" FROM {ordered_table(archive, one.table)} GROUP BY minute ORDER BY minute"
    )
    with pa.ipc.open_stream(access.query(statement, "ArrowStream")) as stream:
        minutes = [
            ArchivePiece(one, _partition(one, row["first"]), 1, *_extent(row))
            for row in stream.read_all().to_pylist()
        ]
    gathered: ArchivePiece | None = None
    for minute in minutes:
        if gathered is None:
            gathered = minute
        elif gathered.partition == minute.partition and gathered.rows + minute.rows <= rows_a_file:
            gathered = replace(gathered, rows=gathered.rows + minute.rows, last=minute.last)
        else:
            yield gathered
            number = gathered.number + 1 if gathered.partition == minute.partition else 1
            gathered = replace(minute, number=number)
    if gathered is not None:
        yield gathered


def _partition(one: Archived, first: datetime) -> str:
    return f"{first:%Y-%m}" if one.at else _ALL


def _extent(row: Mapping[str, Any]) -> tuple[int, datetime, datetime]:
    return row["rows"], row["first"], row["last"]


def _written(
    access: Access, folder: Path, notes: Notes, pieces: Sequence[ArchivePiece], note: Note
) -> Iterator[ArchivedFile]:
    done = 0
    for piece in pieces:
        note(done, f"writing {piece.path}")
        if not notes.is_finished(piece.path, piece.rows, piece.last):
            notes.note(_write(access, folder, notes.archive, piece))
        yield notes.finished[piece.path]
        done += piece.rows
    note(done, "written")


def _write(access: Access, folder: Path, archive: str, piece: ArchivePiece) -> ArchivedFile:
    statement = (
        f"SELECT * EXCEPT export_at FROM {ordered_table(archive, piece.of.table)}"  # noqa: S608 - as above
        f" WHERE export_at >= {_moment(piece.first)} AND export_at <= {_moment(piece.last)}"
        " ORDER BY export_at"
    )
    content = access.query(statement, "Parquet")
    path = folder / piece.path
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, content)
    return ArchivedFile(
        path=piece.path,
        table=piece.of.table,
        partition=piece.partition,
        rows=piece.rows,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        first_received_at=piece.first if piece.of.at else None,
        last_received_at=piece.last if piece.of.at else None,
    )


def _moment(time: datetime) -> str:
    return f"toDateTime64('{time:%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')"
