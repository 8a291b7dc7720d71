"""One event on its way down the steps of judgement, and the rules that it is judged by."""

from dataclasses import dataclass
from typing import Any

import msgspec

from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.redaction import Redaction
from funnelhouse.ingest.validation.rejection import Rejection
from funnelhouse.schemas.registry import EventSchema, Plan


@dataclass(frozen=True, slots=True)
class Rules:
    """What events are judged by; `secret` keys the hashes of personal data.

    Without `redact_patterns` only the fields are hashed that the plan marks. `redaction` follows
    from the others, and comes along with `replace`.
    """

    plan: Plan
    limits: Limits
    secret: bytes
    accept_unknown: bool = False
    mask_ip: bool = True
    redact_patterns: bool = True
    redaction: Redaction = None  # type: ignore[assignment]  # made below where none is given

    def __post_init__(self) -> None:
        if self.redaction is None:
            redaction = Redaction(
                self.plan, self.secret, patterns=self.redact_patterns, mask_ip=self.mask_ip
            )
            object.__setattr__(self, "redaction", redaction)


class PendingEvent(msgspec.Struct, gc=False):
    """One event on its way down the steps; each step fills what the next ones read.

    `event_time` starts as the time of receipt, in microseconds like `sent_at`.
    """

    item: Any
    text: bytes
    arrival: int
    sent_at: int | None
    event_time: int
    type: str = ""
    name: str = ""
    sent_name: str = ""
    context: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    schema: EventSchema | None = None
    rejection: Rejection | None = None
