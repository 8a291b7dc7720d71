"""What one request may hold beside its bytes: how many events, and how much they share.

What events share is repeated in each of them, so it is counted before it is repeated.
"""

from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.refusal import Refusal

_FEWEST_BYTES = 24
"""The shortest event that counts has 28 bytes: `{"type":"page","userId":"u"}`."""
_ANY_BYTES = 65_536
_MOST_GROWTH = 6  # a hash has 76 characters, which take half as many bytes once compressed
_ANY_EVENTS = 256
"""As many events are taken however short they are, each to be rejected by itself."""


def too_many_events(events: int, body_bytes: int, limits: Limits) -> Refusal | None:
    """Refuse more events than are taken, or than a body of this length can hold.

    Every event takes a row, sound or not: 1.9 million ones are 4 MB of text and fill a disk.
    """
    most = limits.max_batch_events
    if events > most:
        detail = f"The batch has {events} events, at most {most} are taken; split it."
    elif events > max(_ANY_EVENTS, body_bytes // _FEWEST_BYTES):
        detail = f"The batch has {events} items in {body_bytes} bytes; send calls, or split it."
    else:
        return None
    return Refusal(413, "too_many_events", detail)


def too_much_written(payload_bytes: int, sent_bytes: int) -> Refusal | None:
    """Refuse a request whose events grow out of proportion as their personal values are hashed."""
    if payload_bytes <= _ANY_BYTES + _MOST_GROWTH * sent_bytes:
        return None
    detail = (
        f"The events take {payload_bytes} bytes once their personal values are hashed, for"
        f" {sent_bytes} bytes sent; send fewer of those values."
    )
    return Refusal(413, "too_much_personal", detail)


def too_much_added(added_bytes: int, limits: Limits) -> Refusal | None:
    """Refuse a request whose context adds more bytes to its events than are taken."""
    most = limits.max_context_bytes
    if added_bytes <= most:
        return None
    detail = (
        f"What the events of the request share adds {added_bytes} bytes to them, at most {most}"
        " are taken; send fewer events at once, or share less."
    )
    return Refusal(413, "context_too_large", detail)
