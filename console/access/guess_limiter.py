"""Slows down whoever guesses keys: so many wrong ones an address, and so many in all.

While an address has to wait its keys are not compared, so that a right one tells nothing either.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv4Address, ip_address, ip_network
from math import ceil
from threading import Lock
from time import monotonic
from typing import TypeVar

from fastapi import HTTPException

Kept = TypeVar("Kept")

_MOST_ADDRESSES = 4_096
_IPV6_NETWORK = 64
"""Bits of an IPv6 address that one customer of a network has (RFC 6177)."""


class TooManyGuessesError(HTTPException):
    """Too many wrong keys came; the answer says when to come again."""

    def __init__(self, wait_s: float) -> None:
        told = f"Too many wrong keys came; wait {ceil(wait_s)} s before the next."
        super().__init__(429, told, {"retry-after": str(ceil(wait_s))})


class Allowance:
    """Wrong keys that may still come: `burst` at once, then one each `every_s` seconds."""

    __slots__ = ("_at", "_burst", "_every_s", "_left", "last")

    def __init__(self, burst: int, every_s: float, now: float) -> None:
        self._burst, self._every_s = burst, every_s
        self._left, self._at = float(burst), now
        self.last = b""

    def wait_s(self, now: float) -> float:
        """Give the seconds until the next key may come; 0 when it may now."""
        self._left = min(self._burst, self._left + (now - self._at) / self._every_s)
        self._at = now
        return max(0.0, (1 - self._left) * self._every_s)

    def spend(self) -> None:
        """Count one wrong key."""
        self._left -= 1


class Guesses:
    """Counts wrong keys of the whole process, in memory that does not grow; for any thread.

    An address that has sent a right key before does not wait for what others guess.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._all = Allowance(200, 0.5, clock())
        self._addresses: OrderedDict[str, Allowance] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()

    def judge(self, address: str, key: str, is_right: Callable[[str], bool]) -> bool:
        """Compare a key that an address sent, and count a wrong one.

        The same wrong key again, as a tool with an old one sends, tells nothing and counts once.

        Raises:
            TooManyGuessesError: the address has to wait.
        """
        who, now = _network(address), self._clock()
        with self._lock:
            allowance = self._allowance(who, now)
            wait_s = allowance.wait_s(now)
            for_all_s = 0.0 if who in self._known else self._all.wait_s(now)
            if max(wait_s, for_all_s) > 0:
                raise TooManyGuessesError(max(wait_s, for_all_s))
            if is_right(key):
                _keep(self._known, who, None)
                return True
            digest = blake2b(key.encode(), digest_size=16).digest()
            if digest != allowance.last:
                allowance.last = digest
                allowance.spend()
                self._all.spend()
            return False

    def _allowance(self, who: str, now: float) -> Allowance:
        allowance = self._addresses.get(who) or Allowance(20, 3.0, now)
        _keep(self._addresses, who, allowance)
        return allowance


def _keep(places: OrderedDict[str, Kept], who: str, value: Kept) -> None:
    """Put a value in as the newest, and drop the oldest beyond the bound."""
    places[who] = value
    places.move_to_end(who)
    if len(places) > _MOST_ADDRESSES:
        places.popitem(last=False)


def _network(address: str) -> str:
    """Name whom an address stands for: of IPv6 its network, of which one machine has many."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, _IPV6_NETWORK), strict=False))
