"""Which requests are taken: those that name this machine and come from no page of another site.

A resource isolation policy by Fetch Metadata (W3C), and by Origin and Referer where a browser sends
no metadata. Links from elsewhere lead to pages alone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from funnelhouse.console.access.host_names import is_known_host

_OURS = frozenset({"same-origin", "none"})
"""Sec-Fetch-Site of a page of ours, and of a person who types an address or opens a bookmark."""

_READS = frozenset({"GET", "HEAD"})
_AHEAD = ("sec-purpose", "purpose", "x-moz")
"""Headers that tell of prefetching and prerendering, which no person has asked for."""

_KEYS = frozenset({"key", "password", "user"})
_PORTS = {"http": 80, "https": 443}


class Refusal(NamedTuple):
    """Why a request is not taken: a status of HTTP, and a sentence."""

    status: HTTPStatus
    told: str


_NO_HOST = Refusal(HTTPStatus.BAD_REQUEST, "A request needs one Host header; send one.")
_UNKNOWN_HOST = Refusal(
    HTTPStatus.FORBIDDEN,
    "This host name is not known here; ask by an address such as 127.0.0.1, or add the name to"
    " FUNNELHOUSE_HOST_NAMES.",
)
_FROM_ELSEWHERE = Refusal(
    HTTPStatus.FORBIDDEN,
    "A page of another site asked for this; open the address in a tab of its own.",
)


class Fetch:
    """What a request tells of itself; header names are in lower case, values come as sent."""

    def __init__(self, scope: Any) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._query: bytes = scope.get("query_string", b"")
        self._headers = [(name, value.decode("latin-1")) for name, value in scope["headers"]]

    def all(self, name: str) -> list[str]:
        """Give every value of a header."""
        return [value for one, value in self._headers if one == name.encode()]

    def is_any(self, name: str, *values: str) -> bool:
        """Say whether a header is absent, or has one of these values each time that it is sent."""
        return all(value in values for value in self.all(name))

    @property
    def host(self) -> str:
        """The Host header, "" where there is none, or more than one."""
        hosts = self.all("host")
        return hosts[0] if len(hosts) == 1 else ""

    @property
    def carries_key(self) -> bool:
        """Whether the address holds a key."""
        return not _KEYS.isdisjoint(parse_qs(self._query.decode("latin-1")))


@dataclass(frozen=True, slots=True)
class Isolation:
    """The policy of one port: host names that it has, and paths of pages that others may link."""

    names: Collection[str]
    pages: Collection[str] = ()

    def refusal(self, fetch: Fetch) -> Refusal | None:
        """Say why a request is not taken; None for one that is."""
        if not fetch.host:
            return _NO_HOST
        if not is_known_host(fetch.host, self.names):
            return _UNKNOWN_HOST
        if is_from_elsewhere(fetch) and not self._is_link(fetch):
            return _FROM_ELSEWHERE
        return None

    def _is_link(self, fetch: Fetch) -> bool:
        """Say whether a person may have followed a link to a page.

        Keys in its address would let any page spend the guesses of the address of its visitor.
        """
        return (
            fetch.path in self.pages
            and fetch.method in _READS
            and not fetch.carries_key
            and not fetch.all("origin")
            and fetch.is_any("sec-fetch-mode", "navigate")
            and fetch.is_any("sec-fetch-dest", "document")
            and not any(map(fetch.all, _AHEAD))
        )


def is_from_elsewhere(fetch: Fetch) -> bool:
    """Say whether a page of another site, or of another port of this one, sent a request."""
    sites, origins = fetch.all("sec-fetch-site"), fetch.all("origin")
    if sites or origins:
        ours = all(site in _OURS for site in sites)
        return not (ours and all(_is_own(origin, fetch.host) for origin in origins))
    return not all(_is_own(page, fetch.host) for page in fetch.all("referer"))


def _is_own(page: str, host: str) -> bool:
    """Say whether an address has the host and port of a Host header; ports may be left out."""
    try:
        parts = urlsplit(page)
        own = urlsplit(f"//{host}")
        port = _PORTS[parts.scheme]
        asked, there = own.port or port, parts.port or port
    except (KeyError, ValueError):
        return False
    return (parts.hostname, there) == (own.hostname, asked)
