"""Why an event was not accepted: a closed set of reasons, the JSON path, and a sentence."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Every reason that a rejected event can carry."""

    UNREADABLE_BODY = "unreadable_body"
    WRONG_ADDRESS = "wrong_address"
    FORBIDDEN_ORIGIN = "forbidden_origin"
    UNREADABLE_EVENT = "unreadable_event"
    DUPLICATE_KEY = "duplicate_key"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    TOO_LONG = "too_long"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_FIELD = "invalid_field"
    MISSING_NAME = "missing_name"
    MISSING_IDENTITY = "missing_identity"
    UNKNOWN_EVENT = "unknown_event"
    UNKNOWN_VERSION = "unknown_version"
    SCHEMA = "schema"
    FROM_FUTURE = "from_future"
    TOO_OLD = "too_old"
    REFUSED_BY_WAREHOUSE = "refused_by_warehouse"


class Rejection(NamedTuple):
    """A verdict against one event; `path` is JSONPath from the event's root."""

    reason: Reason
    path: str
    detail: str

    def as_result(self) -> dict[str, str]:
        """Return the entry that the sender finds under `results` in the answer."""
        return {
            "outcome": "rejected",
            "reason": self.reason,
            "path": self.path,
            "detail": self.detail,
        }
