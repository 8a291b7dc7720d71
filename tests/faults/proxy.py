"""A proxy on TCP that harms what passes between a loader and its server, at random by a seed."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from threading import Thread

KINDS = ("refused", "request cut", "answer lost", "answer cut", "delayed")
"""A connection that is not taken, a request or an answer that ends half-way, an answer that is lost
though the server did what was asked, and one that comes late."""

_CHUNK = 1 << 16
_LONGEST_DELAY_S = 0.3


class Proxy:
    """Passes on to a port, and harms a message in `one_in`, kind by kind, until it is `calm`."""

    def __init__(self, port: int, seed: int, one_in: int) -> None:
        self.done: Counter[str] = Counter()
        self.calm = False
        self.port = 0
        self._to = port
        self._random = Random(seed)
        self._one_in = one_in
        self._coming: list[str] = []

    async def serve(self) -> asyncio.Server:
        """Begin to listen; the port is known then."""
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def _harm(self, *kinds: str) -> str:
        """Draw what happens to a message that can suffer some kinds: mostly nothing."""
        if not self._coming:
            self._coming = self._random.sample(KINDS, len(KINDS))
        due = self._coming[-1] in kinds and not self.calm
        if not due or (self._coming[-1] != "refused" and self._random.randrange(self._one_in)):
            return ""
        return self._coming.pop()

    async def _pass_on(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        harm = self._harm("refused")
        if harm:
            self._end(harm, back)
            return
        try:
            there, on = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            back.transport.abort()
            return
        await asyncio.gather(
            self._messages(here, on, back, ("request cut",)),
            self._messages(there, back, on, ("answer lost", "answer cut", "delayed")),
            return_exceptions=True,
        )
        for writer in (on, back):
            writer.close()

    async def _messages(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        other: asyncio.StreamWriter,
        kinds: tuple[str, ...],
    ) -> None:
        while data := await reader.read(_CHUNK):
            harm = self._harm(*kinds)
            if harm == "delayed":
                self.done[harm] += 1
                await asyncio.sleep(self._random.uniform(0, _LONGEST_DELAY_S))
            elif harm:
                if harm != "answer lost":
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                self._end(harm, writer, other)
                return
            writer.write(data)
            await writer.drain()
        other.close()
        writer.close()

    def _end(self, harm: str, *writers: asyncio.StreamWriter) -> None:
        self.done[harm] += 1
        for writer in writers:
            writer.transport.abort()


@contextmanager
def harming(port: int, seed: int, one_in: int) -> Iterator[Proxy]:
    """Run a proxy before a port."""
    proxy = Proxy(port, seed, one_in)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(proxy.serve())
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
