"""The connections of a worker: how long clients may take, how many and how much they may hold.

Where there are too many, those go that have waited longest for their client: a new client is
served though others hold all places with half-sent requests. A refused request leaves nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Protocol

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What clients may take of one worker.

    A head is whole within `head_timeout_s`; a body has as long, and a second more for each
    `body_bytes_per_s` that came (as Apache's RequestReadTimeout has it). `per_address` counts an
    IPv4 address or an IPv6 /64; trusted proxies are bound by the totals alone.
    """

    head_timeout_s: float = 10.0
    body_bytes_per_s: int = 1_000
    max_connections: int = 4_096
    max_connections_per_address: int = 512
    max_unfinished_bytes: int = 64 * 1024**2
    max_unfinished_bytes_per_address: int = 16 * 1024**2


class Guest(Protocol):
    """A connection as it is seen here; times are of the loop's clock, in seconds."""

    address: str
    """Empty for one that no address is counted for."""
    unfinished_bytes: int
    """Bytes that came of a request which is not whole yet."""

    @property
    def waits_since(self) -> float | None:
        """When it began to wait for its client; None while a request is being answered."""

    def is_late(self, now: float) -> bool:
        """Whether its client takes longer for a request than it may."""

    def drop(self, answer: Answer) -> None:
        """Close it with an answer, and forget what came of its request."""


class Connections:
    """Counts connections and their unfinished bytes; `now` is the clock of their loop."""

    def __init__(self, limits: ConnectionLimits, trusts: Callable[[str], bool]) -> None:
        self.limits = limits
        self._trusts = trusts
        self._all: set[Guest] = set()
        self._of_address: dict[str, set[Guest]] = {}
        self._bytes = 0
        self._bytes_of_address: dict[str, int] = {}

    def address_of(self, ip: str) -> str:
        """Return what a client of this IP address counts under, "" for none."""
        if not ip or self._trusts(ip):
            return ""
        if ":" not in ip:
            return ip
        address = IPv6Address(ip.partition("%")[0])
        return str(address.ipv4_mapped or address.packed[:8].hex())

    def opened(self, guest: Guest) -> None:
        """Take a connection, and close some of those that wait if there are too many."""
        self._all.add(guest)
        if guest.address:
            of_address = self._of_address.setdefault(guest.address, set())
            of_address.add(guest)
            self._make_room(of_address, self.limits.max_connections_per_address, guest)
        self._make_room(self._all, self.limits.max_connections, guest)

    def closed(self, guest: Guest) -> None:
        """Let go of a connection."""
        self._all.discard(guest)
        self.finished(guest)
        of_address = self._of_address.get(guest.address)
        if of_address is not None:
            of_address.discard(guest)
            if not of_address:
                del self._of_address[guest.address]

    def received(self, guest: Guest, size: int) -> None:
        """Count bytes of a request that is not whole yet; the slowest go if they are too many."""
        guest.unfinished_bytes += size
        self._add(guest.address, size)
        limits, address = self.limits, guest.address
        while self._bytes_of_address.get(address, 0) > limits.max_unfinished_bytes_per_address:
            if not self._drop_slowest(self._of_address[address]):
                break
        while self._bytes > limits.max_unfinished_bytes:
            if not self._drop_slowest(self._all):
                break

    def finished(self, guest: Guest) -> None:
        """Forget the bytes of a request that is whole, or will never be."""
        if guest.unfinished_bytes:
            self._add(guest.address, -guest.unfinished_bytes)
            guest.unfinished_bytes = 0

    def close_late(self, now: float) -> None:
        """Answer 408 to every client that takes too long; call it about once a second."""
        for guest in [guest for guest in self._all if guest.is_late(now)]:
            self._drop(guest, _TIMEOUT)

    def _add(self, address: str, size: int) -> None:
        self._bytes += size
        if address:
            total = self._bytes_of_address.get(address, 0) + size
            self._bytes_of_address[address] = total
            if not total:
                del self._bytes_of_address[address]

    def _make_room(self, guests: set[Guest], most: int, newest: Guest) -> None:
        if len(guests) <= most:
            return
        waiting = sorted(_waiting(guests - {newest}), key=_since)
        for guest in waiting[: 1 + most // _PART] or [newest]:
            self._drop(guest, _BUSY)

    def _drop_slowest(self, guests: Iterable[Guest]) -> bool:
        slow = [guest for guest in _waiting(guests) if guest.unfinished_bytes]
        if slow:
            self._drop(min(slow, key=_since), _BUSY)
        return bool(slow)

    def _drop(self, guest: Guest, answer: Answer) -> None:
        self.closed(guest)
        guest.drop(answer)


_PART = 16
"""One in so many goes at a time: to look for the longest waiting takes a look at all."""


def _waiting(guests: Iterable[Guest]) -> list[Guest]:
    return [guest for guest in guests if guest.waits_since is not None]


def _since(guest: Guest) -> float:
    return guest.waits_since or 0.0


_TIMEOUT = answers.error(
    408, "timeout", "The request came too slowly; send it again over a better line, or in parts."
)
_BUSY = answers.error(503, "busy", "Too many requests are under way; send it again later.", 1)
