"""Why a job has no answer: a sentence, the engine's code for such a thing, and HTTP's."""

import re
from collections.abc import Mapping
from typing import Any

SYNTAX, DENIED, TIMEOUT, MEMORY, BUSY, NO_READER = 62, 497, 159, 241, 202, 210
"""Codes of the engine: no statement, not allowed, too long, too much, too many, no connection."""

_CODE = re.compile(r"Code: (\d+)\. (?:DB::Exception: )?")


class RefusalError(Exception):
    """A job that has no answer; as text why, and what to do."""

    def __init__(self, told: str, code: int = 0, status: int = 400) -> None:
        super().__init__(told)
        self.code = code
        self.status = status

    @property
    def plain(self) -> str:
        """Give the sentence without the code that the engine writes before it."""
        return _CODE.sub("", str(self))

    @classmethod
    def by_the_engine(cls, told: str, otherwise: int) -> "RefusalError":
        """Take the code from the engine's own words, or another where there is none."""
        found = _CODE.search(told)
        return cls(told, int(found[1])) if found else cls(f"{told} (ACCESS_DENIED)", otherwise)

    @classmethod
    def of(cls, head: Mapping[str, Any]) -> "RefusalError":
        """Read what a reader sent."""
        return cls(str(head["refused"]), int(head["code"]), int(head["status"]))

    def head(self) -> dict[str, Any]:
        """Write it as a reader sends it."""
        return {"refused": str(self), "code": self.code, "status": self.status}
