"""What a connection does with requests, and what ends it before it brings one."""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.connection import Connection
from funnelhouse.ingest.collector.endpoints import Collector
from funnelhouse.ingest.collector.intake import Receiver
from funnelhouse.settings import Settings
from tests.conftest import WRITE_KEYS, RunningCollector, start_collector, stop_process


def answer_to(collector: RunningCollector, sent: bytes) -> tuple[int, dict[str, object]]:
    """Send bytes on a socket of their own: the status and error of the answer that closes it."""
    host, port = collector.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    assert b"connection: close" in head
    return int(head.split()[1]), json.loads(body)["error"]


@pytest.mark.parametrize(
    "sent",
    [b"hello\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"],
)
def test_what_is_no_http_gets_an_error_like_all_others(
    collector: RunningCollector, sent: bytes
) -> None:
    """Broken HTTP is answered 400 in the one JSON shape, and the connection ends."""
    status, error = answer_to(collector, sent)
    assert (status, error["reason"]) == (400, "not_http")


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nx: ", b"GET / HTTP/1.1\r\nx"])
def test_a_head_does_not_grow_for_ever(collector: RunningCollector, start: bytes) -> None:
    """A URL or headers of more than 64 KiB are answered 431, though they have not ended."""
    status, error = answer_to(collector, start + b"a" * 80_000)
    assert (status, error["reason"]) == (431, "headers_too_large")


def test_a_large_body_is_no_large_head(collector: RunningCollector) -> None:
    """Bodies far larger than a head may be pass, on one connection again and again."""
    call = {"type": "track", "event": "cta_clicked", "userId": "u", "properties": {"cta_id": "a"}}
    body = json.dumps({"writeKey": "dev", "batch": [call] * 2_400}).encode()
    assert len(body) > 3 * 65_536
    for _ in range(3):
        assert collector.client.post("/v1/batch", content=body).status_code == 200


# Requests: a plain POST of events goes another way than the rest, which nobody may notice


def click(message_id: str) -> bytes:
    """Write a call."""
    call = {"event": "cta_clicked", "userId": "u", "properties": {"cta_id": "a"}}
    return json.dumps(call | {"messageId": message_id, "writeKey": "dev"}).encode()


def kept(call: bytes) -> bytes:
    """Give what is kept of a call: all but its write key."""
    return call.replace(b', "writeKey": "dev"', b"")


def post(body: bytes, *headers: str, version: str = "1.1") -> bytes:
    """Write a request as browsers do."""
    lines = [f"POST /v1/t HTTP/{version}", "Host: a", "Origin: https://page.example", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def connect(collector: RunningCollector) -> socket.socket:
    """Open a connection."""
    host, port = collector.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def read_answers(connection: socket.socket, count: int) -> list[bytes]:
    """Read some answers with bodies of a stated length, interim ones left out."""
    found: list[bytes] = []
    with connection.makefile("rb") as lines:
        while len(found) < count:
            head = b"".join(iter(lines.readline, b"\r\n"))
            length = re.search(rb"content-length: (\d+)", head)
            body = lines.read(int(length[1])) if length else b""
            if b" 100 " not in head:
                found.append(head + b"\r\n" + body)
    return found


def payloads(collector: RunningCollector, since: int) -> list[bytes]:
    """What the spool has got since it had some rows."""
    return [row["payload"] for row in collector.rows()[since:]]


def test_one_head_again_and_again(collector: RunningCollector) -> None:
    """Requests that differ in nothing but their bodies are taken one by one, whole or in pieces."""
    before = len(collector.rows())
    bodies = [click("x" * size) for size in (5, 5, 50, 500, 5, 5)]
    with connect(collector) as connection:
        for number, body in enumerate(bodies):
            request = post(body)
            cut = 30 if number == 3 else len(request)
            for piece in (request[:cut], request[cut:]):
                connection.sendall(piece)
            (answer,) = read_answers(connection, 1)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert payloads(collector, before) == list(map(kept, bodies))


def test_the_client_of_each_request_is_its_own(collector: RunningCollector) -> None:
    """Requests on one connection may have other headers each time."""
    before = len(collector.rows())
    agents = ["a", "a", "b", "a", "a"]
    with connect(collector) as connection:
        for agent in agents:
            connection.sendall(post(click("x"), f"User-Agent: {agent}"))
            read_answers(connection, 1)
    assert [row["user_agent"] for row in collector.rows()[before:]] == agents


def test_the_key_of_each_request_is_its_own(collector: RunningCollector) -> None:
    """Requests with one head may come under other keys each time, or under none."""
    before = len(collector.rows())
    statuses = []
    with connect(collector) as connection:
        for key in (b"dev", b"dev", b"app", b"other", b"shop", b"dev"):
            connection.sendall(post(click("x").replace(b'"dev"', b'"%b"' % key)))
            statuses += [int(answer.split()[1]) for answer in read_answers(connection, 1)]
    assert statuses == [200, 200, 200, 401, 403, 200]
    taken = [row for row in collector.rows()[before:] if not row["reason"]]
    sources = [(row["source"], row["server"]) for row in taken]
    assert sources == [("web", False), ("web", False), ("backend", True), ("web", False)]


def test_pipelined_requests(collector: RunningCollector) -> None:
    """Requests sent without waiting are taken and answered in their order, whichever they are."""
    before = len(collector.rows())
    unknown = b'{"writeKey":"other"}'
    sent = [
        post(click("1")),
        post(unknown),
        b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
        post(click("2")),
        b"PUT /v1/t HTTP/1.1\r\nHost: a\r\n\r\n",
        post(click("3")),
        post(click("4")),
    ]
    with connect(collector) as connection:
        for _ in range(2):
            connection.sendall(b"".join(sent))
            statuses = [int(answer.split()[1]) for answer in read_answers(connection, len(sent))]
            assert statuses == [200, 401, 200, 200, 405, 200, 200]
    assert payloads(collector, before) == [kept(click(number)) for number in "1234"] * 2


@pytest.mark.parametrize("body", [click("x"), b"{", b'{"writeKey":"other"}'])
def test_one_answer_by_all_ways(collector: RunningCollector, body: bytes) -> None:
    """An answer is the same to the byte, whatever way its request went."""
    ways = [post(body), post(body), post(body, "Expect: 100-continue"), post(body, "X: 1")]
    with connect(collector) as connection:
        found = []
        for request in ways:
            connection.sendall(request)
            found += read_answers(connection, 1)
    assert found == found[:1] * len(ways)
    assert b"access-control-allow-origin: https://page.example\r\n" in found[0]


@pytest.mark.parametrize(
    ("headers", "version"), [(["Connection: close"], "1.1"), ([], "1.0")], ids=["close", "1.0"]
)
def test_a_connection_ends_when_its_client_asks(
    collector: RunningCollector, headers: list[str], version: str
) -> None:
    """A client that wants no second request sees the end of the connection after its answer."""
    with connect(collector) as connection:
        connection.sendall(post(click("x"), *headers, version=version))
        (answer,) = read_answers(connection, 1)
        assert b"200 OK" in answer
        assert b"connection: close" in answer
        assert connection.recv(1) == b""


def test_a_body_that_is_broken_off(collector: RunningCollector) -> None:
    """What came of a plain POST before its sender left is kept as one rejected row."""
    before = len(collector.rows())
    with connect(collector) as connection:
        connection.sendall(post(click("x")) + post(b"x" * 500, "Authorization: Basic ZGV2Og=="))
        read_answers(connection, 1)
    with connect(collector) as connection:
        whole = post(b'{"event":' + b" " * 500, "Authorization: Basic ZGV2Og==")
        connection.sendall(whole[:-500])
    until = time.monotonic() + 30
    while len(rows := collector.rows()[before:]) < 3:
        assert time.monotonic() < until, "nothing was kept"
    assert sorted((row["reason"], row["payload"]) for row in rows) == [
        ("", kept(click("x"))),
        ("unreadable_body", b"x" * 500),
        ("unreadable_body", b'{"event":'),
    ]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningCollector]:
    """Start a collector that the test may stop."""
    settings = Settings(data=tmp_path, collector="127.0.0.1:0", write_keys=WRITE_KEYS)
    running = start_collector(settings)
    running.client.close()
    yield running
    stop_process(running.process)


def test_a_plain_post_is_drained(own: RunningCollector) -> None:
    """A plain POST under way at SIGTERM is taken, and its answer ends the connection."""
    body = click("under way")
    with connect(own) as connection:
        first, second = post(click("first")), post(body)
        connection.sendall(first + second[:-20])
        read_answers(connection, 1)
        own.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            own.process.wait(0.5)
        connection.sendall(second[-20:])
        (answer,) = read_answers(connection, 1)
        assert b"200 OK" in answer
        assert b"connection: close" in answer
        assert connection.recv(1) == b""
    assert own.process.wait(30) == 0
    assert sorted(payloads(own, 0)) == [kept(click("first")), kept(body)]


# How long a connection is kept


class Clock:
    """A loop whose time the test moves: it runs what is due."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.tasks = 0

    def time(self) -> float:
        """Return the time in seconds."""
        return self.now

    def call_later(self, delay_s: float, call: Callable[[], None]) -> SimpleNamespace:
        """Call later, unless it is cancelled."""
        entry = (self.now + delay_s, call)
        self.due.append(entry)
        return SimpleNamespace(cancel=lambda: self.due.remove(entry))

    def create_task(self, task: Coroutine[Any, Any, None]) -> Mock:
        """Count an ASGI request, which waits until its client reads; it is not run."""
        task.close()
        self.tasks += 1
        return Mock()

    def pass_to(self, now: float) -> None:
        """Let time pass."""
        while self.due and min(self.due)[0] <= now:
            entry = min(self.due, key=lambda due: due[0])
            self.due.remove(entry)
            self.now = entry[0]
            entry[1]()
        self.now = now


class Wire:
    """A transport that notes what was written, and whether it was closed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def get_extra_info(self, _name: str) -> None:
        """Know nothing."""

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Hold up the client."""

    def resume_reading(self) -> None:
        """Let it go on."""

    def write(self, data: bytes) -> None:
        """Note."""
        self.written.append(data)

    def close(self) -> None:
        """Note."""
        self.closed = True


class Held:
    """An intake that answers when the test says so."""

    def __init__(self) -> None:
        self.replies: list[Callable[[answers.Answer], None]] = []

    def take_body(self, _read: object, _head: object, _body: object, reply: Any) -> None:
        """Hold the reply."""
        self.replies.append(reply)

    def answered(self, _answer: object, _started: float) -> None:
        """Count nothing."""

    def answer(self) -> None:
        """Answer the one request that waits."""
        self.replies.pop()(answers.SUCCESS)


def connected(clock: Clock, intake: Held) -> tuple[Connection, Wire]:
    """Make a connection that is kept for 5 idle seconds."""
    app = Collector(cast("Receiver", intake), None)
    config = Config(app, lifespan="off", ws="none", log_config=None, timeout_keep_alive=5)
    connection = Connection(config, ServerState(), {}, cast("asyncio.AbstractEventLoop", clock))
    wire = Wire()
    connection.connection_made(cast("asyncio.Transport", wire))
    return connection, wire


def test_an_idle_connection_is_closed() -> None:
    """A connection is closed 5 seconds after its last answer, and no sooner."""
    clock, intake = Clock(), Held()
    connection, wire = connected(clock, intake)
    for second in (0, 3, 6, 9):
        clock.pass_to(second)
        connection.data_received(post(click("x")))
        intake.answer()
    clock.pass_to(13.9)
    assert (wire.closed, len(wire.written)) == (False, 4)
    clock.pass_to(14)
    assert wire.closed


def test_a_busy_connection_is_kept() -> None:
    """A connection is not closed over a request that waits for its answer, however long."""
    clock, intake = Clock(), Held()
    connection, wire = connected(clock, intake)
    connection.data_received(post(click("x")))
    intake.answer()
    clock.pass_to(1)
    connection.data_received(post(click("x")))
    clock.pass_to(60)
    assert not wire.closed
    intake.answer()
    clock.pass_to(64)
    assert (wire.closed, len(wire.written)) == (False, 2)
    clock.pass_to(66)
    assert wire.closed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def intake() -> Held:
    return Held()


@pytest.fixture
def used(clock: Clock, intake: Held) -> tuple[Connection, Wire]:
    """Make a connection that has had a plain POST, and may know its head again."""
    connection, wire = connected(clock, intake)
    connection.data_received(post(click("x")))
    intake.answer()
    return connection, wire


def test_a_client_that_does_not_read_is_held_up(
    clock: Clock, intake: Held, used: tuple[Connection, Wire]
) -> None:
    """While answers pile up unread, a request goes the way that waits for its reader."""
    connection, wire = used
    connection.pause_writing()
    connection.data_received(post(click("x")))
    assert (len(wire.written), intake.replies, clock.tasks) == (1, [], 1)


def test_one_request_at_a_time(clock: Clock, intake: Held, used: tuple[Connection, Wire]) -> None:
    """A request that comes before the last one is answered waits for that, and is then begun."""
    connection, _ = used
    connection.data_received(post(click("x")))
    connection.data_received(post(click("x")))
    assert (len(intake.replies), clock.tasks) == (1, 0)
    intake.answer()
    assert (intake.replies, clock.tasks) == ([], 1)


@pytest.mark.parametrize("end", ["X: ", "\r\n"], ids=["within a head", "under way"])
def test_a_known_head_is_no_way_past_another(
    clock: Clock, intake: Held, used: tuple[Connection, Wire], end: str
) -> None:
    """What repeats an earlier request is none inside of a head, and waits for another's answer."""
    connection, _ = used
    connection.data_received(f"GET /livez HTTP/1.1\r\n{end}".encode())
    connection.data_received(post(click("x")))
    assert (intake.replies, clock.tasks) == ([], 1)


def test_the_rest_of_a_head_is_no_head(intake: Held, used: tuple[Connection, Wire]) -> None:
    """What followed the first piece of a request is no request when it comes by itself."""
    connection, wire = used
    request = post(click("x"), "X: 1")
    for piece in (request[:30], request[30:]):
        connection.data_received(piece)
    intake.answer()
    connection.data_received(request[30:])
    assert intake.replies == []
    assert wire.written[-1].startswith(b"HTTP/1.1 400 ")
