"""A load generator of one process: requests at a fixed rate, or one after the other.

At a fixed rate each request has its time before the run starts, and its latency counts from that
time whether or not a connection was free: a server that stalls is not spared the requests that
would have come meanwhile (coordinated omission).
"""

import argparse
import asyncio
import json
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import uvloop

from bench.events import Requests

_TICK_S = 0.0005
_DRAIN_S = 5.0


@dataclass
class GeneratorRun:
    """Requests under way and the latencies of those answered, in seconds."""

    requests: Requests
    closed: bool
    free: deque["ClientConnection"] = field(default_factory=deque)
    due: deque[float] = field(default_factory=deque)
    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    ended: bool = False

    def answered(self, connection: "ClientConnection", *, good: bool) -> None:
        """Note an answer, and give its connection the next request."""
        if good:
            self.latencies.append(perf_counter() - connection.due_at)
        else:
            self.failed += 1
        if self.closed and not self.ended:
            connection.send(next(self.requests), perf_counter())
        elif self.due:
            connection.send(next(self.requests), self.due.popleft())
        else:
            self.free.append(connection)

    def start(self, due_at: float) -> None:
        """Send what is due on a free connection, or as soon as one is free.

        The one that rested longest comes first: servers close those that rest for seconds.
        """
        if self.free:
            self.free.popleft().send(next(self.requests), due_at)
        else:
            self.due.append(due_at)


class ClientConnection(asyncio.Protocol):
    """One connection with at most one request under way: no pipelining."""

    def __init__(self, run: GeneratorRun) -> None:
        self._run = run
        self._read = b""
        self.due_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Offer the connection for requests."""
        self._transport = transport
        self._run.free.append(self)

    def send(self, request: bytes, due_at: float) -> None:
        """Send a request that was due at a moment of `perf_counter`."""
        self.due_at = due_at
        self._transport.write(request)  # type: ignore[attr-defined]

    def connection_lost(self, _error: Exception | None) -> None:
        """Stay away from a closed connection; what was under way on it stays unanswered."""
        if not self._run.ended and self in self._run.free:
            self._run.free.remove(self)

    def data_received(self, data: bytes) -> None:
        """Read until the answer is whole."""
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if end and len(body) >= _content_length(head):
            self._read = b""
            self._run.answered(self, good=head[9:10] == b"2")


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


async def generate(args: argparse.Namespace) -> dict[str, float]:
    """Run the load that the arguments ask for; latencies in milliseconds."""
    loop = asyncio.get_running_loop()
    run = GeneratorRun(Requests(args.request.read_bytes()), closed=not args.rate)
    transports = [
        (await loop.create_connection(lambda: ClientConnection(run), "127.0.0.1", args.port))[0]
        for _ in range(args.connections)
    ]
    started = perf_counter()
    if args.rate:
        await _at_fixed_rate(run, args.rate, args.seconds)
    else:
        for connection in list(run.free):
            connection.send(next(run.requests), perf_counter())
        run.free.clear()
        await asyncio.sleep(args.seconds)
    took_s = perf_counter() - started
    run.ended = True
    done = len(run.latencies)
    waits = _DRAIN_S
    while len(run.free) < args.connections and waits > 0:
        await asyncio.sleep(_TICK_S)
        waits -= _TICK_S
    for transport in transports:
        transport.close()
    missing = args.connections - len(run.free) + len(run.due)
    return _summary(run, done if run.closed else len(run.latencies), missing, took_s)


async def _at_fixed_rate(run: GeneratorRun, rate: float, seconds: float) -> None:
    started = perf_counter()
    sent = 0
    last = int(seconds * rate)
    while sent < last:
        due = min(int((perf_counter() - started) * rate), last)
        for number in range(sent, due):
            run.start(started + number / rate)
        sent = due
        await asyncio.sleep(_TICK_S)


def _summary(run: GeneratorRun, done: int, missing: int, seconds: float) -> dict[str, float]:
    ordered = sorted(run.latencies) or [0.0]
    return {
        "requests": done,
        "failed": run.failed + missing,
        "seconds": seconds,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("request", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=0.0, help="requests/s; 0 = one by one")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=64)
    uvloop.install()
    json.dump(asyncio.run(generate(parser.parse_args())), sys.stdout)


if __name__ == "__main__":
    main()
