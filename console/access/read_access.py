"""Who may read: whoever has a read key; without keys, anybody who reaches a loopback address."""

from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

from fastapi import HTTPException, Request

from funnelhouse.console.access.guess_limiter import Guesses

COOKIE = "funnelhouse_key"
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class ReadAccess:
    """The read keys; without any, `open` says that whoever reaches the address may read."""

    keys: Collection[str]
    open: bool
    guesses: Guesses = field(default_factory=Guesses)

    def admits(self, key: str, request: Request) -> bool:
        """Say whether a key that a request carries reads.

        Raises:
            TooManyGuessesError: wrong ones came from its address before, and it has to wait.
        """
        if not self.keys:
            return self.open
        address = request.client.host if request.client else ""
        return bool(key) and self.guesses.judge(address, key, self._is_right)

    def admit(self, request: Request) -> None:
        """Refuse a request without a read key where one is needed."""
        if not self.admits(sent_key(request), request):
            told = "This address wants a read key, one of FUNNELHOUSE_READ_KEYS: send it as"
            told += " Authorization: Bearer, or as ?key=."
            raise HTTPException(401, told, {"www-authenticate": "Bearer"})

    def _is_right(self, key: str) -> bool:
        """Compare with every key, in a time that tells neither content nor length of any."""
        sent = sha256(key.encode(errors="surrogatepass")).digest()
        fits = [compare_digest(sha256(one.encode()).digest(), sent) for one in self.keys]
        return any(fits)


def sent_key(request: Request) -> str:
    """Give the key that a request carries, "" for none."""
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(_BEARER):
        return authorization[len(_BEARER) :].strip()
    if "key" in request.query_params:
        return request.query_params["key"]
    return request.headers.get("x-funnelhouse-key", "") or request.cookies.get(COOKIE, "")
