from collections.abc import Callable
from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer
from funnelhouse.ingest.collector.exchange import CachedHeader, Exchange
from funnelhouse.ingest.collector.http import Head
from funnelhouse.ingest.collector.intake import Reader
from funnelhouse.ingest.collector.protocols.segment import ROUTES

HEADS = (
    b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nOrigin: https://a.example\r\n\r\n",
    b"POST /v1/b?writeKey=dev HTTP/1.1\r\ncontent-length:%d\r\n\r\n",
)


class Parsed:
    """What the parser that uvicorn rests on makes of bytes."""

    def __init__(self, data: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.begun = self.complete = 0
        httptools.HttpRequestParser(self).feed_data(data)

    def on_message_begin(self) -> None:
        """Count."""
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep all but the length."""
        if name.lower() != b"content-length":
            self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        """Gather."""
        self.body += body

    def on_message_complete(self) -> None:
        """Count."""
        self.complete += 1


class Intake:
    """Keeps what it is given; answers when told to, at once with `at_once`."""

    def __init__(self, at_once: Answer | None = None) -> None:
        self.at_once = at_once
        self.taken: list[tuple[Reader, Head, bytes]] = []
        self.replies: list[Callable[[Answer], None]] = []

    def take_body(self, read: Reader, head: Head, body: bytes, reply: Any) -> None:
        """Take a body."""
        self.taken.append((read, head, body))
        self.replies.append(reply)
        if self.at_once is not None:
            reply(self.at_once)

    def answered(self, answer: Answer, started: float) -> None:
        """Count nothing."""


def known(data: bytes) -> CachedHeader:
    """Know the head of a request again."""
    head = CachedHeader.of(data)
    assert head is not None
    return head


@given(st.sampled_from(HEADS), st.binary(max_size=300), st.binary(max_size=300))
def test_a_known_head_is_known_with_any_body(head: bytes, first: bytes, second: bytes) -> None:
    """A head is known again, whatever the length of the body that follows it."""
    assert known(head % len(first) + first).body_of(head % len(second) + second) == second


@given(st.sampled_from(HEADS), st.data())
def test_what_is_known_is_what_the_parser_reads(head: bytes, data: st.DataObject) -> None:
    """Bytes that are taken for a known head and its body are just that to the parser too."""
    first = head % 2 + b"{}"
    at = data.draw(st.integers(0, len(first)))
    changed = first[:at] + data.draw(st.binary(max_size=4)) + first[data.draw(st.integers(at)) :]
    body = known(first).body_of(changed)
    if body is None:
        return
    parsed = Parsed(changed)
    assert (parsed.begun, parsed.complete, parsed.body) == (1, 1, body)
    assert parsed.headers == Parsed(first).headers


@pytest.mark.parametrize(
    "data",
    [
        HEADS[0] % 2 + b"{",
        HEADS[0] % 2 + b"{}P",
        HEADS[1] % 2 + b"{}" + HEADS[1] % 2 + b"{}",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nX: content-length: 2\r\n\r\n{}",
        b"\r\n\r\n" + HEADS[0] % 2 + b"{}",
        b"",
    ],
    ids=["cut", "more", "two", "chunks", "no length", "blank lines", "nothing"],
)
def test_only_a_head_that_its_body_alone_follows_is_learnt(data: bytes) -> None:
    """Where data may hold anything but one request, nothing is known again."""
    assert CachedHeader.of(data) is None


@pytest.mark.parametrize(
    "again",
    [
        HEADS[0] % 3 + b"{}",
        HEADS[0] % 1 + b"{}",
        HEADS[1] % 2 + b"{}",
        (HEADS[0] % 2).replace(b"//a.", b"//b.") + b"{}",
        (HEADS[0] % 2).replace(b": 2", b": +2") + b"{}",
        (HEADS[0] % 2).replace(b": 2", b": 2 ") + b"{}",
        (HEADS[0] % 2).replace(b": 2", b": ") + b"{}",
        (HEADS[0] % 2).replace(b": 2", b": 0000002") + b"{}",
        HEADS[0] % 100_000 + b"x" * 100_000,
        HEADS[0] % 2,
        (HEADS[0] % 2)[:40],
    ],
)
def test_all_else_is_left_to_the_parser(again: bytes) -> None:
    """Another head, an unusual length, and a body that is not there as a whole are not known."""
    assert known(HEADS[0] % 2 + b"{}").body_of(again) is None


TRACK = ROUTES["/v1/track"]
HEAD = Head([(b"origin", b"https://a.example")], b"", ("192.0.2.1", 1))


def exchange_over(intake: Intake) -> tuple[Exchange, list[bytes]]:
    """Make an exchange, and the list of what it sends."""
    sent: list[bytes] = []
    return Exchange(intake, sent.append), sent  # type: ignore[arg-type]


def test_a_request_is_complete_when_it_is_answered() -> None:
    """A request is under way from its head to its answer, whose bytes are sent then."""
    intake = Intake()
    exchange, sent = exchange_over(intake)
    exchange.begin(TRACK, HEAD)
    for piece in (b'{"a"', b":1}"):
        exchange.add(piece)
    exchange.finish()
    assert (intake.taken, sent) == ([(TRACK, HEAD, b'{"a":1}')], [])
    assert not exchange.response_complete
    intake.replies[0](answers.SUCCESS)
    assert exchange.response_complete
    assert sent[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"access-control-allow-origin: https://a.example\r\n" in sent[0]
    assert sent[0].endswith(b'\r\n\r\n{"success": true}')


def test_a_request_repeated_is_taken_like_the_first() -> None:
    """A request with a learnt head goes to the intake as the one that was parsed."""
    intake = Intake(answers.SUCCESS)
    exchange, sent = exchange_over(intake)
    exchange.begin(TRACK, HEAD)
    exchange.finish()
    exchange.learn(HEADS[0] % 0)
    assert exchange.repeat(HEADS[0] % 2 + b"{}")
    assert intake.taken[1] == (TRACK, HEAD, b"{}")
    assert sent[0] == sent[1]


def test_a_head_forgotten_is_not_repeated() -> None:
    """Once something else was left to the parser, a request is never taken under the old head."""
    exchange, _ = exchange_over(Intake(answers.SUCCESS))
    exchange.begin(TRACK, HEAD)
    exchange.finish()
    exchange.learn(HEADS[0] % 0)
    exchange.forget()
    assert not exchange.repeat(HEADS[0] % 2 + b"{}")


def test_a_fault_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of the collector is logged, and answered in the one shape of errors."""

    class Broken(Intake):
        def take_body(self, *request: Any) -> None:
            raise KeyError(request)

    exchange, sent = exchange_over(Broken())
    exchange.begin(TRACK, HEAD)
    exchange.finish()
    assert sent[0].startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert sent[0].endswith(answers.FAULT.body)
    assert "could not be taken" in caplog.text


def test_the_last_answer_says_so() -> None:
    """Once the server stops, the answer ends the connection."""
    exchange, sent = exchange_over(Intake(answers.SUCCESS))
    exchange.begin(TRACK, HEAD)
    exchange.keep_alive = False
    exchange.finish()
    assert b"\r\nconnection: close\r\n" in sent[0]
