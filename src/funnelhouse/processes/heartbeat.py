"""A child's sign of life, which its supervisor misses when the process hangs.

A thread writes to a pipe every second, so that neither a long query nor a long load looks like a
hang: the engine works without Python's lock. It falls silent when the process is stopped, when
nothing gets that lock, and when the event loop has not turned for a minute. Until a process is
ready it may be silent for longer, since loading the engine holds the lock.
"""

import asyncio
import os
import threading
import time
from contextlib import suppress

VARIABLE = "HEARTBEAT_PIPE"
"""The environment variable that names the descriptor of the pipe."""

_EVERY_S = 1.0
_LOOP_PATIENCE_S = 60.0
_SILENT_S = 10.0
_ASLEEP_S = 5.0
_SILENT_AT_START_S = 300.0
_STARTING, _READY = b"s", b"r"


class Heartbeat:
    """Beats until the process ends; `turned` is called by an event loop that turns."""

    def __init__(self) -> None:
        """Begin to beat, unless no supervisor listens."""
        self._turned_at: float | None = None
        self._sign = _STARTING
        self._pipe = int(os.environ.pop(VARIABLE, "-1"))
        if self._pipe >= 0:
            os.set_blocking(self._pipe, False)
            threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def ready(self) -> None:
        """Say that the process has started, so that silence means a hang."""
        self._sign = _READY
        self._beat()

    def turned(self) -> None:
        """Note that the event loop has turned."""
        self._turned_at = time.monotonic()

    async def turn(self) -> None:
        """Note every second that the running event loop turns, until cancelled."""
        self.ready()
        while True:
            self.turned()
            await asyncio.sleep(_EVERY_S)

    def _run(self) -> None:
        while True:
            last = self._turned_at
            if last is None or time.monotonic() < last + _LOOP_PATIENCE_S:
                self._beat()
            time.sleep(_EVERY_S)

    def _beat(self) -> None:
        # A full pipe is one that a stopped supervisor does not read.
        with suppress(OSError):
            os.write(self._pipe, self._sign)


class Pulse:
    """The supervisor's end: whether a child still beats. One child at a time."""

    def __init__(self) -> None:
        self._reading = -1
        self._is_ready = False
        self._heard_at = self._looked_at = 0.0

    def begin(self) -> int:
        """Open a pipe for a new child, and give the end that it writes to."""
        self.end()
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._is_ready = False
        self._heard_at = self._looked_at = time.monotonic()
        return writing

    def end(self) -> None:
        """Close the pipe."""
        if self._reading >= 0:
            os.close(self._reading)
        self._reading = -1

    def is_gone(self) -> bool:
        """Say whether the child has been silent for too long; ask several times a second.

        A supervisor that was stopped itself, or starved, begins to wait anew.
        """
        now = time.monotonic()
        signs = b""
        with suppress(BlockingIOError):
            signs = os.read(self._reading, 4096)
        if signs or now > self._looked_at + _ASLEEP_S:
            self._heard_at = now
            self._is_ready = self._is_ready or _READY in signs
        self._looked_at = now
        return now > self._heard_at + (_SILENT_S if self._is_ready else _SILENT_AT_START_S)
