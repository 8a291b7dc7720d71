"""One event on its way down the steps of judgement, and the rules that it is judged by."""

from dataclasses import dataclass
from typing import Any

from ingest.event import RawEvent
from ingest.limits import Limits
from ingest.row import ARRIVAL_BITS
from schemas.registry import EventSchema, Plan


@dataclass(frozen=True, slots=True)
class Rules:
    """What events are judged by; `secret` keys the hashes of personal fields."""

    plan: Plan
    limits: Limits
    secret: bytes
    accept_unknown: bool = False
    mask_ip: bool = True


class Draft:
    """One event on its way down the steps; each step fills what the next ones read."""

    __slots__ = (
        "arrival",
        "context",
        "event_time",
        "item",
        "name",
        "properties",
        "schema",
        "sent_at",
        "sent_name",
        "text",
        "type",
    )

    def __init__(self, event: RawEvent, arrival: int, sent_at: int | None) -> None:
        self.item, self.text = event
        self.arrival = arrival
        self.sent_at = sent_at
        self.event_time = arrival >> ARRIVAL_BITS
        self.type = self.name = self.sent_name = ""
        self.context: dict[str, Any] = {}
        self.properties: dict[str, Any] = {}
        self.schema: EventSchema | None = None
