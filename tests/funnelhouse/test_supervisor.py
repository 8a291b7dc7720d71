"""What the supervisor tells of its processes: which ended by themselves, and which it killed."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from funnelhouse.processes.supervisor import Child

ENDS = "raise SystemExit(3)"
IGNORES_SIGTERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("started", flush=True)
signal.pause()
"""


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """The processes that were told of, each with how the sentence goes on."""
    return [(vars(record)["child"], record.getMessage()) for record in caplog.records]


def child(script: str) -> Child:
    """A process that runs a script."""
    return Child(
        "some",
        lambda _: subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE),
        order=0,
    )


@pytest.fixture
def stubborn() -> Iterator[Child]:
    """Give a process that takes no notice of SIGTERM, once it does not."""
    one = child(IGNORES_SIGTERM)
    assert one.process.stdout is not None
    assert one.process.stdout.readline() == b"started\n"
    yield one
    one.process.kill()
    one.process.communicate()


def test_one_that_ended_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A process that ended by itself is told once, with its status, and begins again."""
    one = child(ENDS)
    ended = one.process
    ended.communicate()
    one.tend()
    assert told(caplog) == [("some", "a process ended, and is started again")]
    assert vars(caplog.records[0])["status"] == 3
    while one.process is ended:
        one.tend()
    assert len(caplog.records) == 1
    one.process.communicate()


def test_one_that_does_not_stop_is_told(caplog: pytest.LogCaptureFixture, stubborn: Child) -> None:
    """A process that does not stop in its time is killed, and that is told."""
    stubborn.process.terminate()
    stubborn.await_end(0.1)
    assert stubborn.process.returncode < 0
    assert told(caplog) == [("some", "a process has not stopped in its time, and is killed")]
