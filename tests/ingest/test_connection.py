"""What ends a connection before it brings a request."""

import contextlib
import json
import socket

import pytest

from tests.conftest import RunningCollector


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
