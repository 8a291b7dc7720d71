"""What a reader attaches: the statements by which the owner's engine keeps its tables and views.

Read from the engine's own metadata files, so that a look costs no query.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from funnelhouse.sql.client import DATABASE

_TABLE = re.compile(r"^ATTACH TABLE _ UUID '[0-9a-f-]{36}'")
_VIEW = re.compile(r"^ATTACH VIEW _ UUID '[0-9a-f-]{36}'")
_ENGINE = re.compile(r"^ENGINE = \w*MergeTree\b", re.MULTILINE)
_ESCAPED = re.compile(r"%([0-9A-F]{2})")


@dataclass(frozen=True, slots=True)
class Change:
    """What a reader must do to have what the owner has: names that go, statements that come."""

    gone: tuple[str, ...]
    come: Mapping[str, str]


@dataclass
class Catalog:
    """The statements of a warehouse's folder by the names of their tables and views."""

    warehouse: Path
    _seen: dict[str, tuple[tuple[int, int, int], str]] = field(default_factory=dict)

    def look(self) -> dict[str, str]:
        """Give them as they are now; only files that have changed since the last look are read."""
        seen: dict[str, tuple[tuple[int, int, int], str]] = {}
        with os.scandir(self.warehouse / "metadata" / DATABASE) as entries:
            for entry in entries:
                if entry.name.endswith(".sql"):
                    self._read(entry, seen)
        self._seen = seen
        return {name: text for name, (_, text) in seen.items() if _is_readable(text)}

    def _read(
        self, entry: os.DirEntry[str], seen: dict[str, tuple[tuple[int, int, int], str]]
    ) -> None:
        name = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), entry.name.removesuffix(".sql"))
        try:
            found = entry.stat()
            state = (found.st_mtime_ns, found.st_ino, found.st_size)
            before = self._seen.get(name)
            if before and before[0] == state:
                seen[name] = before
            else:
                seen[name] = (state, Path(entry.path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return


def change(had: Mapping[str, str], has: Mapping[str, str]) -> Change:
    """Give what must be done where the first was attached and the second is wanted."""
    gone = tuple(name for name, text in had.items() if has.get(name) != text)
    return Change(gone, {name: text for name, text in has.items() if had.get(name) != text})


def is_table(text: str) -> bool:
    """Say whether a statement is that of a table, else it is a view's."""
    return bool(_TABLE.match(text))


def _is_readable(text: str) -> bool:
    return bool(_VIEW.match(text)) or bool(is_table(text) and _ENGINE.search(text))
