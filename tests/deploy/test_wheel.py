"""What is built for others to install: complete, and at work in a folder with nothing of ours."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from funnelhouse.settings import Settings
from tests.conftest import READ_KEY, WRITE_KEYS, RunningProduct, free_port, stop_process

ROOT = Path(__file__).parents[2]
ROOMS = ("funnelhouse", "ingest", "schemas", "transforms", "sql", "analysis", "console", "tag")
EVENT = {
    "writeKey": "dev",
    "messageId": "from-a-wheel",
    "anonymousId": "visitor-1",
    "event": "CTA Clicked",
    "properties": {"cta_id": "apply", "position": "hero"},
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from this source."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", f"{folder}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@contextmanager
def up(installed: Path, where: Path) -> Iterator[RunningProduct]:
    """Run `funnelhouse up` as installed, with the process standing in a folder."""
    collector, console, sql = (f"127.0.0.1:{free_port()}" for _ in range(3))
    addresses = {"collector": collector, "console": console, "sql": sql}
    settings = Settings(
        data=where / "data",
        plan=installed / "schemas",
        write_keys=WRITE_KEYS,
        read_keys=READ_KEY,
        workers=1,
        **addresses,
    )
    environment = os.environ | settings.as_environment() | {"PYTHONPATH": f"{installed}"}
    del environment["FUNNELHOUSE_PLAN"]
    starts = (
        "import sys; from funnelhouse.cli import main; sys.argv = ['funnelhouse', 'up']; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", starts], cwd=where, env=environment, start_new_session=True
    )
    product = RunningProduct(settings, process)
    try:
        yield product
    finally:
        product.client.close()
        product.console.close()
        stop_process(process)


def _answers(product: RunningProduct, path: str) -> bool:
    try:
        return product.console.get(path).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_the_wheel_holds_every_file_of_the_source(wheel: Path) -> None:
    """SQL, schemas, tag, pages and all else that stands in the packages stands in the wheel."""
    source = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert source
    assert source <= set(ZipFile(wheel).namelist())


def test_up_works_from_a_wheel_among_files_of_the_same_names(wheel: Path, tmp_path: Path) -> None:
    """Where files bear our packages' names it takes an event, shows it, serves tag and page.

    The wheel is laid out as pip does; what it depends on is this environment's.
    """
    installed, where = tmp_path / "site", tmp_path / "anywhere"
    ZipFile(wheel).extractall(installed)
    where.mkdir()
    for name in ("sql.py", "console.py", "ingest.py"):
        (where / name).write_text("raise SystemExit('another project')\n", encoding="utf-8")
    with up(installed, where) as product:
        product.wait_visible(lambda: _answers(product, "/readyz"))
        assert product.client.post("/v1/track", json=EVENT).json() == {"success": True}
        product.wait_visible(
            lambda: product.sql("SELECT 1 FROM events WHERE anonymous_id = 'visitor-1'") != []
        )
        assert "funnelhouse" in product.client.get("/tag.js").text
        key = {"authorization": f"Bearer {READ_KEY}"}
        page = httpx.get(f"{product.console_url}/", headers=key, timeout=60)
        assert page.status_code == httpx.codes.OK
