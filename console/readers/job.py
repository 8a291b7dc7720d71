"""What is asked of a reader, as it goes through the pipe, and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Kind = Literal["query", "table", "csv", "view"]
"""A statement in a format, as a page's table, as CSV for a spreadsheet; or a view by its name."""


@dataclass(frozen=True, slots=True)
class Job:
    """One statement or view, with its parameters and the settings of the engine for it.

    `fmt` is that of the answer; `framed` asks for it in ClickHouse's compressed frames; `filters`
    are values by columns of a view, any of which fits.
    """

    kind: Kind
    text: str
    fmt: str = "TabSeparated"
    framed: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Answer(NamedTuple):
    """What a job gave: facts about it, and its content."""

    facts: Mapping[str, Any]
    content: bytes = b""
