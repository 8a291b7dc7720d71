"""The servers under test: started on one core, measured from outside, stopped at the end."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_START_S = 60.0
_STOP_S = 30.0


class AbsentError(Exception):
    """What a contender needs is not installed here."""


@dataclass(frozen=True)
class Contender:
    """How to start one server; `needs` is the program that must be there."""

    name: str
    command: tuple[str, ...]
    port: int
    needs: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """A running server, with all its child processes."""

    contender: Contender
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.contender.port

    def cpu_s(self) -> float:
        """Processor seconds that it has taken, in user and kernel mode."""
        times = [process.cpu_times() for process in self._family()]
        return sum(time.user + time.system for time in times)

    def peak_bytes(self, named: str = "") -> int:
        """Most memory that one of its processes held, of those with `named` in their command."""
        return max(
            _high_water(process.pid)
            for process in self._family()
            if named in " ".join(process.cmdline())
        )

    def _family(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]


@contextmanager
def running(contender: Contender, cores: str = "0") -> Iterator[Server]:
    """Start a server on `cores`, wait until it listens, and stop it in the end.

    Raises:
        AbsentError: its program is not installed.
        TimeoutError: it does not listen within a minute.
    """
    if shutil.which(contender.needs) is None:
        raise AbsentError(f"{contender.name} left out: {contender.needs} is not installed.")
    process = subprocess.Popen(
        ["taskset", "-c", cores, *contender.command],
        env={**os.environ, **contender.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(contender, process)
        yield Server(contender, process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(contender: Contender, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", contender.port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{contender.name} does not listen on {contender.port}; start it by hand.")


def _high_water(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0
