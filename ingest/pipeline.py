"""From decoded calls to spool rows: an ordered line of steps, the first rejection stops an event.

A rejected event becomes a row too, with its reason; the sender is told, and nothing is lost.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from ingest.arrival import ARRIVAL_STEP, ArrivalClock
from ingest.draft import Draft, Rules
from ingest.event import Envelope, Origin, RawEvent
from ingest.judgement import judge, recognise
from ingest.kept_text import as_utf8, start_of
from ingest.personal import body_without_personal, nothing_personal, without_personal
from ingest.refusal import Refusal
from ingest.rejection import Reason, Rejection
from ingest.row import MAX_RUN_LENGTH, Row, received_at
from transforms.clock import parse_time
from transforms.identity import event_id
from transforms.privacy import mask_ip


class Admission(msgspec.Struct, frozen=True, gc=False):
    """Rows for the spool in order of receipt, and the answer's entry of each rejected event."""

    rows: list[Row]
    results: dict[str, dict[str, str]]
    rejected: int


@dataclass(frozen=True)
class Pipeline:
    """Judges events by `rules`; `clock` numbers them in order of receipt."""

    rules: Rules
    clock: ArrivalClock = field(default_factory=ArrivalClock)

    def admit(self, envelope: Envelope, origin: Origin) -> Admission:
        """Judge the events of one request; each ends as exactly one row."""
        arrival = self.clock.reserve(len(envelope.events))
        sent_at = parse_time(envelope.sent_at)
        drafts: list[Draft] = []
        for event in envelope.events:
            drafts.append(Draft(event.item, event.text, arrival, sent_at, received_at(arrival)))
            arrival += ARRIVAL_STEP
        rejected = judge(drafts, self.rules)
        rows = [row_of(draft, origin, self.rules) for draft in drafts]
        return Admission(rows, _results(drafts) if rejected else {}, rejected)

    def refuse(self, refusal: Refusal, body: bytes, origin: Origin) -> Admission:
        """Keep a body that could not be taken as one rejected row, cut to the size of an event."""
        event = refusal.event or RawEvent(None, body_without_personal(body, self.rules))
        arrival = self.clock.reserve(1)
        draft = Draft(event.item, event.text, arrival, None, received_at(arrival))
        draft.rejection = Rejection(_reason(refusal), "$", refusal.detail)
        recognise(draft, self.rules)
        return Admission([row_of(draft, origin, self.rules)], {}, rejected=1)


def _reason(refusal: Refusal) -> Reason:
    return _REASONS.get(refusal.reason, Reason.UNREADABLE_BODY)


_REASONS = {
    "too_large": Reason.TOO_LARGE,
    "too_many_events": Reason.TOO_LARGE,
    "duplicate_key": Reason.DUPLICATE_KEY,
    "origin": Reason.FORBIDDEN_ORIGIN,
    "not_found": Reason.WRONG_ADDRESS,
    "method": Reason.WRONG_ADDRESS,
}


def row_of(draft: Draft, origin: Origin, rules: Rules) -> Row:
    """Write down one judged event, personal fields hashed."""
    rejection, limit = draft.rejection, rules.limits.max_event_bytes
    reason, path, detail = rejection or ("", "", "")
    item = draft.item if isinstance(draft.item, dict) else _EMPTY
    payload = draft.text
    if rejection is not None or not nothing_personal(draft):
        payload = without_personal(draft, rules)
        if rejection is not None:
            # Hashes may be longer than what they hide: only what came too large is cut.
            too_large = len(draft.text) > limit
            payload = start_of(payload, limit) if too_large else as_utf8(payload)
    context, schema = draft.context, draft.schema
    source, server, user_agent, ip, page, _, run = origin
    values = (
        draft.arrival,
        source,
        server,
        event_id(item.get("messageId"), source),
        draft.type,
        draft.name,
        draft.sent_name,
        schema.version if schema else "",
        schema is not None,
        draft.event_time,
        draft.sent_at,
        payload,
        user_agent,
        _address(draft, origin, rules) if "ip" in context else ip,
        page,
        reason,
        path,
        detail,
        False,
        _run(draft, origin) if "run" in context else run,
    )
    return _new_row(Row, values)


def _address(draft: Draft, origin: Origin, rules: Rules) -> str:
    """Return the visitor's address that a server passes on, in place of the server's own."""
    address = draft.context["ip"]
    if type(address) is not str:
        return origin.ip
    return mask_ip(address) if rules.mask_ip else address


def _run(draft: Draft, origin: Origin) -> str:
    """Return the id of the test run that the event itself names, before its request's."""
    run = draft.context["run"]
    return run[:MAX_RUN_LENGTH] if type(run) is str and run else origin.run


_EMPTY: dict[str, Any] = {}
_new_row = tuple.__new__  # what Row itself calls, at half the cost on the busiest line


def _results(drafts: list[Draft]) -> dict[str, dict[str, str]]:
    """Name what was rejected: by its messageId, or where there is none by its index."""
    results = {}
    for index, draft in enumerate(drafts):
        if draft.rejection is not None:
            message_id = draft.item.get("messageId") if isinstance(draft.item, dict) else None
            label = message_id if type(message_id) is str and message_id else str(index)
            results[label] = draft.rejection.as_result()
    return results
