"""Personal fields leave the event here: what reaches the spool holds their hashes at most."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import orjson

from ingest.draft import Draft, Rules
from ingest.judgement import properties_field, recognise
from ingest.protocols.segment import as_text, replace
from transforms.privacy import hide, mask_ip

_Paths = Sequence[tuple[str, ...]]


def without_personal(draft: Draft, rules: Rules) -> bytes:
    """Return the event's text, addresses masked and fields hashed that its schema marks personal.

    Trackers repeat a person's traits in the context of every call: those are judged as traits of
    `identified`, as are traits of calls that should have none. Text without personal fields comes
    back exactly as it was sent.
    """
    item = draft.item
    if not isinstance(item, dict):
        return draft.text
    hidden = _with_masked_address(item, rules)
    paths = list(_personal_paths(draft, rules))
    if paths:
        hidden = hide(hidden, paths, rules.secret)
    if hidden is item:
        return draft.text
    changes = {field: value for field, value in hidden.items() if value is not item[field]}
    if not changes:
        return draft.text
    try:
        return replace(draft.text, **changes)
    except msgspec.DecodeError:  # it holds a value that strict readers refuse
        return as_text(hidden)


def nothing_personal(draft: Draft) -> bool:
    """Settle the ordinary case of an accepted event: nothing in its schema or context to hide."""
    schema, context = draft.schema, draft.context
    return (
        schema is not None
        and not schema.personal
        and "traits" not in context
        and "ip" not in context
        and "traits" not in draft.item
    )


def body_without_personal(body: bytes, rules: Rules) -> bytes:
    """Return a refused body with the personal fields hashed of the calls that can be read in it."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    items = document.get("batch") if type(document) is dict else None
    if type(items) is not list:
        return _call_without_personal(document, body, rules)
    texts = list(map(as_text, items))
    kept = [_call_without_personal(*call, rules) for call in zip(items, texts, strict=True)]
    return body if kept == texts else b'{"batch":[' + b",".join(kept) + b"]}"


def _call_without_personal(item: Any, text: bytes, rules: Rules) -> bytes:
    draft = Draft(item, text, 0, None, 0)
    recognise(draft, rules)
    return without_personal(draft, rules)


def _with_masked_address(item: dict[str, Any], rules: Rules) -> dict[str, Any]:
    """Mask the address that servers pass on in the context of a visitor's call."""
    context: Any = item.get("context")
    address = context.get("ip") if rules.mask_ip and type(context) is dict else None
    if type(address) is not str:
        return item
    return {**item, "context": {**context, "ip": mask_ip(address)}}


def _personal_paths(draft: Draft, rules: Rules) -> Iterator[tuple[str, ...]]:
    item, field = draft.item, properties_field(draft.type)
    schema = draft.schema or (rules.plan.find(draft.sent_name, None) if draft.sent_name else None)
    if schema is not None and schema.personal:
        yield from _under((field,), schema.personal)
        yield from (path for path in schema.personal if path[0] in _OWN)
    if "traits" in item and field != "traits":
        yield from _under(("traits",), _traits_paths(rules))
    context = item.get("context")
    if context and (type(context) is not dict or "traits" in context):
        yield from _under(("context", "traits"), _traits_paths(rules))


_OWN = frozenset({"name", "category"})
"""Fields of a page call itself that stand among its properties."""


def _traits_paths(rules: Rules) -> _Paths:
    identified = rules.plan.find("identified", None)
    return identified.personal if identified else ()


def _under(root: tuple[str, ...], paths: _Paths) -> Iterator[tuple[str, ...]]:
    return (root + path for path in paths)
