"""How far a file was sent, noted beside it, so that a sending that was cut short goes on."""

from pathlib import Path
from typing import BinaryIO

import msgspec

_SHOWN_REJECTIONS = 5


class SendError(Exception):
    """Sending cannot go on; as text one sentence with the mend."""


class SendProgress(msgspec.Struct):
    """How far a file was sent to `url`: bytes and lines answered for, and what became of them."""

    url: str
    offset: int = 0
    line: int = 0
    sent: int = 0
    rejected: int = 0
    examples: list[str] = []

    def note(self, line: int, end: int, verdict: str | None) -> None:
        """Count a line that was answered for; `verdict` says why it was rejected."""
        self.line, self.offset = line, end
        if verdict is None:
            return
        self.rejected += 1
        if len(self.examples) < _SHOWN_REJECTIONS:
            self.examples.append(f"line {line}: {verdict}")


def load_progress(path: Path | None, url: str) -> SendProgress:
    """Read how far a file was sent, the start where nothing was noted.

    Raises:
        SendError: the note cannot be read, or belongs to another collector.
    """
    if path is None or not path.exists():
        return SendProgress(url)
    try:
        progress = msgspec.json.decode(path.read_bytes(), type=SendProgress)
    except msgspec.DecodeError as error:
        raise SendError(
            f"{path} is no note of how far a file was sent; remove it, or name another --state."
        ) from error
    if progress.url != url:
        raise SendError(
            f"{path} notes a sending to {progress.url}, not to {url}; remove it to send all,"
            " or name another --state."
        )
    return progress


def save_progress(path: Path, progress: SendProgress) -> None:
    """Note how far a file was sent, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(msgspec.json.encode(progress))
    fresh.replace(path)


def resume(file: BinaryIO, progress: SendProgress, state: Path | None) -> None:
    """Go to where an earlier sending of the file ended.

    Raises:
        SendError: no line ends there, so it is another file by now.
    """
    if not progress.offset:
        return
    file.seek(progress.offset - 1)
    last, following = file.read(1), file.read(1)
    if not last or (last != b"\n" and following):
        raise SendError(
            f"{state} notes a place that is no end of a line in this file; remove it to send all."
        )
    file.seek(progress.offset)
