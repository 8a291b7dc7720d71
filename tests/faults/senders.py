"""Senders that keep a collector busy and never give up: a batch goes again until it is answered."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import httpx
import orjson

_RETRY = {503, 429}


@dataclass
class Senders:
    """What was sent: ids of answered events, of refused ones (503), and answers of other kinds.

    Between two batches each sender pauses for `pause_s`.
    """

    url: str
    pause_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    acked: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    unexpected: list[str] = field(default_factory=list)

    def send_on(self, events: int) -> None:
        """Send batches of so many events one after the other, each tenth twice, until told to stop.

        A sender that never saw its answer, though it was given, would do the same.
        """
        with httpx.Client(base_url=self.url, timeout=30) as client:
            for number in count(1):
                ids = batch(events)
                self.send(client, ids)
                if number % 10 == 0:
                    self.send(client, ids)
                if self.stop.wait(self.pause_s):
                    return

    def send(self, client: httpx.Client, ids: list[str]) -> None:
        """Send one batch until it is answered, with the same message ids each time."""
        body = body_of(ids)
        while not self.stop.is_set():
            try:
                answer = client.post("/v1/batch", content=body)
            except httpx.TransportError:
                self.stop.wait(0.05)
                continue
            if answer.status_code in _RETRY:
                self.refused.update(ids)
                self.stop.wait(0.05)
                continue
            if answer.json() == {"success": True}:
                self.acked.update(ids)
            else:
                self.unexpected.append(answer.text)
            return


def batch(events: int) -> list[str]:
    """Draw ids for so many events."""
    return [str(uuid4()) for _ in range(events)]


def body_of(ids: list[str], note: str = "") -> bytes:
    """Return the body of a batch of page calls with these ids; `note` makes them large."""
    page = {"type": "page", "anonymousId": "a-1", "context": {"locale": note}}
    calls = [page | {"messageId": one} for one in ids]
    return orjson.dumps({"writeKey": "dev", "batch": calls})


@contextmanager
def sending(
    url: str, *, threads: int = 2, events: int = 20, pause_s: float = 0.0
) -> Iterator[Senders]:
    """Keep some senders busy for the length of a `with` block."""
    senders = Senders(url, pause_s)
    workers = [threading.Thread(target=senders.send_on, args=(events,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield senders
    finally:
        senders.stop.set()
        for worker in workers:
            worker.join()
