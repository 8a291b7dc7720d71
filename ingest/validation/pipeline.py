"""From decoded calls to spool rows: an ordered line of steps, the first rejection stops an event.

A rejected event becomes a row too, with its reason; the sender is told, and nothing is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from funnelhouse.ingest.log.receipt import RECEIPT_STEP, ReceiptClock
from funnelhouse.ingest.log.row import MAX_RUN_LENGTH, Row, received_at
from funnelhouse.ingest.validation.event import Envelope, Origin, RawEvent
from funnelhouse.ingest.validation.pending_event import PendingEvent, Rules
from funnelhouse.ingest.validation.redaction import RedactionPass, without_write_key
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.ingest.validation.rejection import Reason, Rejection
from funnelhouse.ingest.validation.steps import resolve_schema, validate
from funnelhouse.ingest.validation.stored_text import as_utf8, start_of
from funnelhouse.transforms.clock import parse_time
from funnelhouse.transforms.identity import event_id
from funnelhouse.transforms.privacy import mask_ip


class ValidatedBatch(msgspec.Struct, frozen=True, gc=False):
    """Rows for the spool in order of receipt, and the answer's entry of each rejected event."""

    rows: list[Row]
    results: dict[str, dict[str, str]]
    rejected: int
    redactions: Mapping[str, int] = {}
    """How much personal data was replaced, by kind."""


@dataclass(frozen=True)
class Pipeline:
    """Judges events by `rules`; `clock` numbers them in order of receipt."""

    rules: Rules
    clock: ReceiptClock = field(default_factory=ReceiptClock)

    def admit(self, envelope: Envelope, origin: Origin) -> ValidatedBatch:
        """Judge the events of one request; each ends as exactly one row."""
        arrival = self.clock.reserve(len(envelope.events))
        sent_at = parse_time(envelope.sent_at)
        drafts: list[PendingEvent] = []
        # A batch has its key beside its events, a single call among its fields.
        key = envelope.write_key if len(envelope.events) == 1 else ""
        for event in envelope.events:
            text = without_write_key(event.text, key) if key else event.text
            drafts.append(PendingEvent(event.item, text, arrival, sent_at, received_at(arrival)))
            arrival += RECEIPT_STEP
        rejected = validate(drafts, self.rules)
        rules = self.rules
        texts = [draft.text for draft in drafts]
        if not (rejected or any(map(_is_marked, drafts)) or rules.redaction.may_hold(texts)):
            return ValidatedBatch([_row(draft, origin, rules) for draft in drafts], {}, 0)
        redacting = rules.redaction.begin()
        rows = [_row_of_one(draft, origin, rules, redacting) for draft in drafts]
        results = _results(drafts, rules) if rejected else {}
        return ValidatedBatch(rows, results, rejected, redacting.counts)

    def refuse(self, refusal: Refusal, body: bytes, origin: Origin) -> ValidatedBatch:
        """Keep a body that could not be taken as one rejected row, cut to the size of an event."""
        rules = self.rules
        redacting = rules.redaction.begin()
        body_kept = redacting.body(body, rules.limits.max_event_bytes)
        event = refusal.event or RawEvent(None, body_kept)
        arrival = self.clock.reserve(1)
        draft = PendingEvent(event.item, event.text, arrival, None, received_at(arrival))
        draft.rejection = Rejection(_reason(refusal), "$", refusal.detail)
        resolve_schema(draft, rules)
        if refusal.event:
            row = row_of(draft, origin, rules, redacting)
        else:
            row = _row(draft, origin, rules)
        return ValidatedBatch([row], {}, 1, redacting.counts)


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


def row_of(draft: PendingEvent, origin: Origin, rules: Rules, redacting: RedactionPass) -> Row:
    """Write down one judged event without what is personal in it."""
    row = _row(draft, origin, rules)
    schema = draft.schema
    if schema is None and draft.sent_name:
        schema = rules.plan.find(draft.sent_name, None)
    limit, refused = rules.limits.max_event_bytes, draft.rejection is not None
    text = redacting.event(draft.text, schema, draft.type, limit, refused=refused)
    column = redacting.column
    sent_id = draft.item.get("messageId") if isinstance(draft.item, dict) else None
    kept_id = redacting.id(sent_id)
    return row._replace(
        payload=as_utf8(text) if draft.rejection else text,
        event_id=row.event_id if kept_id == sent_id else event_id(kept_id, origin.source),
        event_name=row.event_name if draft.schema else column(row.event_name),
        sent_name=column(row.sent_name),
        path=column(row.path),
        detail=column(row.detail),
        run=column(_run(draft, origin))[:MAX_RUN_LENGTH],
    )


def _row_of_one(draft: PendingEvent, origin: Origin, rules: Rules, redacting: RedactionPass) -> Row:
    """Write down one of several events: only some of them may hold what is personal."""
    refused = draft.rejection is not None
    if refused or _is_marked(draft) or rules.redaction.may_hold((draft.text,)):
        return row_of(draft, origin, rules, redacting)
    return _row(draft, origin, rules)


def _is_marked(draft: PendingEvent) -> bool:
    """Whether the plan marks fields of an event."""
    schema = draft.schema
    return schema is not None and bool(schema.personal)


def _row(draft: PendingEvent, origin: Origin, rules: Rules) -> Row:
    """Write down one judged event as it was sent."""
    rejection = draft.rejection
    reason, path, detail = rejection or ("", "", "")
    item = draft.item if isinstance(draft.item, dict) else _EMPTY
    payload = draft.text
    if rejection is not None:
        payload = start_of(payload, rules.limits.max_event_bytes)
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
        _run(draft, origin)[:MAX_RUN_LENGTH] if "run" in context else run,
    )
    return _new_row(Row, values)


def _address(draft: PendingEvent, origin: Origin, rules: Rules) -> str:
    """Return the visitor's address that a server passes on, in place of the server's own."""
    address = draft.context["ip"]
    if type(address) is not str:
        return origin.ip
    return mask_ip(address) if rules.mask_ip else address


def _run(draft: PendingEvent, origin: Origin) -> str:
    """Return the id of the test run that the event itself names, before its request's."""
    run = draft.context.get("run")
    return run if type(run) is str and run else origin.run


_EMPTY: dict[str, Any] = {}
_new_row = tuple.__new__  # what Row itself calls, at half the cost on the busiest line


def _results(drafts: list[PendingEvent], rules: Rules) -> dict[str, dict[str, str]]:
    """Name what was rejected: by its messageId, or where there is none by its index."""
    redacting = rules.redaction.begin()
    results = {}
    for index, draft in enumerate(drafts):
        if draft.rejection is not None:
            message_id = draft.item.get("messageId") if isinstance(draft.item, dict) else None
            label = message_id if type(message_id) is str and message_id else str(index)
            result = draft.rejection.as_result()
            results[str(redacting.id(label))] = {
                name: redacting.column(text) for name, text in result.items()
            }
    return results
