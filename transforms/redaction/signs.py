"""Signs of personal data as patterns of bytes, each wider than what it stands for.

What is written out is what a scan looks for first; classes of characters alone make it slow.
"""

import re
from collections.abc import Iterable, Iterator
from unicodedata import normalize
from urllib.parse import quote

from funnelhouse.transforms.redaction.names import PARAMETERS, PEOPLE, SPOKEN_WORDS

_GAP = rb"[-. )(_/+~]"
_NO_HEX = rb"[^0-9a-f]"  # before and behind: so that parts of UUIDs are no numbers
_AREAS = (
    *(b"2", b"70", b"80", b"50"),
    *(b"%d%d" % (tens, ones) for tens in range(3, 7) for ones in range(1, 6)),
    *(b"50%d" % digit for digit in range(2, 9)),
)
# A digit or a sign that is written out is what the scan looks for first: classes are dear.
_NUMBERS = (
    *(
        _NO_HEX + rb"01%d" % digit + _GAP + rb"{0,3}[0-9]{3,4}" + _GAP + rb"{0,3}[0-9]{4}"
        for digit in (0, 1, 6, 7, 8, 9)
    ),
    *(
        _NO_HEX + rb"0" + area + _GAP + rb"{1,3}[0-9]{3,4}" + _GAP + rb"{1,3}[0-9]{4}"
        for area in _AREAS
    ),
    rb"(?:\+|%2B)[1-9][-0-9 ()./]{8}",
    rb"82[-. )(0]{1,6}[1-8][0-9]{0,2}[-. ]{1,3}[0-9]{3}",
    _NO_HEX + rb"8210[0-9]{8}",
    rb"\([2-9][0-9]{2}\) ?[0-9]{3}[- ][0-9]{4}",
    _NO_HEX + rb"[0-9]{6}-[1-8][0-9]{6}" + _NO_HEX,
    _NO_HEX + rb"[0-9]{6} [1-8][0-9]{6}" + _NO_HEX,
    _NO_HEX + rb"[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]",
    _NO_HEX + rb"[0-9]{4} [0-9]{4} [0-9]{4} [0-9]",
    _NO_HEX + rb"[0-9]{4}\.[0-9]{4}\.[0-9]{4}\.[0-9]",
    _NO_HEX + rb"[0-9]{4}-[0-9]{6}-[0-9]{5}",
    _NO_HEX + rb"[0-9]{4} [0-9]{6} [0-9]{5}",
)
_SIGNS = (
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


def signs() -> list[bytes]:
    """List all patterns."""
    return [*_NUMBERS, *_SIGNS, *_of_names()]


_BEFORE = rb"(?:[^0-9a-z]|%[0-9a-f]{2}|\\[nrt]|\\u[0-9a-f]{4})"
_BEHIND = rb"(?: {0,2}[\"'=:\\]|%)"


def _of_names() -> Iterator[bytes]:
    """List names of fields where one can be, those that end alike together."""
    endings: dict[str, list[bytes]] = {}
    for *words, last in (names for names in sorted(SPOKEN_WORDS) if "".join(names).isascii()):
        start = b"".join(re.escape(word).encode() + rb"[-_ .]?" for word in words)
        endings.setdefault(last, []).append(start)
    for last, starts in endings.items():
        yield _BEFORE + rb"(?:" + b"|".join(starts) + rb")" + re.escape(last).encode() + _BEHIND
    korean = ["".join(names) for names in SPOKEN_WORDS if not "".join(names).isascii()]
    for name in sorted(korean):
        if not any(other in name for other in korean if other != name):
            yield from _spellings(name)
    yield rb"(?:" + _any(PEOPLE) + rb")[^0-9a-z]{0,4}:\s*[\[{]"
    yield rb"[?&;#/](?:" + _any(PARAMETERS) + rb")(?:=|%3D)"


def _spellings(name: str) -> Iterator[bytes]:
    yield re.escape(name).encode()
    yield re.escape(normalize("NFD", name)).encode()
    yield re.escape(quote(name)).encode()
    yield b"".join(rb"\\u%04x" % ord(character) for character in name)


def _any(names: Iterable[str]) -> bytes:
    return "|".join(re.sub("[-_.]", "[-_.]?", name) for name in sorted(names)).encode()
