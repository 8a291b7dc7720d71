"""The second wall alone: a reader whose judge passes everything reaches nothing but the tables."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from funnelhouse.console.readers import confinement
from funnelhouse.console.readers.confinement import why_not
from tests.conftest import PreparedWarehouse
from tests.console.readers.asking import UNJUDGED, Asked, asked

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
CANARY = "canary-4711"


@pytest.fixture(scope="module")
def unjudged(warehouse: PreparedWarehouse) -> Iterator[Asked]:
    """Give a reader without a judge, in a process whose parent has a canary in its environment."""
    os.environ["FUNNELHOUSE_CANARY"] = CANARY
    with asked(warehouse.place, command=UNJUDGED) as readers:
        yield readers
    del os.environ["FUNNELHOUSE_CANARY"]


@pytest.fixture(scope="module")
def canaries(warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Lay canaries where secrets lie: the data folder, its run folder, a folder of somebody's."""
    data = warehouse.settings.data
    places = [data / "secret.canary", data / "run" / "token", data / "warehouse" / "canary"]
    places.append(tmp_path_factory.mktemp("home") / "key")
    for place in places:
        place.parent.mkdir(exist_ok=True, parents=True)
        place.write_text(CANARY, encoding="utf-8")
    return places


def paths_to(canary: Path) -> list[str]:
    """Write the ways to a file: absolute, upwards from anywhere, by what a process has open."""
    upwards = "../" * 12
    return [
        str(canary),
        f"{upwards}{canary}",
        f"/proc/self/root{canary}",
        f"/proc/self/cwd/{upwards}{canary}",
        f"/proc/{os.getpid()}/root{canary}",
    ]


OF_THE_SYSTEM = (
    *("/etc/hostname", "/etc/passwd", "/usr/lib/os-release", "/proc/self/environ", "/proc/version"),
    *("/proc/self/mem", "/proc/self/cmdline", "/proc/self/status", "/proc/1/environ"),
    *("/proc/1/cmdline", f"/proc/{os.getpid()}/environ", f"/proc/{os.getpid()}/cmdline"),
    *("/proc/net/tcp", "/proc/self/fd/0", "/proc/self/fd/1", "/sys/kernel/notes"),
)
FORMS = (
    "SELECT file({path})",
    "SELECT arrayMap(file, [{path}])",
    "SELECT arrayMap(x -> file(x), [{path}])",
    "SELECT * FROM file({path}, 'LineAsString', 'line String')",
    "SELECT (SELECT arrayMap(file, [{path}]))",
    "EXPLAIN QUERY TREE SELECT file({path})",
    "DESCRIBE (SELECT file({path}))",
    "WITH f AS (SELECT file({path}) AS x) SELECT x FROM f",
    "SELECT * FROM view(SELECT file({path}))",
    "SELECT * FROM fileCluster('default', {path}, 'LineAsString', 'line String')",
)


def test_no_file_is_in_reach_by_any_path(unjudged: Asked, canaries: list[Path]) -> None:
    """Neither a secret nor a file of the system comes out, whatever way leads to it."""
    ways = [way for canary in canaries for way in paths_to(canary)]
    for way in (*ways, *OF_THE_SYSTEM):
        told = unjudged.told(f"SELECT file('{way}')")
        assert CANARY not in told, way
        assert told.startswith("refused: "), (way, told)


def test_no_file_is_in_reach_in_any_form(unjudged: Asked, canaries: list[Path]) -> None:
    """Nor does it in any form in which a statement asks for a file."""
    for form in FORMS:
        for way in (canaries[0], "/proc/self/environ"):
            told = unjudged.told(form.format(path=f"'{way}'"))
            assert CANARY not in told, form
            assert told.startswith("refused: "), (form, told)


def test_the_tables_are_in_reach(unjudged: Asked) -> None:
    """The same reader answers of its tables, so that the refusals above are not for all."""
    assert unjudged.text("SELECT count() > 0 FROM plan_states") == "1"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM url('http://127.0.0.1:{port}/', 'CSV', 'a String')",
        "SELECT * FROM remote('127.0.0.1:{port}', system.one)",
        "SELECT * FROM s3('http://127.0.0.1:{port}/b/k', 'CSV', 'a String')",
        "SELECT * FROM mysql('127.0.0.1:{port}', 'd', 't', 'u', 'p')",
        "SELECT * FROM postgresql('127.0.0.1:{port}', 'd', 't', 'u', 'p')",
        "SELECT * FROM executable('cat', 'TSV', 'a String', (SELECT 1))",
        "SELECT hasColumnInTable('127.0.0.1:{port}', 'u', 'p', 'system', 'one', 'dummy')",
        "INSERT INTO FUNCTION file('/tmp/{port}', 'CSV', 'a String') VALUES ('x')",
        "SELECT 1 INTO OUTFILE '{folder}/out'",
        "CREATE TABLE x (a String) ENGINE = File(CSV, '/etc/hostname')",
        "SYSTEM SHUTDOWN",
        "DROP TABLE events_raw",
        "TRUNCATE TABLE events_raw",
    ],
)
def test_no_address_and_no_program_is_in_reach(
    unjudged: Asked, tmp_path: Path, statement: str
) -> None:
    """Nobody knocks at a listening socket, no file is made, no table goes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        told = unjudged.told(statement.format(port=port, folder=tmp_path))
        assert told.startswith("refused: ")
        with pytest.raises(TimeoutError):
            listener.accept()
    assert list(tmp_path.iterdir()) == []
    assert unjudged.text("SELECT count() FROM events_raw LIMIT 1").isdigit()


_ESCAPE = """
import ctypes, json, os, signal, socket, subprocess, sys, threading
from pathlib import Path
from funnelhouse.console.readers.confinement import Cell, confine
canary, own, parent, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
confine(Cell((), own))
def tried(work):
    try:
        work()
        return "done"
    except OSError as error:
        return error.errno
def unix():
    socket.socket(socket.AF_UNIX).connect(canary)
def tcp():
    socket.create_connection(("127.0.0.1", port))
def thread():
    seen = []
    one = threading.Thread(target=lambda: seen.append(tried(lambda: open(canary))))
    one.start(); one.join()
    if seen == ["done"]: return
    raise PermissionError(13, "")
(own / "mine").write_text("x")
print(json.dumps({
    "file": tried(lambda: open(canary)),
    "list": tried(lambda: os.listdir(os.path.dirname(canary))),
    "write": tried(lambda: open(canary, "a")),
    "remove": tried(lambda: os.unlink(canary)),
    "thread": tried(thread),
    "environ": tried(lambda: open("/proc/self/environ")),
    "parent's environ": tried(lambda: open(f"/proc/{parent}/environ")),
    "parent's memory": tried(lambda: open(f"/proc/{parent}/mem", "rb")),
    "signal": tried(lambda: os.kill(parent, 0)),
    "group": tried(lambda: os.killpg(0, 0)),
    "fork": tried(os.fork),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
    "tcp": tried(tcp),
    "udp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "unix": tried(unix),
    "pair": tried(socket.socketpair),
    "own": tried(lambda: (own / "mine").read_text()),
    "own signal": tried(lambda: os.kill(os.getpid(), 0)),
}))
"""


def test_code_in_a_confined_process_gets_out_nowhere(tmp_path: Path) -> None:
    """Were the engine itself taken over: no file, socket, program or other process is in reach."""
    canary, own = tmp_path / "canary", tmp_path / "own"
    canary.write_text(CANARY, encoding="utf-8")
    own.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = [canary, own, os.getpid(), listener.getsockname()[1]]
        found = subprocess.run(
            [sys.executable, "-c", _ESCAPE, *map(str, arguments)],
            check=True,
            capture_output=True,
            text=True,
        )
    tried = json.loads(found.stdout)
    assert {name for name, how in tried.items() if how == "done"} == {"own", "own signal"}
    assert set(tried.values()) - {"done"} <= {1, 13}
    assert canary.read_text(encoding="utf-8") == CANARY


def test_a_process_with_threads_is_not_confined(tmp_path: Path) -> None:
    """Threads that run already would stay outside, so that it is refused."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        with pytest.raises(RuntimeError, match="before it starts"):
            confinement.confine(confinement.Cell((), tmp_path))
