"""Write keys: what the setting says of each, which pages may use it, and how much it may send.

Write keys are public, every page shows its own, so they are looked up without constant-time care.
"""

import binascii
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A key, the source its events belong to, and the origins allowed (none named: any)."""

    key: str
    source: str
    server: bool = False
    origins: tuple[str, ...] = ()


_NAME = r"[A-Za-z0-9._-]{1,64}"
_ENTRY = re.compile(rf"({_NAME}):({_NAME})(:server)?")
_SUB_DOMAINS = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_ORIGIN = re.compile(
    r"null|[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*)(:[0-9]{1,5})?"
)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}  # browsers leave these out of Origin


def parse_write_keys(setting: str) -> dict[str, WriteKey]:
    """Read `key:source[:server][@origin|origin…],…` into write keys by key.

    Raises:
        ValueError: one sentence that names the entry that is wrong and says the mend.
    """
    keys: dict[str, WriteKey] = {}
    servers: dict[str, bool] = {}
    for entry in setting.split(","):
        write_key = _parse_entry(entry.strip())
        if write_key.key in keys:
            raise ValueError(
                f"Write key {write_key.key!r} is listed twice; keep one of the entries."
            )
        if servers.setdefault(write_key.source, write_key.server) != write_key.server:
            raise ValueError(
                f"Source {write_key.source!r} is both browser and server at {entry.strip()!r}; "
                "give the server a source of its own."
            )
        keys[write_key.key] = write_key
    return keys


def _parse_entry(entry: str) -> WriteKey:
    names, at, origins = entry.partition("@")
    match = _ENTRY.fullmatch(names)
    if not match:
        raise ValueError(
            f"Write key entry {entry!r} is not understood; write key:source or key:source:server "
            "with names of at most 64 letters, digits, '.', '_' and '-'."
        )
    key, source, server = match.groups()
    listed = origins.split("|") if at else ()
    return WriteKey(key, source, bool(server), tuple(_parse_origin(o, entry) for o in listed))


def _parse_origin(origin: str, entry: str) -> str:
    origin = origin.strip().lower()
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(
            f"Origin {origin!r} of write key entry {entry!r} is not understood; write "
            "scheme://host[:port] and no path, such as https://shop.example or "
            "https://*.shop.example, or no origin at all to allow any."
        )
    return origin.removesuffix(_DEFAULT_PORT.get(origin.partition(":")[0], ""))


def origin_allowed(key: WriteKey, origin: str) -> bool:
    """Whether a request that bears this Origin header (RFC 6454 section 7) may use the key.

    Scheme, host and port are compared exactly; `*.` stands for one or more sub-domain labels.
    """
    if not key.origins:
        return True
    origin = origin.lower()
    return origin in key.origins or any(
        _is_sub_domain(origin, pattern) for pattern in key.origins if "*" in pattern
    )


def _is_sub_domain(origin: str, pattern: str) -> bool:
    start, _, end = pattern.partition("*")
    if not origin.startswith(start) or not origin.endswith(end):
        return False
    return _SUB_DOMAINS.fullmatch(origin, len(start), len(origin) - len(end)) is not None


def key_from_basic(authorization: bytes) -> str:
    """User name of an `Authorization: Basic` header (RFC 7617), "" when there is none to read."""
    scheme, _, credentials = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        user = binascii.a2b_base64(credentials + b"==").partition(b":")[0]
        return user.decode()
    except ValueError:
        return ""


def key_in(body: bytes) -> str:
    """Find the first write key in a body of no readable JSON or another shape; "" for none."""
    found = _KEY_IN_BODY.search(body)
    return found[1].decode() if found else ""


_KEY_IN_BODY = re.compile(rb'"writeKey"\s*:\s*"(%b)"' % _NAME.encode())
