"""Owns the id of an event: 16 bytes, the same for every retry of the same message."""

import os
from binascii import unhexlify

from xxhash import xxh3_128_intdigest

_ID_BYTES = 16
_HEX_DIGITS = 32
_HYPHENATED = 36
# Bits of the 128-bit number: the version in the high half of byte 6, the variant 10 atop byte 8.
_FREE = ~(0xF << 76 | 0b11 << 62)
_VERSION_4 = 4 << 76 | 0b10 << 62
_VERSION_8 = 8 << 76 | 0b10 << 62


def event_id(message_id: object, source: str) -> bytes:
    """The 16 bytes of the event's UUID.

    UUID text (8-4-4-4-12 or 32 hexadecimal digits, any case) is taken as it is. Any other text,
    or a number by its text, becomes a version 8 UUID (RFC 9562, 5.8): XXH3-128 over source, NUL
    and id in UTF-8, with the version and variant bits set. Nothing, blank text and other JSON
    become a random version 4 UUID, which a retry does not repeat.

    The hash keeps ids apart, and from nobody: whoever may send an event may name any UUID for it.
    """
    if isinstance(message_id, str):
        return _from_uuid_text(message_id) or _from_text(message_id, source)
    if isinstance(message_id, int | float) and not isinstance(message_id, bool):
        return _from_text(_number_text(message_id), source)
    return _random()


def _from_uuid_text(text: str) -> bytes | None:
    # unhexlify, unlike bytes.fromhex and uuid.UUID, takes neither blanks nor stray hyphens.
    if len(text) == _HYPHENATED and text[8:24:5] == "----":
        text = text.replace("-", "")
    if len(text) != _HEX_DIGITS:
        return None
    try:
        return unhexlify(text)
    except ValueError:
        return None


def _from_text(text: str, source: str) -> bytes:
    if not text or text.isspace():
        return _random()
    named = f"{source}\0{text}".encode("utf-8", "surrogatepass")
    return _stamped(xxh3_128_intdigest(named), _VERSION_8)


def _number_text(number: float) -> str:
    try:
        return str(number)
    except ValueError:  # Python writes no more than 4,300 decimal digits.
        return hex(int(number))


def _random() -> bytes:
    return _stamped(int.from_bytes(os.urandom(_ID_BYTES)), _VERSION_4)


def _stamped(number: int, version: int) -> bytes:
    return (number & _FREE | version).to_bytes(_ID_BYTES)
