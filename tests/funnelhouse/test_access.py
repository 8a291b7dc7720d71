import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import orjson
import pytest

from funnelhouse.command_line.warehouse_access import RefusedError, Remote, open_warehouse
from funnelhouse.console.control import write_address
from funnelhouse.processes.process_lock import AlreadyRunningError, only_one
from funnelhouse.settings import Settings
from funnelhouse.sql.client import WarehouseError
from tests.conftest import RunningProduct, free_port
from tests.funnelhouse.conftest import CommandLine


def test_through_the_process(product: RunningProduct) -> None:
    """Beside a running warehouse process, statements and jobs go through it."""
    with open_warehouse(product.settings) as access:
        assert isinstance(access, Remote)
        assert access.query("SELECT 1", "TSV") == b"1\n"
        assert {entry["state"] for entry in access.job("migrations")} == {"applied"}


@pytest.mark.parametrize("statement", ["SELECT nope", "CREATE TABLE t (a Int8) ENGINE = Log"])
def test_refused(product: RunningProduct, statement: str) -> None:
    """What the engine refuses is raised as its refusal."""
    with open_warehouse(product.settings) as access, pytest.raises(RefusedError):
        access.query(statement, "TSV")


def test_job_refused(product: RunningProduct) -> None:
    """A job's refusal of its argument is raised with its sentence."""
    row = {"product": "p", "track": "t", "channel": "c", "amount": "1"}
    week = row | {"period_start": "2024-07-29", "period_end": "2024-08-04"}
    day = row | {"period_start": "2024-07-30", "period_end": "2024-07-30"}
    with (
        open_warehouse(product.settings) as access,
        pytest.raises(RefusedError, match="give either days or weeks"),
    ):
        access.job("spend", [week, day])


def test_dead_process(stopped: CommandLine) -> None:
    """An address left behind by a dead process misleads nobody: the folder is opened."""
    stopped.settings.run_folder.mkdir(parents=True)
    write_address(stopped.settings.run_folder, f"http://127.0.0.1:{free_port()}", "token")
    assert stopped.out("sql", "SELECT count() FROM events", "--format", "csv") == '"count()"\n0\n'


def test_address_taken_over(product: RunningProduct, stopped: CommandLine) -> None:
    """An address on which another product answers by now, with another token, is not asked."""
    stopped.settings.run_folder.mkdir(parents=True)
    write_address(stopped.settings.run_folder, product.console_url, "of a dead process")
    asked = ("sql", "SELECT count() FROM received_raw", "--format", "csv")
    assert stopped.out(*asked) == '"count()"\n0\n'


@pytest.mark.parametrize("content", [b"", b"nope", b"[]", b"{}", b'{"url": 5, "token": 5}'])
def test_damaged_address(tmp_path: Path, content: bytes) -> None:
    """A damaged address file is as none."""
    settings = Settings(data=tmp_path, warehouse="http://127.0.0.1:9/x")
    settings.run_folder.mkdir()
    (settings.run_folder / "control.json").write_bytes(content)
    with open_warehouse(settings) as access, pytest.raises(WarehouseError):
        access.query("SELECT 1", "TSV")


def test_held_without_answer(tmp_path: Path) -> None:
    """A folder whose holder does not answer is reported once patience ends, and never opened."""
    settings = Settings(data=tmp_path)
    with (
        only_one(settings, "warehouse"),
        pytest.raises(AlreadyRunningError, match="does not answer yet"),
        open_warehouse(settings, patience_s=0),
    ):
        pass
    assert not (tmp_path / "warehouse").exists()


def test_not_prepared_yet(tmp_path: Path) -> None:
    """A process that still prepares the warehouse is waited for."""
    asked: list[int] = []

    class Preparing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the standard library's own name
            asked.append(503 if len(asked) < 2 else 200)
            self.send_response(asked[-1])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    settings = Settings(data=tmp_path)
    settings.run_folder.mkdir()
    with HTTPServer(("127.0.0.1", 0), Preparing) as server:
        threading.Thread(target=server.serve_forever).start()
        write_address(settings.run_folder, f"http://127.0.0.1:{server.server_port}", "token")
        with open_warehouse(settings) as access:
            assert isinstance(access, Remote)
        server.shutdown()
    assert asked == [503, 503, 200]


def test_address_is_the_owners(tmp_path: Path) -> None:
    """The file that holds the token can be read by its owner alone."""
    write_address(tmp_path, "http://127.0.0.1:1", "token")
    path = tmp_path / "control.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert orjson.loads(path.read_bytes())["token"] == "token"
