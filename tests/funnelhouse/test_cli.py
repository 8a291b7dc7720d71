import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import funnelhouse
from funnelhouse.processes.process_lock import only_one
from tests.conftest import wait_for_file
from tests.funnelhouse.conftest import CommandLine, nowhere


def assert_told(ended: subprocess.CompletedProcess[bytes], told: str) -> None:
    """Exit status 2, one sentence on standard error that says this, and nothing of our insides."""
    text = ended.stderr.decode()
    assert ended.returncode == 2, text
    assert "Traceback" not in text
    assert len(text.splitlines()) == 1
    assert re.search(told, text)
    assert ended.stdout == b""


TOLD = (
    ("", "Missing command; see `.* --help`"),
    ("bogus", "No such command 'bogus'"),
    ("sql", "Missing argument 'statement'; see `.* sql --help`"),
    ("sql 1 --nope 1", "No such option: --nope"),
    ("up --workers x", "--workers.*FUNNELHOUSE_WORKERS.*integer"),
    ("up --workers 999", "FUNNELHOUSE_WORKERS .--workers.*less than or equal to 256"),
    ("up --collector nope", "FUNNELHOUSE_COLLECTOR.*write host:port"),
    ("up --collector 0.0.0.0:1", "set FUNNELHOUSE_WRITE_KEYS"),
    ("up --collector nobody.invalid:1", "set FUNNELHOUSE_WRITE_KEYS"),
    ("up --collector 192.0.2.1:1 --write-keys a:b", "set FUNNELHOUSE_COLLECTOR.*this machine"),
    ("up --write-keys a:b:c", "write key:source"),
    ("up --timezone Mars", "FUNNELHOUSE_TIMEZONE.*Asia/Seoul"),
    ("up --unknown-events maybe", "--unknown-events.*reject.*accept"),
    ("up --plan /nowhere", "/nowhere:1: there is no such folder"),
    ("up --warehouse ftp://x", "FUNNELHOUSE_WAREHOUSE.*http://user:password@host"),
    (
        "sql 1 --warehouse http://127.0.0.1:9/x",
        "127.0.0.1:9 is not there.*FUNNELHOUSE_WAREHOUSE",
    ),
    ("send /nowhere", "There is no /nowhere; correct the path"),
    ("send - --url nope", "write --url http://host:port"),
    ("send - --url http://[nope", "write --url http://host:port"),
    ("send - --state x", "leave --state out"),
    ("import spend /nowhere", "There is no /nowhere"),
    ("import events /nowhere", "There is no /nowhere"),
    ("import targets /nowhere", "There is no /nowhere"),
    ("replay --reason bogus", "--reason.*unknown_event"),
)
"""Wrong commands, and what each is told."""


@pytest.fixture(scope="module")
def ended(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, subprocess.CompletedProcess[bytes]]:
    """Run all the wrong commands where nothing runs, and keep how each ended."""
    line = CommandLine(nowhere(tmp_path_factory.mktemp("wrong")))
    commands = [command for command, _ in TOLD]
    return dict(zip(commands, line.each(*map(str.split, commands)), strict=True))


@pytest.mark.parametrize(("command", "told"), TOLD)
def test_told(
    ended: dict[str, subprocess.CompletedProcess[bytes]], command: str, told: str
) -> None:
    """Each wrong command ends with one sentence that says what to mend, and no traceback."""
    assert_told(ended[command], told)


@pytest.mark.parametrize(("command", "told"), [TOLD[0], TOLD[5], TOLD[-1]])
def test_told_by_a_process(stopped: CommandLine, command: str, told: str) -> None:
    """A process for the command alone ends with the same."""
    assert_told(stopped.run(*command.split()), told)


def test_wrong_environment(stopped: CommandLine) -> None:
    """A wrong variable is told by its name, though no option was given."""
    environment = stopped.environment | {"FUNNELHOUSE_TIMEZONE": "Mars"}
    ended = subprocess.run(
        [sys.executable, "-m", "funnelhouse.cli", "status"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert_told(ended, "FUNNELHOUSE_TIMEZONE")


@pytest.mark.parametrize("setting", ["collector", "console"])
def test_address_in_use(stopped: CommandLine, setting: str) -> None:
    """A taken address is told with the setting to change, and nothing is left running."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = stopped.run("up", f"--{setting}", address)
    assert_told(ended, f"{address} is taken.*FUNNELHOUSE_{setting.upper()} .--{setting}")


def test_folder_in_use(running: CommandLine, stopped: CommandLine) -> None:
    """A second warehouse process on one data folder is refused by the folder's name."""
    data = running.settings.data
    ended = stopped.run("warehouse", "--data", str(data))
    assert ended.returncode == 2
    assert f"already works on {data}" in ended.stderr.decode()


def test_collector_of_a_folder_in_use(stopped: CommandLine) -> None:
    """A second collector on one data folder is refused: their counters would be one file."""
    with only_one(stopped.settings, "collector"):
        ended = stopped.run("collect")
    assert_told(ended, f"collector process already works on {stopped.settings.data}")


def test_start_is_told(stopped: CommandLine) -> None:
    """Who starts the product reads where it listens and where its data lies; a stop ends with 0.

    It is stopped while it still starts, and nothing had to be killed for that.
    """
    settings = stopped.settings
    process = subprocess.Popen(
        [sys.executable, "-m", "funnelhouse.cli", "up"],
        env=stopped.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for_file(settings.run_folder / "control.json")
    process.terminate()
    told, complaints = (text.decode() for text in process.communicate(timeout=60))
    assert process.returncode == 0
    for place in (f"http://{settings.collector}", f"http://{settings.console}", settings.data):
        assert str(place) in told
    assert complaints == ""


def test_unreadable_file(stopped: CommandLine, tmp_path: Path) -> None:
    """A path that is a folder is refused in a sentence."""
    assert_told(stopped.run("import", "spend", str(tmp_path)), "directory")


def test_statement_refused(running: CommandLine) -> None:
    """The engine's refusal of a statement comes as one sentence, through the running product."""
    assert_told(running.run("sql", "SELECT nope FROM events"), "nope")


def test_write_refused(running: CommandLine) -> None:
    """The command reads only."""
    assert_told(running.run("sql", "TRUNCATE TABLE ad_spend"), "readonly")


def test_statement_refused_when_stopped(stopped: CommandLine) -> None:
    """The engine's refusal is told in the same way where nothing runs."""
    assert_told(stopped.run("sql", "SELECT nope FROM events"), "nope")


def test_default_in_brackets(stopped: CommandLine) -> None:
    """The help shows what stands in brackets, which a terminal's mark-up would swallow."""
    assert "FILE.sent" in stopped.out("send", "--help")


def test_version(stopped: CommandLine) -> None:
    """The version is told alone."""
    assert stopped.out("--version") == f"funnelhouse {funnelhouse.__version__}\n"


def test_reader_went_away(running: CommandLine) -> None:
    """A pipe that is closed early ends the command in silence."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "funnelhouse.cli", "sql", "SELECT 1"],
        env=running.environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert ended.stderr == b""
    assert ended.returncode == 1
