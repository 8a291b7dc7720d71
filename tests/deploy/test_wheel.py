"""What is built for others to install: complete, and at work in a folder with nothing of ours."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from funnelhouse.settings import Settings
from tests.conftest import READ_KEY, WRITE_KEYS, RunningProduct, free_port, stop_process

ROOT = Path(__file__).parents[2]
ROOMS = ("ingest", "schemas", "transforms", "sql", "analysis", "console", "tag")
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
        plan=installed / "funnelhouse" / "schemas",
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


def sources() -> set[str]:
    """Name every file of the source as a wheel names it."""
    command_line = ROOT / "src" / "funnelhouse"
    folders = {command_line: "funnelhouse"} | {ROOT / room: f"funnelhouse/{room}" for room in ROOMS}
    return {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for folder, name in folders.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_source(wheel: Path) -> None:
    """SQL, schemas, tag, pages and all else that stands in the rooms stands in the wheel, once."""
    names = ZipFile(wheel).namelist()
    assert sources()
    assert sources() <= set(names)
    assert len(names) == len(set(names))


def test_the_wheel_brings_one_name(wheel: Path) -> None:
    """Installed, nothing but `funnelhouse` stands among other packages."""
    tops = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"funnelhouse"}


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """A wheel that is built from the source distribution has the same files."""
    build = [sys.executable, "-m", "hatchling", "build", "-d", f"{tmp_path}", "-t"]
    subprocess.run([*build, "sdist"], cwd=ROOT, check=True, capture_output=True)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    subprocess.run([*build, "wheel"], cwd=source, check=True, capture_output=True)
    (again,) = tmp_path.glob("*.whl")
    assert sorted(ZipFile(again).namelist()) == sorted(ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def beside_jupysql(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel beside jupysql, whose package is named `sql`."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--no-deps", "--target", f"{site}", f"{wheel}", "jupysql"]
    installed = subprocess.run(command, check=False, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"jupysql cannot be installed here: {installed.stderr.strip()[-200:]}")
    return site


def test_commands_work_beside_jupysql(beside_jupysql: Path, tmp_path: Path) -> None:
    """Another package named `sql` takes nothing from ours, nor does the user's own `schemas/`."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "__init__.py").write_text("raise SystemExit('not this one')\n")
    assert (beside_jupysql / "sql" / "magic.py").exists()
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{beside_jupysql}"}
    starts = "from funnelhouse.cli import main; import sys"
    starts += f"; sys.argv = ['funnelhouse', 'plan', 'check', '{ROOT / 'schemas'}']; main()"
    command = [sys.executable, "-P", "-c", starts]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_pytest_plugin_works_beside_jupysql(beside_jupysql: Path, tmp_path: Path) -> None:
    """A suite of the user's own, in a folder with a `schemas/`, finds our fixture."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "__init__.py").touch()
    (tmp_path / "test_own.py").write_text(
        "import schemas\ndef test_own(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.has_plugin('funnelhouse.testing')\n"
        f"    import funnelhouse; assert funnelhouse.__file__.startswith('{beside_jupysql}')\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{beside_jupysql}:{tmp_path}"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "funnelhouse.testing"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"{tmp_path}"],
        cwd=tmp_path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_up_works_from_a_wheel_among_files_of_the_same_names(wheel: Path, tmp_path: Path) -> None:
    """Where files bear our packages' names it takes an event, shows it, serves tag and page.

    The wheel is laid out as pip does; what it depends on is this environment's.
    """
    installed, where = tmp_path / "site", tmp_path / "anywhere"
    ZipFile(wheel).extractall(installed)  # noqa: S202
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
