"""The manifest of an archive: what it holds, and each file with its checksum.

It is written last, so that a folder with a manifest is whole.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec

from funnelhouse.sql.snapshot import ARCHIVED

NAME = "manifest.json"
KIND = "funnelhouse archive"
FORMAT = 1
_TABLES = {one.table for one in ARCHIVED}
_BLOCK = 1 << 20
_ENCODER = msgspec.json.Encoder(order="deterministic")
Note = Callable[[int, str], None]
"""Told of progress: how much is done, and what is being done."""


class ArchiveError(ValueError):
    """A folder is no archive that can be used; as text one sentence with the mend."""


class ArchivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A Parquet file by its path in the folder; times of receipt where its table knows them."""

    path: str
    table: str
    partition: str
    rows: int
    bytes: int
    sha256: str
    first_received_at: datetime | None = None
    last_received_at: datetime | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive was taken of, and when.

    All that the collector had answered before `complete_until` is in it, and of later events
    those that had landed by `taken_at`, the moment as of which all tables are. Of events that were
    received up to `lost_until` retention had dropped some; it is None where all are there. `builds`
    are the funnels' and experiments' versions.
    """

    archive: str
    product_version: str
    migration: str
    taken_at: datetime
    complete_until: datetime
    lost_until: datetime | None
    plan: str
    builds: list[str]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that an archive says of itself; `checksum` is that of the rest."""

    kind: str
    format: int
    header: Header
    files: list[ArchivedFile]
    checksum: str = ""

    @property
    def rows(self) -> int:
        """Count the rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Add up the bytes of all files."""
        return sum(file.bytes for file in self.files)


def write_manifest(folder: Path, header: Header, files: Sequence[ArchivedFile]) -> Manifest:
    """Write the manifest whole or not at all; all files must be on the disk by now."""
    bare = Manifest(kind=KIND, format=FORMAT, header=header, files=list(files))
    manifest = msgspec.structs.replace(bare, checksum=_checksum(bare))
    write_durably(folder / NAME, msgspec.json.format(_ENCODER.encode(manifest), indent=1))
    return manifest


def read_manifest(folder: Path, newest_migration: str) -> Manifest:
    """Read the manifest of an archive that this version can load.

    Raises:
        ArchiveError: it is missing, damaged, or of another format or a newer version.
    """
    path = folder / NAME
    if not path.is_file():
        raise ArchiveError(
            f"{folder} holds no {NAME}, so it is no archive or an export that was broken off;"
            " name the right folder, or run `funnelhouse export` on it again."
        )
    text = path.read_bytes()
    _refuse_other_formats(path, text)
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise _changed(path) from error
    if manifest.checksum != _checksum(msgspec.structs.replace(manifest, checksum="")):
        raise _changed(path)
    newer = _number(manifest.header.migration) > _number(newest_migration)
    if newer or not _known(manifest.files):
        raise ArchiveError(
            f"The archive in {folder} was written by version {manifest.header.product_version},"
            " whose tables are newer than those of this one; install that version, or a newer one."
        )
    return manifest


def verify_files(folder: Path, manifest: Manifest, note: Note) -> None:
    """Compare every file with the manifest.

    Raises:
        ArchiveError: one is missing or was changed.
    """
    done = 0
    for file in manifest.files:
        note(done, f"checking {file.path}")
        path = folder / file.path
        if not path.is_file():
            raise ArchiveError(
                f"{path} is missing from the archive; bring it back from where the archive was"
                " copied, or take another archive."
            )
        if not agrees(path, file):
            raise _changed(path)
        done += file.bytes
    note(done, "checked")


def agrees(path: Path, file: ArchivedFile) -> bool:
    """Say whether a file is what the manifest tells of it."""
    return path.stat().st_size == file.bytes and checksum_of(path) == file.sha256


def checksum_of(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a loss of power."""
    fresh = path.with_name(f"{path.name}.part")
    with fresh.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_other_formats(path: Path, text: bytes) -> None:
    try:
        told = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise _changed(path) from error
    if type(told) is not dict or told.get("kind") != KIND or type(told.get("format")) is not int:
        raise ArchiveError(
            f"{path} is not the manifest of a funnelhouse archive; name the folder of one."
        )
    if told["format"] > FORMAT:
        raise ArchiveError(
            f"The archive in {path.parent} has format {told['format']}, and this version reads"
            f" formats up to {FORMAT}; install the version that wrote it, or a newer one."
        )
    if told["format"] < 1:
        raise _changed(path)


def _changed(path: Path) -> ArchiveError:
    return ArchiveError(
        f"{path} was changed since the archive was written; bring the file back from where the"
        " archive was copied, or take another archive."
    )


def _known(files: Sequence[ArchivedFile]) -> bool:
    return all(file.table in _TABLES and _is_inside(file.path) for file in files)


def _number(migration: str) -> int:
    return int(migration.partition("_")[0])


def _is_inside(path: str) -> bool:
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts


def _checksum(manifest: Manifest) -> str:
    return hashlib.sha256(_ENCODER.encode(manifest)).hexdigest()
