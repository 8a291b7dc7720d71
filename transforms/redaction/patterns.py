"""Finds in a text what looks like a person's address or number, or like a key that lets one in.

Every pattern is bounded, so that the time for a text grows with its length alone.
"""

import re
import sys
import unicodedata
from base64 import b64decode
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote

from funnelhouse.transforms.redaction.names import IN_QUERIES, SPOKEN, WRITE_KEY, folded
from funnelhouse.transforms.redaction.numbers import (
    is_card_number,
    is_resident_number,
    phone,
    plain,
)


class Found(NamedTuple):
    """A span of a text, what it is, and the one spelling of it that is hashed."""

    start: int
    end: int
    kind: str
    spelling: str


HASHED = re.compile(r"hmac-sha256:[0-9a-f]{64}")

# One character for one, so that spans are those of the text itself.
_USUAL: dict[int, int | str] = {
    **{0xFF01 + n: 0x21 + n for n in range(94)},
    **{
        point: str(unicodedata.decimal(chr(point)))
        for point in range(0x660, sys.maxunicode)
        if unicodedata.category(chr(point)) == "Nd"
    },
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE58, 0xFE63), "-"),
    **dict.fromkeys((0xA0, 0x3000, *range(0x2000, 0x200B), 0x202F, 0x205F, 9, 10, 13), " "),
    **dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), "_"),
    **dict.fromkeys((0xB7, 0x2022, 0x2027, 0x22C5, 0x30FB, 0xFF65, 0x3002), "."),
    0xFE6B: "@",
}

_AT = re.compile(r"@|&#0{0,4}64;|&#[xX]0{0,4}40;|&commat;")
_BEFORE = re.compile(r"[A-Za-z0-9._+~^`'!$*-]{1,64}|[\w.+~-]{1,64}|\"[^\"@\n]{1,64}\"")
_BEHIND = re.compile(
    r"(?:[A-Za-z0-9_-]{1,63}\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})(?![A-Za-z0-9])"
    r"|(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"
    r"|\[[0-9A-Fa-f:.]{3,45}\]"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z.-])"
)
_NO_HOST = re.compile(r"v?[0-9]+\.[0-9]+[.-](?![0-9.]+\Z)|[0-9]x\.[a-z]{3,4}\Z")
"""A version or a picture's scale behind an @, as in `pkg@1.2.3-rc.one` and `logo@2x.png`."""

_GAP = r"[-. )(_/+~]"
_ALONE = r"(?<![0-9A-Za-z])(?<![0-9][-.])"
_ABROAD = rf"(?:\+|00)82{_GAP}{{0,3}}(?:\(0\){_GAP}?|0)?"
_PHONE = re.compile(
    r"(?<![0-9A-Fa-f])"
    rf"(?:(?:{_ABROAD}|82{_GAP}{{1,3}}0?|\(?0)1[016789]"
    rf"{_GAP}{{0,3}}[0-9]{{3,4}}{_GAP}{{0,3}}[0-9]{{4}}"
    rf"|(?:{_ABROAD}|\(?0)(?:2|[3-6][1-5]|70|50[2-8]?|80)"
    rf"{_GAP}{{1,3}}[0-9]{{3,4}}{_GAP}{{1,3}}[0-9]{{4}}"
    r"|\+[1-9](?:[-. ()/]{0,3}[0-9]){8,14}"
    r"|\([2-9][0-9]{2}\) ?[0-9]{3}[- ][0-9]{4}"
    r"|8210[0-9]{8})"
    r"(?![0-9])"
)
_NO_GAPS = re.compile(r"(?:010|8210)[0-9]{8}")
_RESIDENT = re.compile(_ALONE + r"([0-9]{6})[ -]{1,3}([1-8][0-9]{6})(?![0-9A-Za-z]|-[0-9])")
_CARD = re.compile(
    _ALONE
    + r"(?:[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|3[0-9]{3}([ .-])[0-9]{6}\2[0-9]{4,5})"
    + r"(?![0-9A-Za-z]|-[0-9])"
)
_BARE = re.compile(r"(?<![0-9A-Za-z.-])[0-9]{9,19}(?![0-9A-Za-z]|[.-][0-9])")
_WORD_OF_CARD = re.compile(r"(?:카드|card)\D{0,20}\Z", re.IGNORECASE)
_WORD_OF_RESIDENT = re.compile(r"주민\D{0,20}\Z")

_TOKEN = re.compile(
    r"\b(?:eyJ|eyA|ewo|ewk|ew0K|W3s|WyJ|Wwo)[A-Za-z0-9_/+-]{12,8192}={0,2}(?:\.[A-Za-z0-9_-]{0,8192}){0,4}"
    r"|\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,256}|\b(?:live|test)_(?:sk|ck|gsk|gck)_[A-Za-z0-9]{8,256}"
    r"|\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,20}\b|\bAIza[A-Za-z0-9_-]{30,50}|\bya29\.[A-Za-z0-9_-]{10,512}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_[A-Za-z0-9_]{20,255}|\bglpat-[A-Za-z0-9_-]{16,128}"
    r"|\bxox[a-z]-[A-Za-z0-9-]{8,255}|\bxapp-[A-Za-z0-9-]{8,255}|\bnpm_[A-Za-z0-9]{30,64}"
    r"|\bpypi-[A-Za-z0-9_-]{30,512}|\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"
    r"|\bwhsec_[A-Za-z0-9+/=]{8,256}|\bsk-[A-Za-z0-9_-]{20,256}|\bhf_[A-Za-z0-9]{30,64}"
    r"|\bservices/T[A-Z0-9]{6,16}/B[A-Z0-9]{6,16}/[A-Za-z0-9]{12,64}"
    r"|-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]{0,8192}"
    r"(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?"
)
_SCHEME = re.compile(
    r"\b(bearer|basic|digest|token)[ +]{1,4}([A-Za-z0-9._~+/=-]{8,8192})", re.IGNORECASE
)
_USER_OF_ADDRESS = re.compile(r"://([^/?#\s@]{1,256})@")
_SETTINGS = re.compile(r"/v1/projects/([^/\s?#]{1,64})/settings")
_PAIR = re.compile(
    r"(?<![^\s?&;#\"',({\[|/])([^\s=?&;#\"'<>{}()\[\],:|/]{1,64})(?:=|%3[Dd])([^\s&#\"'<>;,|]{1,8192})"
)
_SAID = re.compile(
    r"(?<![A-Za-z])(?:password|passwd|pwd|비밀번호|암호)[\"']?\s{0,3}[:=]\s{0,3}[\"']?([^\s\"',;&]{1,200})",
    re.IGNORECASE,
)
_CUT = re.compile(r"[^\s\"'<>,;|]{1,256}\Z")
_CUT_NUMBER = re.compile(r"[+(]?[0-9][0-9 ().+_-]{4,24}\Z")


class Where(NamedTuple):
    """Where a text stands: the folded name of its field, and whether its end was cut off."""

    name: str = ""
    ids: bool = False
    cut: bool = False


NOWHERE = Where()


def find(text: str, where: Where = NOWHERE) -> list[Found]:
    """Find what is to be replaced in a text, in order and without overlaps.

    In an id only e-mail addresses and phone numbers are looked for. Digits without anything
    between them are a card's or a resident's number only where the field or the words before say.
    """
    usual = text.translate(_USUAL)
    finders = (_hashed, _mails, _phones) if where.ids else _ALL
    found: list[Found] = []
    for finder in finders:
        for one in finder(usual, where):
            at = bisect(found, one)
            if _is_free(one, found[max(at - 1, 0) : at + 1]):
                found.insert(at, one)
    return [one for one in found if one.kind]


def _is_free(one: Found, neighbours: list[Found]) -> bool:
    """Whether a match overlaps neither of those before and behind it; a text may hold thousands."""
    return all(one.end <= other.start or one.start >= other.end for other in neighbours)


def _hashed(text: str, _where: Where) -> Iterator[Found]:
    if "hmac-sha256:" in text:
        for match in HASHED.finditer(text):
            yield Found(*match.span(), "", "")


def _tokens(text: str, _where: Where) -> Iterator[Found]:
    for match in _TOKEN.finditer(text):
        yield Found(*match.span(), "token", match[0])
    for match in _SCHEME.finditer(text):
        if _is_credential(match[1].lower(), match[2]):
            yield Found(*match.span(2), "token", match[2])
    for match in _SETTINGS.finditer(text):
        yield Found(*match.span(1), WRITE_KEY, "")
    if "://" in text and "@" in text:
        for match in _USER_OF_ADDRESS.finditer(text):
            yield Found(*match.span(1), "token", match[1])


def _is_credential(scheme: str, text: str) -> bool:
    if scheme != "basic":
        return any(map(str.isdigit, text)) or len(text) >= _LONG_TOKEN
    try:
        return b":" in b64decode(text + "=" * (-len(text) % 4), altchars=b"-_")
    except ValueError:
        return False


_LONG_TOKEN = 32


def _pairs(text: str, _where: Where) -> Iterator[Found]:
    if "=" in text or "%3" in text:
        pairs = [(match, folded(unquote(match[1]))) for match in _PAIR.finditer(text)]
        of_form = any(name in _OF_FORM for _, name in pairs)
        for match, name in pairs:
            secret = name in IN_QUERIES and _opens(text, match, name)
            if name == WRITE_KEY:
                yield Found(*match.span(2), WRITE_KEY, "")
            elif secret or name in SPOKEN or (of_form and name == "name"):
                kind = "token" if secret else "name"
                yield Found(*match.span(2), kind, unquote(match[2].replace("+", " ")))
    for match in _SAID.finditer(text):
        yield Found(*match.span(1), "token", match[1])


_OF_FORM = frozenset(map(folded, ("email", "mail", "phone", "tel", "mobile", "birth", "birthday")))


def _opens(text: str, match: re.Match[str], name: str) -> bool:
    """Whether a parameter stands in an address, and what is no word alone in it."""
    before = text[match.start() - 1] if match.start() else ""
    return before in "?&;#/" and before != "" and (name != "code" or _is_one_time(match[2]))


def _is_one_time(code: str) -> bool:
    """Whether a code may be that of a login: a word alone is a voucher, unless it is long."""
    return len(code) >= (_LONG_CODE if code.isalpha() else _SHORT_CODE)


_SHORT_CODE = 6
_LONG_CODE = 16


def _mails(text: str, where: Where) -> Iterator[Found]:
    end = 0
    for at in _AT.finditer(text):
        before = _BEFORE.match(text[max(end, at.start() - 66) : at.start()][::-1])
        behind = _BEHIND.match(text, at.end())
        if before is None or behind is None or _NO_HOST.match(behind[0]):
            continue
        name = before[0][::-1].lstrip(".*!`^~$'-_+")
        if not name:
            continue
        start, end = at.start() - len(name), behind.end()
        yield Found(start, end, "email", plain(f"{name}@{behind[0]}"))
    if where.cut:
        match = _CUT.search(text, max(end, len(text) - 256))
        if match is not None and _AT.search(match[0]) and any(map(str.isalpha, match[0])):
            yield Found(*match.span(), "email", match[0])


def _residents(text: str, _where: Where) -> Iterator[Found]:
    today = datetime.now(UTC).date()
    for match in _RESIDENT.finditer(text):
        digits = match[1] + match[2]
        if is_resident_number(digits, today):
            yield Found(*match.span(), "resident_number", digits)
    for match in _BARE.finditer(text):
        if len(match[0]) == _RESIDENT_DIGITS and _WORD_OF_RESIDENT.search(
            text, max(0, match.start() - 30), match.start()
        ):
            yield Found(*match.span(), "resident_number", match[0])


_RESIDENT_DIGITS = 13


def _cards(text: str, where: Where) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        digits = "".join(filter(str.isdigit, match[0]))
        if is_card_number(digits):
            yield Found(*match.span(), "card", digits)
    named = "card" in where.name or "카드" in where.name
    for match in _BARE.finditer(text):
        told = named or _WORD_OF_CARD.search(text, max(0, match.start() - 30), match.start())
        if told and is_card_number(match[0]):
            yield Found(*match.span(), "card", match[0])


def _phones(text: str, where: Where) -> Iterator[Found]:
    for match in _PHONE.finditer(text):
        number = phone(match[0])
        if number is not None and (not match[0].isdigit() or _stands_alone(text, match)):
            if number.startswith("+") and match[0][1:].isdigit() and len(number) <= _SHORT_ABROAD:
                continue
            yield Found(*match.span(), "phone", number)
    if where.cut and (last := _CUT_NUMBER.search(text, max(0, len(text) - 26))):
        yield Found(*last.span(), "phone", plain(last[0]))


def _stands_alone(text: str, digits: re.Match[str]) -> bool:
    """Whether digits without a gap are a mobile number by themselves, no part of an id."""
    start, end = digits.span()
    return (
        _NO_GAPS.fullmatch(digits[0]) is not None
        and not (text[start - 1 : start].isalnum() and text[start - 1 : start].isascii())
        and not (text[end : end + 1].isalnum() and text[end : end + 1].isascii())
        and not _IN_A_NUMBER.match(text[max(0, start - 2) : start][::-1])
        and not _IN_A_NUMBER.match(text[end : end + 2])
    )


_IN_A_NUMBER = re.compile(r"[-.][0-9]")


_SHORT_ABROAD = 10
"""A plus and nine digits without a gap are as likely a signed number."""

_ALL = (_hashed, _tokens, _pairs, _mails, _residents, _cards, _phones)
