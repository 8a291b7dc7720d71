"""Who may read: whoever has a read key; without keys, anybody who reaches a loopback address."""

from collections.abc import Collection
from dataclasses import dataclass
from hmac import compare_digest

from fastapi import HTTPException, Request

COOKIE = "funnelhouse_key"
_BASIC, _BEARER = "basic ", "bearer "


@dataclass(frozen=True, slots=True)
class Door:
    """The read keys; without any, `open` says that whoever reaches the address may read."""

    keys: Collection[str]
    open: bool

    def admits(self, key: str) -> bool:
        """Compare with every key, in a time that tells nothing about any."""
        fits = [compare_digest(one.encode(), key.encode()) for one in self.keys]
        return any(fits) or (self.open and not self.keys)

    def admit(self, request: Request) -> None:
        """Refuse a request without a read key where one is needed."""
        if not self.admits(sent_key(request)):
            told = "This address wants a read key, one of FUNNELHOUSE_READ_KEYS: send it as"
            told += " Authorization: Bearer, or as ?key=."
            raise HTTPException(401, told, {"www-authenticate": "Bearer"})


def sent_key(request: Request) -> str:
    """Give the key that a request carries, "" for none."""
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(_BEARER):
        return authorization[len(_BEARER) :].strip()
    if "key" in request.query_params:
        return request.query_params["key"]
    return request.headers.get("x-funnelhouse-key", "") or request.cookies.get(COOKIE, "")
