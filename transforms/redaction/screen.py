"""Says at the speed of a scan whether a text can hold anything that a redactor would replace.

Hardly any event does. Every pattern here is wider than what it stands for.
"""

import re
import threading
from collections.abc import Iterable
from functools import cache
from unicodedata import normalize
from urllib.parse import quote

import hyperscan

from funnelhouse.transforms.redaction.names import PARAMETERS, PEOPLE, SPOKEN_WORDS

_GAP = rb"[-. )(_/+~]"
_END = rb"(?:[^0-9a-f-]|-[^0-9a-f])"
_SIGNS = (
    rb"@",
    rb"%(?:25){0,3}40",
    rb"&(?:#0{0,4}64|#x0{0,4}40|commat);",
    rb"\xEF\xBC[\x90-\x99\xA0]",  # full-width digits, and @
    rb"\xEF\xB9\xAB",
    rb"[\xD9\xDB][\xA0-\xB9][\xD9\xDB][\xA0-\xB9]",  # digits of Arabic
    rb"\\u00[2-7][0-9a-f]",  # an escaped character that needs no escape
    rb"\\uff[0-9a-f]{2}",
    rb"\\ufe6b",
    rb"[0-9]\\(?:u(?:00a0|00ad|00b7|20|22|30|fe|ff)|t)",
    rb"[0-9](?:\xC2[\xA0\xAD\xB7]|\xE2[\x80\x81\x88\x8B]|\xE3\x80[\x80\x82]|\xEF[\xB9\xBB\xBD])",
    rb"[^0-9a-f](?:0|82"
    + _GAP
    + rb"{0,6})1[016789]"
    + _GAP
    + rb"{0,3}[0-9]{3,4}"
    + _GAP
    + rb"{0,3}[0-9]{4}",
    rb"[^0-9a-f]0[2-8][0-9]?" + _GAP + rb"{1,3}[0-9]{3,4}" + _GAP + rb"{1,3}[0-9]{4}" + _END,
    rb"[^0-9a-f]82"
    + _GAP
    + rb"{0,6}[2-8][0-9]?"
    + _GAP
    + rb"{1,3}[0-9]{3,4}"
    + _GAP
    + rb"{1,3}[0-9]{4}"
    + _END,
    rb"(?:\+|%2B)[1-9](?:[-. ()/]{0,3}[0-9]){8}",
    rb"\([2-9][0-9]{2}\) ?[0-9]{3}[- ][0-9]{4}",
    rb"[^0-9a-f][0-9]{6}[- ]{1,3}[1-8][0-9]{6}[^0-9a-f]",
    rb"[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{1,7}[^0-9a-f]",
    rb"[0-9] [0-9]{4} [0-9]{4} [0-9]",
    rb"[0-9]\.[0-9]{4}\.[0-9]{4}\.[0-9]",
    rb"3[0-9]{3}[- .][0-9]{6}[- .][0-9]{4}",
    rb"[0-9]%(?:25)?(?:20|2D|2B|28|29|C2|E2|E3|EF)",
    rb"%3[0-9]%3[0-9]%3[0-9]",
    rb"card[^{}]{0,40}[0-9]{13}",
    "카드".encode(),
    "주민".encode(),
    rb"(?:eyJ|eyA|ewo|ewk|ew0K|W3s|WyJ|Wwo)[0-9a-z_/+-]{12}",
    rb"(?:sk|pk|rk|live|test)_(?:live|test|sk|ck|gsk|gck)_[0-9a-z]{8}",
    rb"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12}",
    rb"AIza[0-9a-z_-]{30}|ya29\.|gh[pousr]_[0-9a-z]{20}|github_pat_|glpat-|xox[a-z]-|xapp-",
    rb"npm_[0-9a-z]{30}|pypi-[0-9a-z_-]{30}|SG\.[0-9a-z_-]{16}|whsec_|[^0-9a-z]sk-[0-9a-z_-]{20}|hf_[0-9a-z]{30}",
    rb"services/T[0-9a-z]{6,16}/B",
    rb"PRIVATE KEY-----",
    rb"(?:bearer|basic|digest|token)(?:[ +]|%20){1,4}[0-9a-z._~+/=-]{8}",
    rb"write[-_ .]?key",
    rb'"(?:traits|ip)\\?"\s*:',
    rb"/v1/projects/",
    rb"(?:change|submit|focus)_form",
)


class Screen:
    """Looks for what a redactor replaces, and for fields of these names, each a tuple of words."""

    def __init__(self, names: Iterable[tuple[str, ...]] = ()) -> None:
        self._database = _database(frozenset(names) | SPOKEN_WORDS)
        self._of_thread = threading.local()

    def hits(self, data: bytes) -> bool:
        """Whether the data may hold something; False means that a redactor leaves it alone."""
        try:
            scratch = self._of_thread.scratch
        except AttributeError:
            scratch = self._of_thread.scratch = hyperscan.Scratch(self._database)
        try:
            self._database.scan(data, match_event_handler=_stop, scratch=scratch)
        except hyperscan.ScanTerminated:
            return True
        return False


def _stop(*_found: object) -> bool:
    return True


@cache
def _database(names: frozenset[tuple[str, ...]]) -> hyperscan.Database:
    patterns = [*_SIGNS, *_of_names(sorted(names))]
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL
    database.compile(
        expressions=patterns,
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[flags] * len(patterns),
    )
    return database


def _of_names(names: list[tuple[str, ...]]) -> Iterable[bytes]:
    for words in names:
        if all(map(str.isascii, words)):
            name = rb"[-_ .]?".join(re.escape(word).encode() for word in words)
            yield name + rb" {0,2}(?:\\?[\"'=:]|%3D)"
        else:
            yield from _spellings("".join(words))
    people = _any(PEOPLE)
    yield rb"(?:" + people + rb")[^0-9a-z]{0,4}:\s*[\[{]"
    yield rb"[?&;#/](?:" + _any(PARAMETERS) + rb")(?:=|%3D)"


def _spellings(name: str) -> Iterable[bytes]:
    for form in ("NFC", "NFD"):
        text = normalize(form, name)
        yield re.escape(text).encode()
        yield re.escape(quote(text)).encode()
        yield b"".join(rb"\\u%04x" % ord(character) for character in text)


def _any(names: Iterable[str]) -> bytes:
    return "|".join(re.sub("[-_.]", "[-_.]?", name) for name in sorted(names)).encode()
