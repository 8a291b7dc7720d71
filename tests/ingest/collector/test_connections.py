"""Slow and many clients: what they may hold of a worker, and that others are served meanwhile."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import cast

import pytest

from funnelhouse.ingest.collector.answers import Answer
from funnelhouse.ingest.collector.connections import ConnectionLimits, Connections, Guest
from tests.conftest import RunningCollector
from tests.ingest.collector.test_connection import Clock, Held, click, connect, connected, post

TRUSTED = "10.0.0.1"


class Client:
    """A connection whose state the test sets."""

    def __init__(self, waits_since: float | None = 0.0, address: str = "a") -> None:
        self.waits_since = waits_since
        self.address = address
        self.unfinished_bytes = 0
        self.late = False
        self.status = 0

    def is_late(self, _now: float) -> bool:
        """Whether the test says so."""
        return self.late

    def drop(self, answer: Answer) -> None:
        """Note."""
        self.status = answer.status


def opened(limits: ConnectionLimits, clients: list[Client]) -> Connections:
    """Open connections one after the other."""
    connections = Connections(limits, TRUSTED.__eq__)
    for client in clients:
        connections.opened(cast("Guest", client))
    return connections


def statuses(clients: list[Client]) -> list[int]:
    """What each was closed with, 0 for those that stay."""
    return [client.status for client in clients]


def test_an_address_has_so_many() -> None:
    """One connection too many of an address closes the one that has waited longest, no other's."""
    clients = [Client(2), Client(1), Client(None), Client(0, "b"), Client(3)]
    opened(ConnectionLimits(max_connections_per_address=3), clients)
    assert statuses(clients) == [0, 503, 0, 0, 0]


def test_a_worker_has_so_many() -> None:
    """One connection too many in all closes the one that has waited longest, whoever's it is."""
    clients = [Client(2, "a"), Client(1, "b"), Client(None, "c"), Client(3, "d")]
    opened(ConnectionLimits(max_connections=3), clients)
    assert statuses(clients) == [0, 503, 0, 0]


def test_nobody_is_closed_over_an_answer() -> None:
    """Where all others wait for their answers, the new connection is the one that is refused."""
    clients = [Client(None), Client(None), Client(5)]
    opened(ConnectionLimits(max_connections_per_address=2), clients)
    assert statuses(clients) == [0, 0, 503]


def test_places_are_given_back() -> None:
    """A connection that is closed takes none of its address's places."""
    clients = [Client(number) for number in range(6)]
    connections = opened(ConnectionLimits(max_connections_per_address=2), [])
    for client in clients:
        connections.opened(cast("Guest", client))
        connections.closed(cast("Guest", client))
    assert statuses(clients) == [0] * 6


@pytest.mark.parametrize(
    ("limits", "closed"),
    [
        (ConnectionLimits(max_unfinished_bytes_per_address=300), [0, 0, 0, 0]),
        (ConnectionLimits(max_unfinished_bytes_per_address=299), [0, 503, 0, 0]),
        (ConnectionLimits(max_unfinished_bytes=400), [0, 0, 0, 0]),
        (ConnectionLimits(max_unfinished_bytes=399), [0, 0, 0, 503]),
    ],
    ids=["of an address", "of an address, over", "in all", "in all, over"],
)
def test_unfinished_bytes(limits: ConnectionLimits, closed: list[int]) -> None:
    """Too many bytes of unfinished requests close the slowest of their senders."""
    clients = [Client(2), Client(1), Client(None), Client(0, "b")]
    connections = opened(limits, clients)
    for client in clients:
        connections.received(cast("Guest", client), 100)
    assert statuses(clients) == closed


def test_finished_bytes_are_none() -> None:
    """A request that is whole leaves its bytes to others."""
    client = Client()
    connections = opened(ConnectionLimits(max_unfinished_bytes_per_address=100), [client])
    for _ in range(5):
        connections.received(cast("Guest", client), 100)
        connections.finished(cast("Guest", client))
    assert client.status == 0


def test_late_ones_are_told() -> None:
    """Who is late is answered 408."""
    clients = [Client(), Client()]
    clients[0].late = True
    opened(ConnectionLimits(), clients).close_late(0.0)
    assert statuses(clients) == [408, 0]


@pytest.mark.parametrize(
    ("ip", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (TRUSTED, ""),
        ("", ""),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::9", "20010db800010002"),
        ("2001:db8:1:2:4::8%eth0", "20010db800010002"),
    ],
)
def test_addresses(ip: str, address: str) -> None:
    """An IPv6 network of 64 bits is one address, and a trusted proxy counts under none."""
    assert opened(ConnectionLimits(), []).address_of(ip) == address


def late_at(clock: Clock, pieces: list[tuple[float, bytes]]) -> float:
    """Send pieces at their times, and return the second at which the sender is late."""
    intake = Held()
    connection, wire = connected(clock, intake)
    for at, piece in pieces:
        clock.pass_to(at)
        connection.data_received(piece)
    while intake.replies:
        intake.answer()
    second = clock.now
    while not connection.is_late(second):
        second += 0.5
        assert second < 1_000
    connection.drop(Answer(408, [], b""))
    assert wire.closed
    return second


HEAD = b"POST /v1/t HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "at"),
    [
        ([], 10.5),
        ([(3.0, b"\r\n"), (9.0, b"\r\n")], 10.5),
        ([(9.0, HEAD[:30])], 10.5),
        ([(9.0, HEAD)], 19.5),
        ([(9.0, HEAD), (12.0, b"x" * 4_945)], 24.5),
        ([(0.0, post(click("x"))[:-1]), (1.0, post(click("x"))[-1:] + b"P")], 11.5),
    ],
    ids=["nothing", "blank lines", "a head", "a body", "more of a body", "a second request"],
)
def test_when_a_client_is_late(pieces: list[tuple[float, bytes]], at: float) -> None:
    """A head has 10 seconds; a body has 10 more, and one for each 1,000 bytes that came."""
    assert late_at(Clock(), pieces) == at


@pytest.fixture(scope="module")
def hasty(collector_with: Callable[..., RunningCollector]) -> RunningCollector:
    """Give a collector of little patience and few places."""
    return collector_with(
        head_timeout_s=0.5,
        body_bytes_per_s=1_000_000,
        max_connections_per_address=40,
        max_unfinished_bytes_per_address=2_000_000,
    )


@pytest.fixture
def open_many(hasty: RunningCollector) -> Iterator[Callable[[int, bytes], list[socket.socket]]]:
    """Give what opens many connections and sends the same on each."""
    with ExitStack() as stack:

        def open_them(count: int, data: bytes) -> list[socket.socket]:
            made = [stack.enter_context(connect(hasty)) for _ in range(count)]
            for connection in made:
                connection.sendall(data)
            return made

        yield open_them


def ending(connection: socket.socket) -> bytes:
    """Read up to the end of a connection."""
    received = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


@pytest.mark.parametrize(
    "data", [b"", HEAD[:20], HEAD + b'{"event":', HEAD.replace(b"50000", b"900000") + b"{"]
)
def test_half_a_request(
    hasty: RunningCollector, open_many: Callable[[int, bytes], list[socket.socket]], data: bytes
) -> None:
    """A request that goes no further is answered 408 and closed, and nothing of it is kept."""
    before = len(hasty.rows())
    (connection,) = open_many(1, data)
    assert ending(connection).startswith(b"HTTP/1.1 408 ")
    assert hasty.take("/v1/t", click("x")).answer.status_code == 200
    assert len(hasty.rows()) == before + 1


def test_half_sent_requests_hold_nobody_up(
    hasty: RunningCollector, open_many: Callable[[int, bytes], list[socket.socket]]
) -> None:
    """While one address holds all its places with half-sent requests, a new client is served."""
    held = open_many(200, HEAD[:20])
    with connect(hasty) as client:
        client.sendall(post(click("x")))
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
    assert {ending(connection)[9:12] for connection in held} <= {b"408", b"503", b""}


def test_unfinished_bodies_take_bounded_memory(
    hasty: RunningCollector, open_many: Callable[[int, bytes], list[socket.socket]]
) -> None:
    """Sixty bodies of a megabyte that never end take no more than an address may hold."""
    before = resident(hasty)
    head = HEAD.replace(b"50000", b"1000000")
    held = []
    for _ in range(60):
        with suppress(ConnectionError):
            held += open_many(1, head + b"x" * 900_000)
    assert resident(hasty) - before < 30e6
    hasty.client.get("/livez").raise_for_status()
    assert all(re.match(rb"HTTP/1.1 (408|503)|$", ending(connection)) for connection in held)


def resident(collector: RunningCollector) -> int:
    """Return the bytes of memory that a collector holds."""
    pages = Path(f"/proc/{collector.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def test_too_many_parameters(hasty: RunningCollector) -> None:
    """A query of over 1,000 parameters is refused before it is read."""
    query = "&".join(["writeKey=dev", "event=cta_clicked", *["a"] * 998])
    assert hasty.client.get(f"/v1/pixel/track?{query}").status_code == 200
    answer = hasty.client.get(f"/v1/pixel/track?{query}&a")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (431, "too_many")


def test_too_many_requests_in_a_line(hasty: RunningCollector) -> None:
    """A client that pipelines more than a hundred requests is closed, and another served."""
    with connect(hasty) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 2_000)
        started = time.monotonic()
        ending(connection)
        assert time.monotonic() - started < 20
    hasty.client.get("/livez").raise_for_status()
