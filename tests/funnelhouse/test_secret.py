"""The secret of personal hashes: none that is short, and none but the warehouse's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from funnelhouse.processes.fingerprint import accept_secret, check_secret
from funnelhouse.processes.permissions import keep_private
from funnelhouse.processes.secret import LEAST_BYTES, SecretError, kept_secret
from funnelhouse.processes.supervisor import listen
from tests.conftest import PreparedWarehouse, RunningProduct
from tests.funnelhouse.conftest import CommandLine


@pytest.mark.parametrize("text", [b"", b"\n", b" " * 40, b"x" * (LEAST_BYTES - 1) + b"\n"])
def test_a_short_one_is_refused(stopped: CommandLine, text: bytes) -> None:
    """An empty or short file stops the start by a sentence that says what to do."""
    path = stopped.settings.data / "secret"
    path.parent.mkdir()
    path.write_bytes(text)
    ended = stopped.run("up")
    assert ended.returncode == 2
    told = ended.stderr.decode()
    assert told.startswith(f"{path} holds ")
    assert "put back the one of your backup" in told
    assert told.count("\n") == 1


def test_a_collector_refuses_it_itself(stopped: CommandLine) -> None:
    """A worker that finds the file emptied later ends with a status that starts it no more."""
    settings = stopped.settings.model_copy(update={"secret": "short"})
    with listen(settings.collector) as listener:
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "funnelhouse.processes.worker",
                str(listener.fileno()),
                "0",
                "1",
            ],
            env={**os.environ, **settings.as_environment()},
            pass_fds=(listener.fileno(),),
            stdin=subprocess.PIPE,
            capture_output=True,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("FUNNELHOUSE_SECRET holds 5 bytes")


def test_one_long_enough_is_taken(tmp_path: Path) -> None:
    """The shortest that is allowed is used as it stands; a drawn one is far longer."""
    (tmp_path / "secret").write_bytes(b"x" * LEAST_BYTES)
    assert kept_secret(tmp_path / "secret") == b"x" * LEAST_BYTES
    assert len(kept_secret(tmp_path / "drawn")) == 64


def test_another_one_is_told(warehouse: PreparedWarehouse) -> None:
    """The first secret is the warehouse's; another one is refused until it is accepted."""
    client = warehouse.client
    check_secret(client, b"the first secret")
    check_secret(client, b"the first secret")
    with pytest.raises(SecretError, match="put back the data folder's `secret`"):
        check_secret(client, b"a second secret!")
    accept_secret(client, b"a second secret!")
    check_secret(client, b"a second secret!")
    with pytest.raises(SecretError):
        check_secret(client, b"the first secret")
    noted = client.query("SELECT toString(groupArray(fingerprint)) FROM secret_fingerprints")
    assert "secret" not in str(noted.result_rows)


def test_a_restored_folder_with_another_secret_does_not_start(stopped: CommandLine) -> None:
    """The warehouse process ends, and so does the product, by the sentence."""
    stopped.out("migrate", "--new-secret")
    (stopped.settings.data / "secret").write_text("f" * 64)
    ended = stopped.run("warehouse")
    assert ended.returncode == 2
    assert b"The secret is not the one that this warehouse's hashes were made with" in ended.stderr


@pytest.fixture
def umask() -> Iterator[None]:
    """Have the mask of this process back afterwards."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    """Folders and files of an earlier version become their owner's alone; a link's target stays."""
    outside = tmp_path / "outside"
    outside.write_text("shared")
    data = tmp_path / "data"
    inner = data / "warehouse" / "store"
    inner.mkdir(parents=True)
    (inner / "part.bin").write_text("rows")
    (data / "link").symlink_to(outside)
    data.chmod(0o700)
    keep_private(data)
    modes = {path.name: path.stat().st_mode & 0o777 for path in data.rglob("*")}
    assert modes == {"warehouse": 0o700, "store": 0o700, "part.bin": 0o600, "link": 0o644}
    (data / "fresh").write_text("")
    assert (data / "fresh").stat().st_mode & 0o777 == 0o600


def test_a_running_product_keeps_all_to_its_owner(product: RunningProduct) -> None:
    """No file or folder that the product and its engine have written is open to others."""
    product.post("/v1/track", b"{}", auth=("dev", ""))
    product.wait_visible(lambda: bool(product.sql("SELECT 1 FROM rejected_raw LIMIT 1")))
    data = product.settings.data
    found = [path for path in (data, *data.rglob("*")) if path.exists()]
    assert len(found) > 100
    assert [path for path in found if path.stat().st_mode & 0o077] == []
