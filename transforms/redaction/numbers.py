"""Numbers of people: which phone, resident and card numbers there are, and their one spelling."""

import re
import unicodedata
from datetime import date

_LETTERS_OF_A_PHONE = re.compile(
    r"[0-9+][0-9 ().+_/~-]{6,30}[0-9]|\([0-9][0-9 ().+_/~-]{6,30}[0-9]"
)
_MOBILE_ABROAD = re.compile(r"(?:00)?820?(?=1[016789])")
_SHORTEST = 8
_LONGEST = 15  # ITU-T E.164


def plain(text: str) -> str:
    """Write full-width letters and digits, odd hyphens and blanks the usual way."""
    text = unicodedata.normalize("NFKC", text)
    kept = (c for c in text if unicodedata.category(c) != "Cf")
    return "".join(_usual(c) for c in kept).strip()


def _usual(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Pd" or character == "\u2212":
        return "-"
    if kind == "Zs":
        return " "
    return str(unicodedata.decimal(character)) if kind == "Nd" else character


def phone(text: str) -> str | None:
    """Give a phone number's digits, those of Korea with their 0 and no +82; None for others."""
    text = plain(text)
    if not _LETTERS_OF_A_PHONE.fullmatch(text):
        return None
    digits = "".join(filter(str.isdigit, text))
    if text.startswith("+") or digits.startswith("0082"):
        digits = digits.removeprefix("00")
        own = digits.startswith("82")
        digits = "0" + digits[2:].removeprefix("0") if own else "+" + digits
    elif abroad := _MOBILE_ABROAD.match(digits):
        digits = "0" + digits[abroad.end() :]
    elif not digits.startswith("0") and not text.startswith("("):
        return None
    return digits if _SHORTEST <= len(digits.removeprefix("+")) <= _LONGEST else None


_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_NO_CHECKSUM_SINCE = date(2020, 10, 1)
_ELDEST = 100


def is_resident_number(digits: str, today: date) -> bool:
    """Whether 13 digits are a Korean resident or foreigner's registration number.

    The date of birth must be one. The checksum must hold where the date alone says little: where
    it makes somebody of more than a hundred years or a child, as an order's number may do. Numbers
    given since October 2020 have no checksum (Ministry of the Interior and Safety).
    """
    century = {"1": 1900, "2": 1900, "5": 1900, "6": 1900}.get(digits[6], 2000)
    try:
        born = date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return False
    if digits[6] in "09" or born > today:
        return False
    grown = _CHILD < today.year - born.year < _ELDEST
    return grown or born >= _NO_CHECKSUM_SINCE or has_resident_checksum(digits)


_CHILD = 12


def has_resident_checksum(digits: str) -> bool:
    """Whether the last of 13 digits follows from the others; a foreigner's is two higher."""
    total = sum(w * int(d) for w, d in zip(_WEIGHTS, digits[:12], strict=True))
    last = (11 - total % 11) % 10
    return int(digits[12]) in (last, (last + 2) % 10 if digits[6] in "5678" else last)


_CARD = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|35[0-9]{14}"
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12}|62[0-9]{14,17}|9[0-9]{15}"
)


def is_card_number(digits: str) -> bool:
    """Whether digits have a card scheme's prefix and length and pass Luhn (ISO/IEC 7812-1)."""
    if not _CARD.fullmatch(digits):
        return False
    doubled = (int(d) * 2 for d in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(d - 9 * (d > 9) for d in doubled)) % 10 == 0  # noqa: PLR2004 - the sum of two digits
