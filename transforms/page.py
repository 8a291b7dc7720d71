"""Owns the page address: splits a URL into host, path, query and fragment, and names its site."""

import re
from functools import lru_cache
from typing import NamedTuple

from publicsuffixlist import PublicSuffixList

# RFC 3986, appendix B: matches every text, in linear time.
_URL = re.compile(
    r"(?:[^:/?#]+:)?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
_SUFFIXES = PublicSuffixList()
# Hosting where each name below is a customer's own site, though the list does not say so.
_SHARED_HOSTS = frozenset({"creatorlink.net", "imweb.me", "modoo.at", "oopy.io", "tistory.com"})
_LONGEST_HOST = 253  # RFC 1035, 2.3.4


class Page(NamedTuple):
    """The parts of a page's address; "" for a part that is not there."""

    url: str
    host: str
    path: str
    query: str
    fragment: str


def split_page(url: str) -> Page:
    """The parts of a URL as sent, after RFC 3986; any text has some.

    The host is lower-cased, without port, user or a last dot, and internationalised names stay
    in the form sent. User and password are cut from `url` too. An address with a host has at
    least the path "/"; one without (relative, `mailto:`) has what stands before ? and # as path.
    """
    url = url.strip()
    match = _URL.fullmatch(url)
    if match is None:  # The pattern takes every text; this satisfies the type checker.
        return Page(url, "", url, "", "")
    path, query, fragment = match["path"], match["query"] or "", match["fragment"] or ""
    authority = match["authority"]
    if authority is None:
        return Page(url, "", path, query, fragment)
    _, at, address = authority.rpartition("@")
    if at:
        start, end = match.span("authority")
        url = url[:start] + address + url[end:]
    return Page(url, _host(address), path or "/", query, fragment)


@lru_cache(maxsize=4_096)
def _registrable(host: str) -> str:
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit():  # an IP address has no suffix
        return host
    for dot in range(1, len(labels)):
        if ".".join(labels[dot:]) in _SHARED_HOSTS:
            return ".".join(labels[dot - 1 :])
    return _SUFFIXES.privatesuffix(host) or host


def registrable_domain(host: str) -> str:
    """The part of a host that one owner registered: two hosts are one site where it is equal.

    One label below the longest suffix of the Public Suffix List, private section included, or
    below a shared host that the list lacks (oopy.io, tistory.com ...): `team.oopy.io` and
    `other.oopy.io` are two sites. An IP address, a single label and a bare suffix stand for
    themselves; no host, or one longer than DNS allows, gives "".
    """
    return _registrable(host.lower()) if len(host) <= _LONGEST_HOST else ""


def _host(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0].lower()
    return address.partition(":")[0].lower().rstrip(".")
