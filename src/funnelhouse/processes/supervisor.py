"""Starts collector workers and the warehouse process, again when one dies or hangs; stops them."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from funnelhouse.processes.address import host_and_port
from funnelhouse.processes.heartbeat import VARIABLE, Pulse
from funnelhouse.processes.sd_notify import sd_notify
from funnelhouse.settings import Settings

log = logging.getLogger(__name__)

_BACKLOG = 2048
_SHORT_LIFE_S = 5.0
_LONGEST_PAUSE_S = 10.0
_WATCHDOG_S = 5.0
"""How often systemd is told that the supervisor works; WatchdogSec of the units is 15 s."""
_STOPS_ANYWAY = 2
"""Exit status of a child that would fail again: a setting or a held folder must be mended first."""


@dataclass
class Child:
    """One process and how to start it; `order` says when it stops (lower first).

    `start` is given the descriptor of the pipe to which the process gives signs of life.
    """

    name: str
    start: Callable[[int], subprocess.Popen[bytes]]
    order: int
    pulse: Pulse = field(default_factory=Pulse)
    process: subprocess.Popen[bytes] = field(init=False)
    started_at: float = field(init=False)
    pause_s: float = 0.0
    again_at: float = 0.0

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start the process."""
        writing = self.pulse.begin()
        try:
            self.process = self.start(writing)
        finally:
            os.close(writing)
        self.started_at = time.monotonic()

    def tend(self) -> int | None:
        """Start a dead process again after a growing pause; its status where that is no use."""
        status = self.process.poll()
        if status is None:
            if self.pulse.is_gone():
                self._tell("a process gives no sign of life, and is killed")
                self.process.kill()
                self.process.wait()
            return None
        if status == _STOPS_ANYWAY:
            return status
        now = time.monotonic()
        if not self.again_at:
            lived_s = now - self.started_at
            self.pause_s = (
                0.0 if lived_s > _SHORT_LIFE_S else min(self.pause_s * 2 or 0.25, _LONGEST_PAUSE_S)
            )
            self.again_at = now + self.pause_s
            self._tell("a process ended, and is started again", status=status)
        if now >= self.again_at:
            self.again_at = 0.0
            self.begin()
        return None

    def await_end(self, wait_s: float) -> None:
        """Wait for a process that was told to stop, and kill it when it has not after `wait_s`."""
        until = time.monotonic() + wait_s
        while self.process.poll() is None and time.monotonic() < until:
            sd_notify("WATCHDOG=1")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(min(1.0, max(0.0, until - time.monotonic())))
        if self.process.poll() is None:
            self._tell("a process has not stopped in its time, and is killed", waited_s=wait_s)
            self.process.kill()
            self.process.wait()

    def _tell(self, message: str, **told: float) -> None:
        log.warning(message, extra={"child": self.name, **told})


class Supervisor:
    """Runs children until told to stop; collectors stop before the warehouse."""

    def __init__(self, settings: Settings, *, collect: bool, warehouse: bool) -> None:
        self._settings = settings
        self._environment = {**os.environ, **settings.as_environment()}
        self._stop = False
        self._listener = listen(settings.collector) if collect else None
        self._children: list[Child] = []
        if warehouse:
            self._children.append(Child("warehouse", self._start_warehouse, order=1))
        if collect:
            count = settings.workers or os.cpu_count() or 1
            for slot in range(count):
                self._children.append(
                    Child(f"collector-{slot}", self._worker_starter(slot, count), order=0)
                )

    def run(self) -> int:
        """Tend the children until SIGTERM or SIGINT; returns the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        status = 0
        sd_notify("READY=1")
        alive_at = 0.0
        while not self._stop:
            if time.monotonic() > alive_at + _WATCHDOG_S:
                sd_notify("WATCHDOG=1")
                alive_at = time.monotonic()
            statuses = [child.tend() for child in self._children]
            status = next((s for s in statuses if s is not None), 0)
            if status:
                break
            time.sleep(0.05)
        self.stop()
        return status

    def stop(self) -> None:
        """Stop all children, collectors first so that all they took is sealed."""
        sd_notify("STOPPING=1")
        for order in (0, 1):
            group = [child for child in self._children if child.order == order]
            for child in group:
                if child.process.poll() is None:
                    child.process.terminate()
            for child in group:
                child.await_end(self._settings.drain_s + 5)
        if self._listener is not None:
            self._listener.close()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _worker_starter(self, slot: int, count: int) -> Callable[[int], subprocess.Popen[bytes]]:
        listener = self._listener
        if listener is None:
            raise RuntimeError("workers need a listening socket")

        def start(beat: int) -> subprocess.Popen[bytes]:
            descriptor = listener.fileno()
            arguments = [str(descriptor), str(slot), str(count)]
            return self._start("funnelhouse.processes.worker", arguments, beat, (descriptor,))

        return start

    def _start_warehouse(self, beat: int) -> subprocess.Popen[bytes]:
        return self._start("funnelhouse.processes.warehouse", [], beat)

    def _start(
        self, module: str, arguments: list[str], beat: int, descriptors: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        # A session of its own keeps the terminal's Ctrl-C for the supervisor, which stops in order.
        # Without -P a folder or file of this name where the user stands would be taken for ours.
        return subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-P", "-m", module, *arguments],
            env=self._environment | {VARIABLE: str(beat)},
            pass_fds=(*descriptors, beat),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )


def listen(address: str) -> socket.socket:
    """Open the listening socket that all workers share.

    Raises:
        OSError: the address is taken or not this machine's.
    """
    host, port = host_and_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(_BACKLOG)
    listener.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return listener
