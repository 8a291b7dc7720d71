"""Personal fields leave the event here: what reaches the spool holds only their keyed hashes."""

from collections.abc import Sequence
from typing import Any

from ingest.judgement import Draft, Rules
from ingest.protocols.segment import replace
from transforms.privacy import hide

_TRAITS_CALLS = frozenset({"identify", "group"})


def without_personal(draft: Draft, rules: Rules) -> bytes:
    """Return the event's text with the fields hashed that its schema marks `x-personal`.

    Trackers repeat a person's traits in the context of every call: those are judged as traits of
    `identified`. Text without personal fields comes back exactly as it was sent.
    """
    changes = {}
    schema = draft.schema
    if schema is not None and schema.personal and draft.properties:
        field = "traits" if draft.type in _TRAITS_CALLS else "properties"
        sent = draft.item.get(field)
        if type(sent) is dict:
            hidden = hide(sent, schema.personal, rules.secret)
            if _differ(hidden, sent, schema.personal):
                changes[field] = hidden
    traits = draft.context.get("traits")
    if traits and type(traits) is dict:
        identified = rules.plan.find("identified", None)
        paths = identified.personal if identified else ()
        hidden = hide(traits, paths, rules.secret)
        if _differ(hidden, traits, paths):
            changes["context"] = {**draft.context, "traits": hidden}
    return replace(draft.text, **changes) if changes else draft.text


def _differ(hidden: dict[str, Any], sent: dict[str, Any], paths: Sequence[tuple[str, ...]]) -> bool:
    """Say whether hashing changed anything: by identity, since deep nesting defeats comparison."""
    return any(hidden.get(path[0]) is not sent.get(path[0]) for path in paths)
