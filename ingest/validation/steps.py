"""The steps that an event passes, in order; each returns None, or what stops the event there."""

from collections.abc import Sequence
from typing import Any

from funnelhouse.ingest.validation.event import CALLS, NAMES, Odd, properties_field
from funnelhouse.ingest.validation.limits import json_path, too_deep, too_long
from funnelhouse.ingest.validation.pending_event import PendingEvent, Rules
from funnelhouse.ingest.validation.rejection import Reason, Rejection
from funnelhouse.schemas.registry import EventSchema
from funnelhouse.transforms.clock import correct, parse_time

_NAMED_CALLS = frozenset({"page", "screen"})


def readable(draft: PendingEvent, rules: Rules) -> Rejection | None:
    """Size, depth and lengths stay within the limits, and the event is a JSON object."""
    text, limits = draft.text, rules.limits
    if len(text) > limits.max_event_bytes:
        return Rejection(
            Reason.TOO_LARGE,
            "$",
            f"The event has {len(text)} bytes, at most {limits.max_event_bytes} are taken;"
            " send less in it.",
        )
    if type(draft.item) is not dict:
        return draft.item.rejection if isinstance(draft.item, Odd) else _NO_OBJECT
    if too_deep(text, draft.item, limits.max_depth):
        detail = f"The event nests deeper than {limits.max_depth} levels; flatten it."
        return Rejection(Reason.TOO_DEEP, "$", detail)
    if len(text) <= limits.max_string_length:
        return None
    long_at = too_long(text, draft.item, limits.max_string_length)
    if long_at is not None:
        detail = f"A text is longer than {limits.max_string_length} characters; shorten it."
        return Rejection(Reason.TOO_LONG, long_at, detail)
    return None


_NO_OBJECT = Rejection(
    Reason.UNREADABLE_EVENT,
    "$",
    "The event is not a JSON object of Unicode text and finite numbers; mend the sender.",
)


def shaped(draft: PendingEvent, _rules: Rules) -> Rejection | None:
    """The call is one of the six, and its fields have the types of the tracking API."""
    item = draft.item
    call = item.get("type")
    if call not in CALLS:
        detail = f"`type` must be one of {', '.join(CALLS)}."
        return Rejection(Reason.UNKNOWN_TYPE, "$.type", detail)
    draft.type = call
    field = properties_field(call)
    properties = item.get(field)
    context = item.get("context")
    if properties is not None:
        if type(properties) is not dict:
            return _invalid(field, "an object")
        draft.properties = properties
    if context is not None:
        if type(context) is not dict:
            return _invalid("context", "an object")
        draft.context = context
    if call in _NAMED_CALLS:
        draft.properties = named(item, draft.properties)
    return None


def named(item: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """Return a page call's properties with its name and category, which properties may override."""
    own = {key: item[key] for key in ("name", "category") if item.get(key) is not None}
    return {**own, **properties} if own else properties


def known(draft: PendingEvent, rules: Rules) -> Rejection | None:
    """The tracking plan has the event, in the version asked for."""
    sent = NAMES.get(draft.type) or draft.item.get("event")
    if type(sent) is not str or not sent.strip():
        detail = "A track call needs the event's name in `event`."
        return Rejection(Reason.MISSING_NAME, "$.event", detail)
    draft.sent_name = sent
    version = draft.context.get("schema_version")
    schema = rules.plan.find(sent, version if type(version) is str else None)
    if schema is not None:
        draft.schema = schema
        draft.name = schema.name
        return None
    draft.name = sent
    if rules.plan.has(sent):
        detail = "The plan has no such version of the event; send one of its versions, or none."
        return Rejection(Reason.UNKNOWN_VERSION, "$.context.schema_version", detail)
    if rules.accept_unknown:
        return None
    detail = "The plan has no event of that name; correct the name or add the event to the plan."
    return Rejection(Reason.UNKNOWN_EVENT, "$.event", detail)


def identified(draft: PendingEvent, _rules: Rules) -> Rejection | None:
    """Someone did it: a user id or an anonymous id is there, as text or number."""
    found = False
    for field in ("userId", "anonymousId"):
        value = draft.item.get(field)
        if value is None or value == "":
            continue
        if type(value) is not str and not _is_id(value):
            return _invalid(field, "text, or a number within 64 bits")
        found = True
    message_id = draft.item.get("messageId")
    if type(message_id) is float and not _is_id(message_id):
        return _invalid("messageId", "text, or a number within 64 bits")
    if found or (draft.schema is not None and not draft.schema.identity_required):
        return None
    detail = "The event needs a userId or an anonymousId."
    return Rejection(Reason.MISSING_IDENTITY, "$", detail)


def _is_id(value: object) -> bool:
    """Whether a value is a number that stands for itself alone: larger ones lose their digits."""
    return type(value) is int or (type(value) is float and abs(value) < _WHOLE_IN_FLOAT)


_WHOLE_IN_FLOAT = 2**53


def timely(draft: PendingEvent, rules: Rules) -> Rejection | None:
    """The event's time, set right for the client's clock, can be read and is within the limits."""
    item, limits = draft.item, rules.limits
    sent = item.get("timestamp")
    if sent is None:
        sent = item.get("originalTimestamp")
    time = None
    if sent is not None:
        time = parse_time(sent)
        if time is None:
            return _invalid("timestamp", "an ISO 8601 time or an epoch number")
    own_sent_at = item.get("sentAt")
    if own_sent_at is not None:
        draft.sent_at = parse_time(own_sent_at)
    received = draft.event_time
    draft.event_time = correct(time, draft.sent_at, received)
    age_ms = (received - draft.event_time) // 1000
    if -age_ms > limits.max_future_ms:
        detail = (
            f"The event lies {-age_ms} ms in the future; set the sender's clock, or send sentAt."
        )
        return Rejection(Reason.FROM_FUTURE, "$.timestamp", detail)
    if limits.max_age_ms and age_ms > limits.max_age_ms:
        detail = f"The event is {age_ms} ms old; the oldest taken is {limits.max_age_ms} ms."
        return Rejection(Reason.TOO_OLD, "$.timestamp", detail)
    return None


def valid(draft: PendingEvent, _rules: Rules) -> Rejection | None:
    """The properties hold to the event's schema."""
    schema = draft.schema
    if schema is None or schema.validator.is_valid(draft.properties):
        return None
    return _schema_fault(schema, draft)


_STEPS = (readable, shaped, known, identified, timely, valid)


def validate(drafts: Sequence[PendingEvent], rules: Rules) -> int:
    """Send events down the steps; the first rejection ends an event's way. Return how many fell."""
    standing = drafts
    # All events take a step before any takes the next: the processor then has its code at hand.
    for step in _STEPS:
        fell = False
        for draft in standing:
            rejection = step(draft, rules)
            if rejection is not None:
                draft.rejection = rejection
                resolve_schema(draft, rules)
                fell = True
        if fell:
            standing = [draft for draft in standing if draft.rejection is None]
    return len(drafts) - len(standing)


def resolve_schema(draft: PendingEvent, rules: Rules) -> None:
    """Learn what can be learnt of a rejected event: its call, its name, and so what is personal."""
    if draft.schema is None and isinstance(draft.item, dict):
        shaped(draft, rules)
        known(draft, rules)


def _schema_fault(schema: EventSchema, draft: PendingEvent) -> Rejection | None:
    """Name the first fault that a schema finds; its message shows no value: it may be personal."""
    fault = next(iter(schema.validator.iter_errors(draft.properties)), None)
    if fault is None:
        return None
    steps = fault.instance_path
    root = [] if _is_own(draft, steps) else [properties_field(draft.type)]
    return Rejection(Reason.SCHEMA, json_path([*root, *steps]), fault.message[:_MAX_DETAIL])


def _is_own(draft: PendingEvent, steps: Sequence[str | int]) -> bool:
    """Whether a value is a page call's own name or category, which stands outside properties."""
    sent = draft.item.get("properties") or ()
    return draft.type in _NAMED_CALLS and steps[:1] in _OWN and steps[0] not in sent


_OWN = (["name"], ["category"])
_MAX_DETAIL = 500


def _invalid(field: str, wanted: str) -> Rejection:
    return Rejection(Reason.INVALID_FIELD, f"$.{field}", f"`{field}` must be {wanted}.")
