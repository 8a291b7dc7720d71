"""Drives a server from the second core: wrk where it is installed, else the generator of ours."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.events import MARK, REQUEST_MARK, Template

SERVER_CORE, LOAD_CORE = 0, 1
_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a generator saw: requests answered with success, those that failed, latencies."""

    requests: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def requests_per_s(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def peak(template: Template, port: int, seconds: float, connections: int) -> LoadResult:
    """Send as fast as the server answers, one request at a time a connection."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(template.request)
        file.flush()
        if shutil.which("wrk") is None:
            return _own(file.name, port, seconds, connections)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(int(seconds), 1)}s", "-s"]
        command += [str(_SCRIPT), f"http://127.0.0.1:{port}/", "--", file.name]
        command += [MARK.decode(), REQUEST_MARK.decode()]
        return _run(command)


def at_rate(template: Template, port: int, seconds: float, rate: float) -> LoadResult:
    """Send `rate` requests a second on a fixed schedule; latency counts from the schedule."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(template.request)
        file.flush()
        return _own(file.name, port, seconds, 64, "--rate", str(rate))


def _own(request: str, port: int, seconds: float, connections: int, *more: str) -> LoadResult:
    command = [sys.executable, "-m", "bench.generator", request, str(port), *more]
    return _run([*command, f"--seconds={seconds}", f"--connections={connections}"])


def _run(command: list[str]) -> LoadResult:
    pinned = ["taskset", "-c", str(LOAD_CORE), *command]
    done = subprocess.run(pinned, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} stopped: {done.stderr.strip()[-500:]}")
    return LoadResult(**json.loads(done.stdout.strip().splitlines()[-1]))
