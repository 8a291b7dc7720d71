import argparse
import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bench.events import template
from bench.generator import generate

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def latencies(request: Path, stall_s: float, connections: int) -> dict[str, float]:
    """Run the generator for a second against a server that stalls once, in its first answer."""
    stalled = False
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal stalled
        served.append(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(head.rpartition(b"Content-Length: ")[2]))
                if not stalled:
                    stalled = True
                    await asyncio.sleep(stall_s)
                writer.write(_ANSWER)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    load: dict[str, Any] = {"rate": 200.0, "seconds": 1.0, "connections": connections}
    try:
        return await generate(argparse.Namespace(request=request, port=port, **load))
    finally:
        server.close()
        await asyncio.gather(*served)


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    file = tmp_path / "request"
    file.write_bytes(template(1).request)
    return file


def test_a_stall_counts_for_the_requests_it_held_up(request_file: Path) -> None:
    """While the only connection stalls, requests fall due and their latency runs on."""
    seen = asyncio.run(latencies(request_file, stall_s=0.6, connections=1))
    assert seen["p50_ms"] > 100


def test_every_request_of_the_schedule_is_sent(request_file: Path) -> None:
    """A second at 200 a second is 200 requests, whatever the server does."""
    seen = asyncio.run(latencies(request_file, stall_s=0.0, connections=8))
    assert seen["failed"] == 0
    assert seen["requests"] == 200
