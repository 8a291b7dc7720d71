"""Personal data leaves events, refused bodies and the facts of requests here, before the spool.

Owns which fields the plan marks, and the masking of addresses that servers pass on; what else looks
personal is the business of `funnelhouse.transforms.redaction`.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Any

from funnelhouse.ingest.log.row import MAX_RUN_LENGTH
from funnelhouse.ingest.validation.event import Origin, properties_field
from funnelhouse.schemas.registry import EventSchema, Plan
from funnelhouse.transforms.redaction.body import readable_text
from funnelhouse.transforms.redaction.document import PLAIN, DocumentRedactor, Marks, marks_of
from funnelhouse.transforms.redaction.names import folded
from funnelhouse.transforms.redaction.patterns import NOWHERE, Where
from funnelhouse.transforms.redaction.screen import screen

_OWN = frozenset({"name", "category"})
"""Fields of a page call itself that stand among its properties."""
_REMEMBERED = 4_096


class Redaction:
    """Replaces what the plan marks, by any spelling of its names, and what looks personal.

    Without `patterns` the plan's marks alone count.
    """

    def __init__(
        self, plan: Plan, secret: bytes, *, patterns: bool = True, mask_ip: bool = True
    ) -> None:
        identified = plan.find("identified", None)
        self._new_redactor = partial(
            DocumentRedactor,
            secret,
            patterns=patterns,
            mask_ip=mask_ip,
            traits=marks_of(identified.personal if identified else ()),
            marked=frozenset(_marked_names(plan)),
        )
        self._screen = screen()
        self._marks: dict[tuple[str, str, str], Marks] = {}
        self._fact = lru_cache(maxsize=_REMEMBERED)(self._redacted_fact)

    def may_hold(self, texts: Sequence[bytes]) -> bool:
        """Whether any of these JSON texts may hold something to replace; hardly any does."""
        return self._screen.hits(texts[0] if len(texts) == 1 else b"\n".join(texts))

    def begin(self) -> "RedactionPass":
        """Begin to redact what came in one request, in whichever thread."""
        return RedactionPass(self._new_redactor(), self._marks)

    def origin(self, origin: Origin) -> Origin:
        """Return the facts of a request without what is personal."""
        return origin._replace(
            user_agent=self._fact(origin.user_agent),
            page=self._fact(origin.page),
            run=self._fact(origin.run)[:MAX_RUN_LENGTH],
        )

    def _redacted_fact(self, text: str) -> str:
        return self.begin().column(text, cut=len(text) >= _CUT_AT) if text else text


class RedactionPass:
    """Redacts the parts of one request; `counts` says how much of each kind it replaced."""

    def __init__(
        self, redactor: DocumentRedactor, marks: dict[tuple[str, str, str], Marks]
    ) -> None:
        self._redactor = redactor
        self._marks = marks

    @property
    def counts(self) -> Mapping[str, int]:
        """What was replaced, by kind."""
        return self._redactor.counts

    def event(
        self, text: bytes, schema: EventSchema | None, call: str, most_bytes: int, *, refused: bool
    ) -> bytes:
        """Return an event's text without what is personal, one that is too long cut first.

        `schema` is that of its name, if the plan knows one, `call` its kind in the tracking API. Of
        a refused one less is kept: it may be anything.
        """
        marks = self._marks_of(schema, call) if schema is not None else {}
        self._redactor.foreign = refused
        if len(text) > most_bytes:
            return self._document(text[:most_bytes], marks)[:most_bytes]
        return self._document(text, marks)

    def body(self, body: bytes, most_bytes: int) -> bytes:
        """Return what is kept of a body that nobody could read: its start, nothing personal."""
        text = readable_text(body, most_bytes)
        return self._redactor.body(text).encode("utf-8", "surrogatepass")[:most_bytes]

    def id(self, value: object) -> object:
        """Return an id; an e-mail address or phone number in it is replaced."""
        return self._redactor.text(value, _IDS) if type(value) is str else value

    def column(self, text: str, *, cut: bool = False) -> str:
        """Return a text of a column without what is personal; `cut` says that its end is not."""
        return self._redactor.text(text, _CUT if cut else NOWHERE)

    def _document(self, text: bytes, marks: Marks) -> bytes:
        sent = text.decode("utf-8", "surrogateescape")
        kept = self._redactor.document(sent, marks)
        return text if kept is sent else kept.encode("utf-8", "surrogateescape")

    def _marks_of(self, schema: EventSchema, call: str) -> Marks:
        key = (schema.name, schema.version, call)
        if key not in self._marks:
            self._marks[key] = _marks(schema, call)
        return self._marks[key]


def without_write_key(text: bytes, key: str) -> bytes:
    """Return a call's text without its write key, if that stands there as clients write it.

    In any other spelling it is what `Redaction` finds and cuts out.
    """
    before, member, behind = text.rpartition(_member(key))
    return before + behind if member else text


@cache
def _member(key: str) -> bytes:
    """Write a key as one of several members; only those of our sources are asked for."""
    return b'"writeKey":"%b",' % key.encode("utf-8", "surrogatepass")


_IDS = Where(ids=True)
_CUT = Where(cut=True)
_CUT_AT = 1_024
"""Headers are cut at this length: what stands at the end of one may be half an address."""


def _marks(schema: EventSchema, call: str) -> Marks:
    described = schema.document.get("properties", {})
    properties: dict[str, Any] = {folded(name): {PLAIN: {}} for name in described}
    marked = marks_of(schema.personal)
    properties.update(marked)
    own = {name: marked[name] for name in _OWN & marked.keys()}
    return {properties_field(call): properties, **own}


def _marked_names(plan: Plan) -> Iterable[str]:
    for versions in plan.events.values():
        for schema in versions.values():
            for path in schema.personal:
                yield folded([key for key in path if key != "*"][-1])
