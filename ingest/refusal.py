"""Why a whole request cannot be taken, before any of its events is judged."""

from typing import NamedTuple


class Refusal(NamedTuple):
    """An HTTP status, a reason of one word or a few joined ones, and a sentence with the mend."""

    status: int
    reason: str
    detail: str
