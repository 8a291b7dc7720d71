"""Loads an archive into a warehouse, each piece once, and has everybody refreshed after it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from funnelhouse.archive.manifest import (
    ArchivedFile,
    ArchiveError,
    Manifest,
    Note,
    read_manifest,
    verify_files,
)
from funnelhouse.archive.pieces import as_stream, pieces
from funnelhouse.command_line.warehouse_access import Access
from funnelhouse.sql.upgrade import shipped

_REFRESHED = ""
"""Stands for the refresh among the names of files that are done."""


def read_archive(folder: Path, note: Note) -> Manifest:
    """Read the manifest and compare every file with it.

    Raises:
        ArchiveError: it cannot be loaded, as it stands or by this version.
    """
    manifest = read_manifest(folder, shipped()[-1].name)
    verify_files(folder, manifest, note)
    return manifest


def load_archive(access: Access, folder: Path, manifest: Manifest, note: Note) -> int:
    """Load a verified archive, or go on with that; returns how many rows were not there yet.

    `note` is told of rows, then of shares of everybody. What is here already changes nothing.

    Raises:
        ArchiveError: states of another plan went into it, which nobody could make anew.
    """
    name = manifest.header.archive
    here = access.job("archive_here", name)
    _refuse_another_plan(folder, manifest, here["builds"])
    if _REFRESHED in here["files"]:
        return 0
    done = loaded = 0
    for file in manifest.files:
        note(done, f"loading {file.path}")
        if file.path not in here["files"]:
            for moved in _load(access, folder, name, file):
                note(done + moved, f"loading {file.path}")
            access.job("archive_stands", [name, file.path])
            loaded += file.rows
        done += file.rows
    _refresh(access, lambda told: note(done, told))
    access.job("archive_stands", [name, _REFRESHED])
    return loaded


def _load(access: Access, folder: Path, archive: str, file: ArchivedFile) -> Iterator[int]:
    moved = 0
    for number, piece in enumerate(pieces(folder / file.path)):
        access.insert(file.table, as_stream(piece), f"{archive}-{file.path}-{number}")
        moved += piece.num_rows
        yield moved


def _refresh(access: Access, told: Callable[[str], None]) -> None:
    told("finding copies and aliases")
    shares = access.job("archive_refresh_links")
    for share in range(shares):
        told(f"refreshing everybody, part {share + 1} of {shares}")
        access.job("archive_refresh_share", [share, shares])
    told("refreshed")


def _refuse_another_plan(folder: Path, manifest: Manifest, builds: list[str]) -> None:
    """Refuse where events are missing that a plan in force here would be built from."""
    header = manifest.header
    if header.lost_until and not set(builds) <= set(header.builds):
        raise ArchiveError(
            f"Retention had dropped events before the archive in {folder} was taken, and its stages"
            " are of another plan than the one in force here; name the folder of that plan in"
            " FUNNELHOUSE_PLAN, run `funnelhouse plan apply`, and import again."
        )
