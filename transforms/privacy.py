"""Owns what is hidden before anything is stored: addresses masked, personal fields hashed."""

import hmac
import json
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from operator import is_
from typing import Any

from funnelhouse.transforms.redaction.numbers import phone, plain

_PREFIX = "hmac-sha256:"
_HASHED = re.compile(_PREFIX + "[0-9a-f]{64}")
_IPV4_HIDDEN_BITS = 8
_IPV6_HIDDEN_BITS = 128 - 48
_LONGEST_ADDRESS = 64
_LONGEST_PHONE = 40


def mask_ip(ip: str) -> str:
    """The address with IPv4's last octet, or all past IPv6's /48, set to zero; "" for nonsense.

    An IPv6 address that carries an IPv4 one in its first 48 bits or as its mapped form is masked
    as that IPv4 address, for its /48 would show the whole of it.
    """
    return _masked(ip) if len(ip) <= _LONGEST_ADDRESS else ""


@lru_cache(maxsize=4_096)
def _masked(ip: str) -> str:
    try:
        address = ip_address(ip.strip())
    except ValueError:
        return ""
    if not isinstance(address, IPv4Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if embedded is None:
            return str(type(address)(int(address) >> _IPV6_HIDDEN_BITS << _IPV6_HIDDEN_BITS))
        address = embedded
    return str(IPv4Address(int(address) >> _IPV4_HIDDEN_BITS << _IPV4_HIDDEN_BITS))


def hash_personal(value: object, secret: bytes) -> str:
    """`hmac-sha256:` and 64 hexadecimal digits: HMAC-SHA-256 (RFC 2104) of the canonical text.

    Canonical text: trimmed and in Unicode form NFC, so that a name typed on any keyboard is one
    name; in small letters where it holds an @, since no mail service of note tells A@x from a@x;
    a phone number as `transforms.redaction.numbers.phone` writes it, so +82 10 is 010. Other JSON
    is written with sorted keys and no blanks. What is hashed already stays.
    """
    if isinstance(value, str) and is_hashed(value):
        return value
    text = _canonical(value).encode("utf-8", "surrogatepass")
    return _PREFIX + hmac.digest(secret, text, "sha256").hex()


def is_hashed(value: object) -> bool:
    """Whether the value has exactly the form that `hash_personal` gives."""
    return isinstance(value, str) and _HASHED.fullmatch(value) is not None


def hide(
    properties: dict[str, Any], paths: Sequence[tuple[str, ...]], secret: bytes
) -> dict[str, Any]:
    """The properties with the value at each path hashed; the input stays unchanged.

    A path is a tuple of keys; "*" stands for every element of an array, and an array where none
    was foreseen is entered too, so that a wrong shape shows nothing. Null and blank text stay, so
    that missing does not become one much-shared person. Only what lies on a path is copied, the
    rest is shared with the input.
    """
    hidden = properties
    for path in paths:
        hidden = _hidden(hidden, path, secret)
    return dict(properties) if hidden is properties else hidden


def _hidden(value: Any, path: tuple[str, ...], secret: bytes) -> Any:
    if not path:
        return value if _is_missing(value) else hash_personal(value, secret)
    key, rest = path[0], path[1:]
    if isinstance(value, list):
        inner = rest if key == "*" else path
        elements = [_hidden(element, inner, secret) for element in value]
        return value if all(map(is_, elements, value)) else elements
    if isinstance(value, dict) and key in value:
        element = _hidden(value[key], rest, secret)
        return value if element is value[key] else {**value, key: element}
    return value


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _canonical(value: object) -> str:
    if isinstance(value, str):
        text = unicodedata.normalize("NFC", value.strip())
        if "@" in text or "\uff20" in text:
            return plain(text).lower()
        number = phone(text) if len(text) <= _LONGEST_PHONE else None
        return number or text
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    except (RecursionError, TypeError, ValueError):
        # No JSON a parser of ours hands on; hidden all the same, since leaving it would show it.
        return type(value).__name__
