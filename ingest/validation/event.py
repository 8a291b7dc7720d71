"""What a protocol hands to the pipeline: decoded calls, and the facts of their request."""

from typing import Any, NamedTuple

import msgspec

from funnelhouse.ingest.validation.rejection import Rejection


class RawEvent(msgspec.Struct, frozen=True, gc=False):
    """One tracking call as decoded, beside its exact JSON text."""

    item: Any
    text: bytes


class Odd(dict[str, Any]):
    """What can be read of an event that is rejected for its text: it still says whose it is."""

    def __init__(self, item: dict[str, Any], rejection: Rejection) -> None:
        super().__init__(item)
        self.rejection = rejection


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A decoded request body: the key it carries, when it was sent, and its calls.

    `added_bytes` is what the request's own context added to its calls.
    """

    write_key: str
    sent_at: object
    events: list[RawEvent]
    added_bytes: int = 0


class Origin(NamedTuple):
    """Facts of the request that its events share: the Referer is its `page`, `ip` is masked.

    `run` is the id of a test run that the request names, "" for none.
    """

    source: str
    server: bool
    user_agent: str = ""
    ip: str = ""
    page: str = ""
    write_key: str = ""
    run: str = ""


CALLS = ("track", "page", "screen", "identify", "group", "alias")
"""The calls of the tracking API."""


def properties_field(call: str) -> str:
    """Name the field in which a call holds what its schema describes."""
    return "traits" if call in _TRAITS_CALLS else "properties"


_TRAITS_CALLS = frozenset({"identify", "group"})

NAMES = {
    "page": "page_viewed",
    "screen": "screen_viewed",
    "identify": "identified",
    "group": "grouped",
    "alias": "aliased",
}
"""The plan's event name of each call but `track`, which names its own."""
