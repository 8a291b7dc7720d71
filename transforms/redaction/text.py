"""Replaces what is personal in one text; a text without it comes back as it was."""

import re
from collections import Counter
from urllib.parse import quote, unquote

from funnelhouse.transforms.privacy import hash_personal
from funnelhouse.transforms.redaction.names import WRITE_KEY
from funnelhouse.transforms.redaction.patterns import NOWHERE, Found, Where, find
from funnelhouse.transforms.redaction.screen import screen

_RUN = re.compile(r"[^\s&=?#;,\"'<>(){}|\\]++")
_DEEPEST = 3
_SHORTEST = 5  # a@b.c


class Redactor:
    """Replaces by hashes of one key, and counts what it replaced by kind."""

    def __init__(self, secret: bytes, *, patterns: bool = True) -> None:
        self.counts: Counter[str] = Counter()
        self.patterns = patterns
        self._secret = secret

    def hashed(self, value: object, kind: str) -> str:
        """Give the hash of a value, and count it."""
        self.counts[kind] += 1
        return hash_personal(value, self._secret)

    def text(self, text: str, where: Where = NOWHERE) -> str:
        """Replace what looks personal in a text, percent-encoded parts of it too."""
        if not self.patterns or len(text) < _SHORTEST:
            return text
        # Where the field's name or a cut end says more than the text, the screen knows too little.
        if where.cut or "card" in where.name or "카드" in where.name or screen().holds(text):
            return self._text(text, where, 0)
        return text

    def _text(self, text: str, where: Where, depth: int) -> str:
        found = find(text, where)
        if found:
            pieces, end = [], 0
            for one in found:
                pieces += [text[end : one.start], self._instead(one)]
                end = one.end
            text = "".join((*pieces, text[end:]))
        if "%" not in text or depth == _DEEPEST:
            return text
        return _RUN.sub(lambda match: self._decoded(match[0], where, depth), text)

    def _instead(self, found: Found) -> str:
        if found.kind != WRITE_KEY:
            return self.hashed(found.spelling, found.kind)
        self.counts[WRITE_KEY] += 1
        return ""

    def _decoded(self, encoded: str, where: Where, depth: int) -> str:
        if "%" not in encoded:
            return encoded
        plain = unquote(encoded, errors="surrogateescape")
        kept = self._text(plain, where, depth + 1)
        return encoded if kept == plain else quote(kept, safe=":/@+", errors="surrogateescape")
