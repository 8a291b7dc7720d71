"""The command line as a user meets it: a process with an environment, an exit status, two texts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest

from funnelhouse.settings import Settings
from tests.conftest import RunningProduct, free_port
from tests.funnelhouse.commands import STREAMS, forked

_END_S = 120.0
_FORKING = get_context("forkserver")
_FORKING.set_forkserver_preload([forked.__module__])


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs `funnelhouse` with the environment of some settings."""

    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        """What the process finds in its environment."""
        return {**os.environ, **self.settings.as_environment()}

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run one command to its end."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / STREAMS[0]).write_bytes(stdin)
            process = _FORKING.Process(
                target=forked, args=(arguments, self.environment, Path.cwd(), folder)
            )
            process.start()
            process.join(_END_S)
            if process.exitcode is None:
                process.kill()
                raise TimeoutError(f"{arguments} did not end within {_END_S} s")
            told = [(folder / stream).read_bytes() for stream in STREAMS[1:]]
            return subprocess.CompletedProcess(arguments, process.exitcode, *told)

    def each(self, *commands: Sequence[str]) -> list[subprocess.CompletedProcess[bytes]]:
        """Run commands one after another in one process, which costs less than one for each."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.funnelhouse.commands"],
            env=self.environment,
            input=orjson.dumps(commands),
            capture_output=True,
            timeout=_END_S,
            check=True,
        )
        return [
            subprocess.CompletedProcess(command, status, out.encode(), err.encode())
            for command, (status, out, err) in zip(commands, orjson.loads(done.stdout), strict=True)
        ]

    def outs(self, *commands: Sequence[str]) -> list[str]:
        """Run commands by one process that must all succeed, and return what each printed."""
        ended = self.each(*commands)
        assert [one.stderr.decode() for one in ended if one.returncode] == []
        return [one.stdout.decode() for one in ended]

    def out(self, *arguments: str) -> str:
        """Run one command that must succeed, and return what it printed."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode()

    @contextmanager
    def up(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the product by `up` for the length of a `with` block."""
        process = subprocess.Popen(
            [sys.executable, "-m", "funnelhouse.cli", "up"],
            env=self.environment,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(_END_S) == 0


def nowhere(folder: Path) -> Settings:
    """Give settings of a product that does not run, with its data in a folder."""
    collector, console, sql = (f"127.0.0.1:{free_port()}" for _ in range(3))
    return Settings(data=folder / "data", collector=collector, console=console, sql=sql, workers=1)


@pytest.fixture
def stopped(tmp_path: Path) -> CommandLine:
    """Give the command line of a data folder of its own, where nothing runs."""
    return CommandLine(nowhere(tmp_path))


@pytest.fixture(scope="session")
def running(product: RunningProduct) -> CommandLine:
    """Give the command line beside the running product."""
    return CommandLine(product.settings)
