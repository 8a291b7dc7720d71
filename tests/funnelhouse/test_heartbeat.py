"""A hung process is noticed and started again; one that merely works is not."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from funnelhouse.processes import heartbeat
from funnelhouse.processes.heartbeat import Pulse
from funnelhouse.processes.sd_notify import sd_notify
from tests.conftest import running_product

NOTICED_S = 15.0


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Give the time."""
        return self.now

    def pass_by(self, seconds: float, look: Callable[[], bool]) -> bool:
        """Let time pass in steps of a supervisor's; say whether it noticed anything."""
        until, noticed = self.now + seconds, False
        while self.now < until and not noticed:
            self.now += 0.05
            noticed = look()
        return noticed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the heartbeat's clock."""
    clock = Clock()
    monkeypatch.setattr(heartbeat, "time", clock)
    return clock


def test_silence_is_noticed(clock: Clock) -> None:
    """A ready process may be silent for ten seconds, and no longer; one that starts for minutes."""
    pulse = Pulse()
    writing = pulse.begin()
    os.write(writing, b"s")
    assert not clock.pass_by(290, pulse.is_gone)
    os.write(writing, b"r")
    assert not clock.pass_by(9.9, pulse.is_gone)
    os.write(writing, b"r")
    assert not clock.pass_by(9.9, pulse.is_gone)
    assert clock.pass_by(1, pulse.is_gone)
    pulse.end()
    os.close(writing)


def test_a_supervisor_that_slept_waits_anew(clock: Clock) -> None:
    """A machine that was suspended as a whole kills nobody when it wakes."""
    pulse = Pulse()
    writing = pulse.begin()
    os.write(writing, b"r")
    pulse.is_gone()
    clock.now += 3600
    assert not pulse.is_gone()
    assert not clock.pass_by(9, pulse.is_gone)
    pulse.end()
    os.close(writing)


def children_of(process: int) -> dict[str, int]:
    """The processes of a product by their module."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        for name in (b"funnelhouse.processes.worker", b"funnelhouse.processes.warehouse"):
            if parent == process and name in command:
                found[name.decode()] = int(folder.name)
    return found


def test_stopped_processes_are_started_again(tmp_path: Path) -> None:
    """A worker and a warehouse process that hang are others within 15 s, which serve again."""
    with running_product(tmp_path / "data", "dev:web") as product:
        before = children_of(product.process.pid)
        assert set(before) == {"funnelhouse.processes.worker", "funnelhouse.processes.warehouse"}
        for process in before.values():
            os.kill(process, signal.SIGSTOP)
        hung_at = time.monotonic()
        while set(children_of(product.process.pid).values()) & set(before.values()):
            assert time.monotonic() < hung_at + NOTICED_S
            time.sleep(0.1)
        call = {"type": "track", "event": "Page Viewed", "anonymousId": "a"}
        answer = product.post("/v1/track", call, auth=("dev", ""))
        assert answer.status_code == 200
        product.wait_visible(lambda: "loader_rows_total" in product.client.get("/metrics").text)


@pytest.mark.parametrize("name", ["notify", "@funnelhouse-test-{}"], ids=["file", "abstract"])
def test_systemd_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told arrives at the socket that systemd names; without one nothing happens."""
    sd_notify("READY=1")
    address = name.format(os.getpid()) if name.startswith("@") else str(tmp_path / name)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0", 1) if name.startswith("@") else address)
        systemd.settimeout(10)
        sd_notify("WATCHDOG=1")
        assert systemd.recv(100) == b"WATCHDOG=1"
