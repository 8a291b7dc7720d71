"""What an export that is under way has finished, one line a file, so that it can go on later."""

import os
import secrets
from datetime import datetime
from pathlib import Path

import msgspec

from funnelhouse.archive.manifest import NAME, ArchivedFile, ArchiveError, agrees, sync_folder

_NOTES = "export.jsonl"


class ExportBegun(msgspec.Struct, frozen=True):
    """The first line: the name of the archive."""

    archive: str


class Notes:
    """The notes in a folder that is new, empty, or of an export that was broken off."""

    def __init__(self, folder: Path) -> None:
        """Read the notes, or begin them.

        Raises:
            ArchiveError: the folder holds a finished archive, or anything else.
        """
        self._path = folder / _NOTES
        self._folder = folder
        self.finished: dict[str, ArchivedFile] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / NAME).exists():
            raise ArchiveError(f"{folder} holds a finished archive; name an empty folder.")
        lines = self._path.read_bytes().split(b"\n")[:-1] if self._path.exists() else []
        if not lines and any(path != self._path for path in folder.iterdir()):
            raise ArchiveError(f"{folder} is not empty; name an empty folder.")
        if lines:
            self.archive = msgspec.json.decode(lines[0], type=ExportBegun).archive
            self._read(lines[1:])
        else:
            self._begin()

    def is_finished(self, path: str, rows: int, last: datetime) -> bool:
        """Say whether a file was written with so many rows up to a moment, and is what it was."""
        file = self.finished.get(path)
        if file is None or (file.rows, file.last_received_at or last) != (rows, last):
            return False
        there = self._folder / path
        return there.is_file() and agrees(there, file)

    def note(self, file: ArchivedFile) -> None:
        """Note a file that is on the disk."""
        self.finished[file.path] = file
        self._append(file)

    def begin_anew(self) -> None:
        """Forget what was finished: the moment of which it was is gone."""
        self.finished = {}
        self._begin()

    def remove(self) -> None:
        """Remove the notes of a finished archive."""
        self._path.unlink()
        sync_folder(self._folder)

    def _begin(self) -> None:
        self.archive = secrets.token_hex(8)
        self._path.unlink(missing_ok=True)
        self._append(ExportBegun(self.archive))

    def _read(self, lines: list[bytes]) -> None:
        files = [msgspec.json.decode(line, type=ArchivedFile) for line in lines]
        self.finished = {file.path: file for file in files}

    def _append(self, line: msgspec.Struct) -> None:
        with self._path.open("ab") as opened:
            opened.write(msgspec.json.encode(line) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
