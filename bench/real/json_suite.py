"""JSON texts of a parser's test suite, each spliced as it is into the properties of one event."""

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

_FOLDER = "test_parsing"
# A call is one line: a line break, which valid JSON has between tokens only, becomes a blank.
_ON_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def texts(file: Path) -> dict[str, bytes]:
    """Texts by name: `y_` must parse, `n_` must not, `i_` is left to the parser."""
    with tarfile.open(file, "r:gz") as suite:
        members = [m for m in suite if PurePosixPath(m.name).parent.name == _FOLDER and m.isfile()]
        return {PurePosixPath(m.name).name: _content(suite, m) for m in members}


def calls(file: Path) -> Iterator[dict[str, Any]]:
    """One planned event for each `y_` text and each `i_` text that a strict parser reads."""
    for name, text in sorted(texts(file).items()):
        if name.startswith("y_") or (name.startswith("i_") and parses(text)):
            yield {
                "type": "track",
                "event": "Feature Used",
                "messageId": name,
                "anonymousId": "json_suite",
                "properties": {
                    "product": "json_suite",
                    "feature": name,
                    "text": orjson.Fragment(text.translate(_ON_ONE_LINE)),
                },
            }


def parses(text: bytes) -> bool:
    """Whether the text is JSON of Unicode text and numbers within a double's range."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _content(suite: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = suite.extractfile(member)
    if content is None:
        raise ValueError(f"{member.name} has no content")
    with content:
        return content.read()
