"""By which names a request may ask for this process: its own addresses, and names of a setting.

A page whose name its owner points at this machine (DNS rebinding) counts as a page of ours to the
browser. It cannot do so by an address, so only names are restricted.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address

_LOOPBACK_NAME = "localhost"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)
_MOST_CHARACTERS = 253


def host_names(listed: str) -> frozenset[str]:
    """Read names that are separated by commas, as browsers send them.

    Raises:
        ValueError: one of them is no host name.
    """
    return frozenset(_read_name(name.strip()) for name in listed.split(",") if name.strip())


def is_known_host(host: str, names: Collection[str]) -> bool:
    """Say whether a Host header (RFC 9110 section 7.2) names this machine; its port may be any.

    Known are addresses, localhost and `names`, without regard to case or one dot at the end.
    """
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match[1].removesuffix(".")
    return name == _LOOPBACK_NAME or name in names or _is_address(name)


def _read_name(name: str) -> str:
    try:
        sent = name.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        sent = ""
    if not _NAME.fullmatch(sent) or len(sent) > _MOST_CHARACTERS:
        raise ValueError(
            f"`{name}` is no host name; write names such as console.example.com, without http://"
            " and port, separated by commas"
        )
    return sent


def _is_address(name: str) -> bool:
    try:
        # Brackets belong to IPv6 alone, and IPv6 needs them.
        return (ip_address(name.strip("[]")).version == 6) == name.startswith("[")  # noqa: PLR2004 - IP's own number
    except ValueError:
        return False
