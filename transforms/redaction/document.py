"""Replaces what is personal in a JSON text, whole or broken, and leaves every other byte alone.

The text is read token by token and never decoded as a whole: duplicate fields, NaN, a missing end
and unknown shapes are all the same to it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from funnelhouse.transforms.privacy import mask_ip
from funnelhouse.transforms.redaction.names import (
    API_FIELDS,
    IDS,
    LABELS,
    OF_PEOPLE,
    OF_THINGS,
    SPOKEN,
    TEXTS,
    VALUES,
    WRITE_KEY,
    folded,
    label,
)
from funnelhouse.transforms.redaction.patterns import HASHED, Where
from funnelhouse.transforms.redaction.raw import values_of
from funnelhouse.transforms.redaction.text import Redactor

Marks = Mapping[str, Any]
"""Folded names of fields, nested as the fields are; MARKED in one says that it is personal."""

MARKED = "*"
PLAIN = "-"
"""In the marks of a field that its schema describes and does not mark: its name tells nothing."""


def marks_of(paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """Nest the paths of marked fields; "*", an item of an array, is no step: arrays are entered."""
    marks: dict[str, Any] = {}
    for path in paths:
        at = marks
        for key in path:
            if key != "*":
                at = at.setdefault(folded(key), {})
        at[MARKED] = {}
    return marks


_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)
_BEFORE_VALUE = re.compile(r"\s*+:")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_NAMED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DEEPEST = 3
_LONGEST_KEY = 256


@dataclass(slots=True)
class _Frame:
    """An object or array that is being read."""

    marks: Marks | None
    is_object: bool
    name: str = ""
    """Of an object the folded key whose value is next, of an array that of its field."""
    parent: str = ""
    personal: bool = False
    """Every scalar in it is hashed."""
    labelled: bool = False
    values: list[int] = field(default_factory=list)
    """Where in the output texts stand whose name may come later."""
    owner: "_Frame | None" = None
    foreign: bool = False
    """It belongs to no field of the tracking API."""


class _Reading:
    """One pass over a text; `depth` counts the texts inside texts."""

    def __init__(self, redactor: "DocumentRedactor", text: str, marks: Marks, depth: int) -> None:
        self._redactor = redactor
        self._text = text
        self._depth = depth
        self._out: list[str] = []
        self._frames = [_Frame(marks, is_object=False)]
        self._end = 0
        self.changed = False

    def run(self) -> str:
        position, text = 0, self._text
        while match := _TOKEN.search(text, position):
            token, position = match[0], match.end()
            self._out.append(text[self._end : match.start()])
            self._end = position
            first = token[0]
            if first == '"' and _BEFORE_VALUE.match(text, position):
                position = self._key(token, position)
            elif first in "{[":
                position = self._open(first, match.start(), position)
            elif first in "}]":
                self._close(token)
            elif first in ":,":
                self._out.append(token)
            else:
                self._value(token)
        self._out.append(text[self._end :])
        return "".join(self._out)

    def _key(self, token: str, position: int) -> int:
        frame = self._frames[-1]
        key = _decoded(token)
        frame.name = folded(key) if len(key) <= _LONGEST_KEY else ""
        if self._redactor.foreign and len(self._frames) == _TOP:
            frame.foreign = frame.name not in API_FIELDS
        if frame.name == WRITE_KEY:
            return self._cut(position)
        kept = self._redactor.text(key)
        self._put(token if kept == key else _encoded(kept), token)
        return position

    def _cut(self, position: int) -> int:
        """Leave a member out, with the comma before or behind it."""
        self._redactor.counts[WRITE_KEY] += 1
        self.changed = True
        colon = _BEFORE_VALUE.match(self._text, position)
        end = self._end_of_value(colon.end() if colon else position)
        comma = _COMMA.match(self._text, end)
        if comma is not None:
            end = comma.end()
        else:
            while self._out and self._out[-1].strip() in ("", ","):
                if self._out.pop().strip():
                    break
        self._end = end
        return end

    def _end_of_value(self, position: int) -> int:
        depth = 0
        while match := _TOKEN.search(self._text, position):
            if match[0][0] in "{[":
                depth += 1
            elif match[0][0] in "}]":
                if not depth:
                    return position
                depth -= 1
            elif match[0] == "," and not depth:
                return match.start()
            position = match.end()
            if not depth:
                return position
        return len(self._text)

    def _open(self, first: str, start: int, position: int) -> int:
        frame = self._frames[-1]
        name = frame.name
        inner = self._inner(frame)
        personal = self._is_personal(frame, inner)
        if personal and first == "{":
            return self._whole(start)
        self._out.append(first)
        if first == "{":
            owner = frame if frame.is_object and name in VALUES else frame.owner
            self._frames.append(
                _Frame(inner, is_object=True, parent=name, owner=owner, foreign=frame.foreign)
            )
        else:
            array = _Frame(
                inner,
                is_object=False,
                name=name,
                parent=frame.parent,
                personal=personal,
                owner=frame if frame.is_object and name in VALUES else frame.owner,
                foreign=frame.foreign,
            )
            self._frames.append(array)
        return position

    def _inner(self, frame: _Frame) -> Marks | None:
        """Find the marks that hold inside the value that comes next."""
        if not frame.is_object:
            return frame.marks
        inner = frame.marks.get(frame.name) if frame.marks and frame.name else None
        return self._redactor.traits if inner is None and frame.name == "traits" else inner

    def _is_personal(self, frame: _Frame, inner: Marks | None) -> bool:
        """Whether the value that comes next is, by the plan or by its name."""
        if frame.personal or not frame.is_object:
            return frame.personal
        if inner is not None and (MARKED in inner or PLAIN in inner):
            return MARKED in inner
        return (self._redactor.patterns or self._redactor.strict) and self._is_spoken(frame)

    def _is_spoken(self, frame: _Frame) -> bool:
        name = frame.name
        if self._redactor.strict and name in self._redactor.marked:
            return name != "name" or frame.parent not in OF_THINGS
        if name in SPOKEN or (frame.labelled and name in VALUES):
            return True
        if name == "name" and frame.parent in OF_PEOPLE:
            return True
        if frame.foreign and name in TEXTS:
            return True
        return name == "value" and self._redactor.of_forms

    def _whole(self, start: int) -> int:
        """Hash an object as a whole."""
        end = self._end_of_value(start)
        text = self._text[start:end]
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = text
        self._put(json.dumps(self._redactor.hashed(value, "field")), text)
        self._end = end
        return end

    def _close(self, token: str) -> None:
        self._out.append(token)
        if len(self._frames) > 1:
            frame = self._frames.pop()
            if frame.labelled:
                self._hash_values(frame)

    def _hash_values(self, frame: _Frame) -> None:
        for at in frame.values:
            if '"hmac-sha256:' not in self._out[at]:
                self._out[at] = self._hashed(self._out[at])
                self.changed = True

    def _value(self, token: str) -> None:
        frame = self._frames[-1]
        inner = self._inner(frame)
        if frame.name == "ip" and frame.parent == "context" and self._redactor.mask_ip:
            self._put(_masked(token), token)
        elif self._is_personal(frame, inner):
            by_plan = inner is not None and MARKED in inner
            self._put(self._hashed(token, by_plan=by_plan), token)
        elif token[0] == '"':
            self._string(token, frame, inner)
        else:
            self._put(self._bare(token, frame), token)

    def _hashed(self, token: str, *, by_plan: bool = False) -> str:
        if token[0] != '"':
            if token == _NULL or not (by_plan or len(token) >= _SHORTEST_NUMBER):
                return token
            return json.dumps(self._redactor.hashed(token, "field"))
        text = _decoded(token)
        if not text.strip() or HASHED.fullmatch(text):
            return token
        return json.dumps(self._redactor.hashed(text, "field"))

    def _string(self, token: str, frame: _Frame, inner: Marks | None) -> None:
        text = _decoded(token)
        name = frame.name
        if frame.is_object and name in LABELS and self._redactor.patterns:
            frame.labelled = frame.labelled or self._names_something(text)
        cut = self._end == len(self._text) and not (len(token) > 1 and token[-1] == '"')
        where = Where(name, ids=name in IDS, cut=cut)
        kept = self._redactor.inside(text, where, inner, self._depth)
        if frame.foreign and not _OF_MACHINES.fullmatch(kept) and not _is_json(kept):
            kept = self._redactor.hashed(text, "text") if kept.strip() else kept
        owner = frame if frame.is_object and name in VALUES else frame.owner
        if owner is not None:
            owner.values.append(len(self._out))
        self._put(token if kept == text else _encoded(kept), token)

    def _names_something(self, text: str) -> bool:
        if len(text) > _LONGEST_KEY:
            return False
        name = label(text)
        return name in SPOKEN or MARKED in self._redactor.traits.get(name, ())

    def _bare(self, token: str, frame: _Frame) -> str:
        if len(token) < _SHORTEST_NUMBER or token[0] in "-." or token.endswith(_HASH):
            return token
        if token.isdigit() and "card" not in frame.name and "카드" not in frame.name:
            return token
        kept = self._redactor.text(token, Where(frame.name, cut=self._end == len(self._text)))
        return token if kept == token else json.dumps(kept)

    def _put(self, kept: str, sent: str) -> None:
        self._out.append(kept)
        self.changed = self.changed or kept is not sent


_NULL = "null"
_HASH = "hmac-sha256"  # the digits follow behind a colon
_TOP = 2  # the text itself, and its object
_OF_MACHINES = re.compile(r"[!-~]{0,512}")
"""Ids, words of a closed set, times and addresses; sentences and names have blanks or letters."""
_COMMA = re.compile(r"\s*+,")
_SHORTEST_NUMBER = 6


class DocumentRedactor(Redactor):
    """A redactor of JSON texts.

    While it is `foreign`, sentences and names are hashed in what is no field of the tracking API.
    `traits` are the marks of a person's traits, wherever these stand; `marked` are the folded names
    of all fields that the plan marks, which count anywhere while it is `strict`. `of_forms` is set
    while a text tells of a form: every `value` in it may be what somebody wrote there.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        patterns: bool = True,
        mask_ip: bool = False,
        traits: Marks | None = None,
        marked: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(secret, patterns=patterns)
        self.mask_ip = mask_ip
        self.marked = marked
        self.strict = False
        self.foreign = False
        self.traits: Marks = traits or {}
        self.of_forms = False

    def document(self, text: str, marks: Marks) -> str:
        """Replace what is personal in a JSON text whose root has these marks."""
        self.of_forms = _FORM.search(text) is not None
        reading = _Reading(self, text, marks, 0)
        kept = reading.run()
        return kept if reading.changed else text

    def body(self, text: str) -> str:
        """Replace what is personal in a text of any kind: JSON or not, whole or broken."""
        if text.lstrip()[:1] not in ("{", "[", '"'):
            text = self._raw(text)
        self.strict = self.foreign = True
        try:
            kept = self.document(text, {})
        finally:
            self.strict = self.foreign = False
        return kept if _is_json(kept) else self._raw(kept)

    def _raw(self, text: str) -> str:
        """Replace what is personal in a text that is no JSON, outside of strings too."""
        text = self.text(text, Where(cut=True))
        pieces, end = [], 0
        for start, stop in sorted(values_of(text, self._is_name)):
            value = text[start:stop]
            if start >= end and "hmac-sha256:" not in value:
                pieces += [text[end:start], self.hashed(value.strip(), "field")]
                end = stop
        return "".join((*pieces, text[end:]))

    def _is_name(self, name: str) -> bool:
        name = folded(name)
        return name in self.marked or name in SPOKEN

    def inside(self, text: str, where: Where, marks: Marks | None, depth: int) -> str:
        """Replace what is personal in a text, which may be a JSON text itself."""
        if depth < _DEEPEST and '"' in text and text.lstrip()[:1] in ("{", "["):
            reading = _Reading(self, text, marks or {}, depth + 1)
            kept = reading.run()
            return kept if reading.changed else text
        return self.text(text, where)

    def _text(self, text: str, where: Where, depth: int) -> str:
        if depth and '"' in text and text.lstrip()[:1] in ("{", "["):
            return self.inside(text, where, None, depth)
        return super()._text(text, where, depth)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


_FORM = re.compile(r"(?:change|submit|focus)_form")
"""Snowplow's schemas of forms."""


def _masked(token: str) -> str:
    if token[0] != '"':
        return token
    kept = mask_ip(address := _decoded(token))
    return token if kept == address else _encoded(kept)


def _decoded(token: str) -> str:
    """Read a string's token, also one that is cut or has wrong escapes."""
    text = token[1:-1] if len(token) > 1 and token[-1] == '"' else token[1:]
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(_unescaped, text)
    try:  # pairs of surrogates are one character
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return text


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _NAMED.get(escape[2], escape[2])


def _encoded(text: str) -> str:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)
