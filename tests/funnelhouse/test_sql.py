import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from funnelhouse.command_line.warehouse_access import open_warehouse
from tests.conftest import wait_for_file
from tests.funnelhouse.conftest import CommandLine

HOSTILE = (
    "SELECT 7 AS n, unhex('1B5B33316D') AS esc, '[red]x[/red]' AS tag, NULL AS none, '면접' AS ko"
)


def test_table(running: CommandLine) -> None:
    """A table shows text as it is, escapes what a terminal would obey, and takes no mark-up."""
    printed = running.out("sql", HOSTILE)
    cells = [cell.strip() for cell in printed.splitlines()[3].strip("│").split("│")]
    assert cells == ["7", r"\x1b[31m", "[red]x[/red]", "", "면접"]


def test_table_is_whole_in_a_pipe(running: CommandLine) -> None:
    """A table that goes to a pipe is as wide as it is; nothing is cut or folded."""
    assert "x" * 500 in running.out("sql", "SELECT repeat('x', 500) AS long, 1 AS next")


def test_csv(running: CommandLine) -> None:
    """CSV has a line of names and the engine's own quoting."""
    assert running.out("sql", "SELECT 1 AS a, 'x,\"y' AS b;", "--format", "csv") == (
        '"a","b"\n1,"x,""y"\n'
    )


def test_json(running: CommandLine) -> None:
    """JSON is one object a line."""
    printed = running.out("sql", "SELECT number AS n FROM numbers(2) -- all", "--format", "json")
    assert [int(orjson.loads(line)["n"]) for line in printed.splitlines()] == [0, 1]


@pytest.mark.parametrize(
    ("statement", "told"), [(" ;\n", b"There is no statement"), ("SELECT 1; SELECT 2", b"a time")]
)
def test_one_statement(running: CommandLine, statement: str, told: bytes) -> None:
    """None and two are refused with a sentence that says to write one."""
    ended = running.run("sql", statement)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert told in ended.stderr


def arrow_table(file: Path) -> pa.Table:
    """Read a file of Arrow."""
    return pa.ipc.open_file(file).read_all()


@pytest.mark.parametrize(
    ("by", "fmt", "read"),
    [
        ("option", "parquet", pq.read_table),
        ("pipe", "arrow", arrow_table),
        pytest.param("option", "arrow", arrow_table, marks=pytest.mark.slow),
        pytest.param("pipe", "parquet", pq.read_table, marks=pytest.mark.slow),
    ],
)
def test_columns(
    running: CommandLine, tmp_path: Path, by: str, fmt: str, read: Callable[[Path], pa.Table]
) -> None:
    """Parquet and Arrow come whole, into a file or through a pipe."""
    file = tmp_path / "result"
    arguments = ["sql", "SELECT 1 AS a, '면접' AS b", "--format", fmt]
    if by == "option":
        assert running.out(*arguments, "--output", str(file)) == ""
    else:
        file.write_bytes(running.run(*arguments).stdout)
    assert read(file).to_pylist() == [{"a": 1, "b": "면접"}]


def on_terminal(command: CommandLine, *arguments: str) -> tuple[int, bytes]:
    """Run a command whose standard output is a terminal; gives its status and all that it wrote."""
    master, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "funnelhouse.cli", *arguments],
        env=command.environment | {"NO_COLOR": "1", "TERM": "dumb"},
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    written = b""
    try:
        while piece := os.read(master, 65_536):
            written += piece
    except OSError:  # Linux tells the end of a terminal by an error
        pass
    os.close(master)
    return process.wait(), written


@pytest.mark.parametrize("fmt", ["table", "csv", pytest.param("json", marks=pytest.mark.slow)])
def test_terminal_is_safe(running: CommandLine, fmt: str) -> None:
    """No format lets a cell send an escape or a control character to a terminal."""
    statement = "SELECT concat(unhex('1B5D303B'), 'title', unhex('07C29B33316D')) AS a"
    status, written = on_terminal(running, "sql", statement, "--format", fmt)
    assert status == 0
    assert b"title" in written
    assert not {0x1B, 0x07} & set(written)
    assert "\x9b" not in written.decode()


@pytest.mark.parametrize("fmt", ["parquet", pytest.param("arrow", marks=pytest.mark.slow)])
def test_columns_are_not_for_terminals(running: CommandLine, fmt: str) -> None:
    """Parquet and Arrow are refused on a terminal, with where to send them."""
    status, written = on_terminal(running, "sql", "SELECT 1", "--format", fmt)
    assert status == 2
    assert b"--output" in written


def test_same_running_and_stopped(stopped: CommandLine, tmp_path: Path) -> None:
    """What `sql` prints beside the running product it prints when all is stopped, by any format."""
    calls = tmp_path / "calls.ndjson"
    calls.write_bytes(
        b"".join(
            b'{"type":"identify","messageId":"m%d","userId":"u%d"}\n' % (n, n) for n in range(3)
        )
    )
    query = "SELECT user_id, event_name, received_at FROM events ORDER BY user_id"
    asked = [("sql", query, "--format", fmt) for fmt in ("csv", "json", "table")]
    with stopped.up():
        wait_for_file(stopped.settings.run_folder / "control.json")  # else this process opens it
        assert stopped.out("send", str(calls)) == "3 events sent, 0 rejected.\n"
        until = time.monotonic() + 60
        with open_warehouse(stopped.settings) as access:
            while access.query(query, "CSV").count(b"identified") < 3:
                assert time.monotonic() < until
        *beside, status = stopped.outs(*asked, ("status",))
        assert "alive, ready" in status
    *after, status = stopped.outs(*asked, ("status",))
    assert after == beside
    assert "stopped" in status
    assert "3 received, 3 loaded, 0 rejected, 0 duplicate, 0 in spool, 0 unaccounted" in status
