"""Who may read: whoever has a read key; without keys, anybody who reaches a loopback address."""

from collections.abc import Collection
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

COOKIE = "funnelhouse_key"
_BEARER = "bearer "
_LOOPBACK_NAMES = frozenset({"localhost"})


@dataclass(frozen=True, slots=True)
class Door:
    """The read keys; without any, `open` says that whoever reaches the address may read."""

    keys: Collection[str]
    open: bool

    def admits(self, key: str) -> bool:
        """Compare with every key, in a time that tells nothing about any."""
        fits = [compare_digest(one.encode(), key.encode()) for one in self.keys]
        return any(fits) or (self.open and not self.keys)

    def own(self, request: Request) -> None:
        """Refuse what a page of another site sends, or what reaches this machine by another name.

        The second is how a site on the internet would reach a loopback address without a key.
        """
        host = request.headers.get("host", "")
        origin = request.headers.get("origin", "")
        if origin and origin.partition("://")[2] != host and request.method not in {"GET", "HEAD"}:
            raise HTTPException(403, "Another site's page may not send this.")
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        if self.open and not self.keys and name not in _LOOPBACK_NAMES and not _is_loopback(name):
            raise HTTPException(403, "Ask by the address of this machine, such as 127.0.0.1.")

    def admit(self, request: Request) -> None:
        """Refuse a request without a read key where one is needed."""
        self.own(request)
        if not self.admits(sent_key(request)):
            told = "This address wants a read key, one of FUNNELHOUSE_READ_KEYS: send it as"
            told += " Authorization: Bearer, or as ?key=."
            raise HTTPException(401, told, {"www-authenticate": "Bearer"})


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def sent_key(request: Request) -> str:
    """Give the key that a request carries, "" for none."""
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(_BEARER):
        return authorization[len(_BEARER) :].strip()
    if "key" in request.query_params:
        return request.query_params["key"]
    return request.headers.get("x-funnelhouse-key", "") or request.cookies.get(COOKIE, "")
