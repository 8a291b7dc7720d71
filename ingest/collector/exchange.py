"""A POST of events on its short way: from its head to its answer without ASGI.

uvicorn makes a task, an event and two callables for each request and reads its head anew, though
a client hardly ever changes it: that takes longer than the judgement of an event.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from time import perf_counter

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer
from funnelhouse.ingest.collector.http import Head, as_bytes
from funnelhouse.ingest.collector.intake import Reader, Receiver

_log = logging.getLogger(__name__)


class Exchange:
    """Takes one request after another on a connection; `send` gets the bytes of each answer.

    It stands where uvicorn keeps its cycle of a request, and has what uvicorn asks of that.
    """

    def __init__(self, intake: Receiver, send: Callable[[bytes], None]) -> None:
        self.response_complete = True
        self.keep_alive = True
        self.disconnected = False
        self.message_event = asyncio.Event()
        self.reading = False
        self._intake = intake
        self._send = send
        self._known: CachedHeader | None = None
        self._pieces: list[bytes] = []

    def begin(self, read: Reader, head: Head) -> None:
        """Begin a request whose head was parsed; its body is for `read`."""
        self._read = read
        self._head = head
        self._started = perf_counter()
        self.response_complete = False
        self.reading = True

    def add(self, piece: bytes) -> None:
        """Add a piece of the body."""
        self._pieces.append(piece)

    def finish(self) -> None:
        """Hand what came of the body to the intake, whose reply is sent once it is there."""
        body, self._pieces = b"".join(self._pieces), []
        self.reading = False
        self._take(body)

    def drop(self) -> None:
        """Forget the request under way, which was answered by another."""
        self._pieces = []
        self.reading = False
        self.response_complete = True

    def learn(self, data: bytes) -> None:
        """Know the last request's head again, if that and its body are the whole of `data`."""
        self._known = CachedHeader.of(data)

    def forget(self) -> None:
        """Know no head again: what comes goes to the parser, and may be anything."""
        self._known = None

    def repeat(self, data: bytes) -> bool:
        """Take a request that has the last one's head again; False when `data` is no such."""
        if self._known is None or not self.response_complete:
            return False
        body = self._known.body_of(data)
        if body is None:
            return False
        self._started = perf_counter()
        self.response_complete = False
        self._take(body)
        return True

    def _take(self, body: bytes) -> None:
        try:
            self._intake.take_body(self._read, self._head, body, self._reply)
        except Exception:  # noqa: BLE001 - whatever happened, nobody waits for ever
            _log.exception("A request could not be taken.")
            self._reply(answers.FAULT)

    def _reply(self, answer: Answer) -> None:
        self._intake.answered(answer, self._started)
        self.response_complete = True
        self._send(as_bytes(answer, self._head.origin, close=not self.keep_alive))


class CachedHeader:
    """The bytes of a head around the number of its Content-Length, which alone may differ.

    The same bytes at the start of a request mean the same head, so they need no parser.
    """

    __slots__ = ("_after", "_before")

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after

    @classmethod
    def of(cls, data: bytes) -> "CachedHeader | None":
        """Know the head in `data` again, if its body alone follows it; the parser has read both."""
        end = data.find(_BLANK_LINE) + len(_BLANK_LINE)
        length = _CONTENT_LENGTH.search(data, 0, end)
        if length is None or len(data) - end != int(length[1]):
            return None
        return cls(data[: length.start(1)], data[length.end(1) : end])

    def body_of(self, data: bytes) -> bytes | None:
        """Return the body of a request if `data` is the whole of it and has this head."""
        before, after = self._before, self._after
        if not data.startswith(before):
            return None
        end = data.find(b"\r", len(before), len(before) + _MOST_DIGITS + 1)
        digits = data[len(before) : end]
        body = end + len(after)
        if end < 0 or not data.startswith(after, end) or not digits.isdigit():
            return None
        return data[body:] if len(data) - body == int(digits) else None


_BLANK_LINE = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_MOST_DIGITS = 5
