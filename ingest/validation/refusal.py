"""Why a whole request cannot be taken, before any of its events is judged."""

from typing import NamedTuple

from funnelhouse.ingest.validation.event import RawEvent


class Refusal(NamedTuple):
    """An HTTP status, a reason of one word or a few joined ones, and a sentence with the mend.

    `key` is the write key that stands in the body, `event` the one event that can be read in it.
    """

    status: int
    reason: str
    detail: str
    key: str = ""
    event: RawEvent | None = None
