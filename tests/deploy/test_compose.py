"""The compose files: by their schema, and what they set up run as processes on this machine.

No container is started here; what is run is each service's command with its environment, its data
folder and the folder of segments that they share, behind nginx with the shipped configuration.
"""

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jsonschema_rs
import orjson
import pytest
import yaml

from funnelhouse.settings import Settings
from tests.conftest import RunningProduct, free_port, stop_process

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(DEPLOY.glob("compose*.yaml"))
SCHEMA = orjson.loads((Path(__file__).parent / "schemas" / "compose-spec.json").read_bytes())
GIVEN = {
    "FUNNELHOUSE_WRITE_KEYS": "dev:web",
    "FUNNELHOUSE_READ_KEYS": "analyst",
    "FUNNELHOUSE_SECRET": "a secret of the tests",
    "CLICKHOUSE_PASSWORD": "secret",
}
"""What a user writes into .env."""

EVENTS = 40


def services(path: Path) -> dict[str, dict[str, Any]]:
    """Read the services of a compose file."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    return found


def interpolated(text: str) -> str:
    """Put the values of `GIVEN` in, and defaults where there is none, as compose does."""
    return re.sub(
        r"\$\{(\w+)(?::[-?]([^}]*))?\}",
        lambda m: GIVEN.get(m[1], m[2] if "-" in m[0] else ""),
        text,
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_follows_the_schema_of_compose(path: Path) -> None:
    """Each compose file has the keys of the Compose Specification, and no other."""
    faults = jsonschema_rs.validator_for(SCHEMA).iter_errors(yaml.safe_load(path.read_text()))
    assert [fault.message for fault in faults] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_our_services_are_locked_down_and_given_time_to_drain(path: Path) -> None:
    """Each of ours has a read-only root, no capabilities, and more time than a drain takes."""
    ours = [one for one in services(path).values() if one["image"] == "funnelhouse"]
    assert ours
    for one in ours:
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert [mount.split(":")[0] for mount in one["tmpfs"]] == ["/tmp"]  # noqa: S108 - the container's
        assert int(one["stop_grace_period"].removesuffix("s")) > Settings().drain_s + 5


def test_the_example_of_keys_gives_all_that_is_asked_for() -> None:
    """Whatever a compose file asks for without a default stands in env.example."""
    asked = {name for path in FILES for name in re.findall(r"\$\{(\w+):\?", path.read_text())}
    given = set(re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert asked == given


@dataclass(frozen=True, slots=True)
class Line:
    """What compose.server.yaml starts: processes by service, and the address before them."""

    processes: dict[str, subprocess.Popen[bytes]]
    product: RunningProduct
    address: str
    certificate: Path


@contextmanager
def process(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process for the length of a `with` block."""
    started = subprocess.Popen(
        command, env=os.environ | environment, cwd=ROOT, start_new_session=True
    )
    try:
        yield started
    finally:
        stop_process(started)


def environment_of(service: dict[str, Any], data: Path, **changed: Any) -> dict[str, str]:
    """Give the environment of a service, with its folder and addresses on this machine."""
    written = {name: interpolated(value) for name, value in service["environment"].items()}
    told = {name.removeprefix("FUNNELHOUSE_").lower(): value for name, value in written.items()}
    return Settings(**told | {"data": data, "workers": 1, "sql": ""} | changed).as_environment()


def spooling_into(data: Path, spool: Path) -> Path:
    """Make a data folder whose segments lie in a folder that others have too."""
    data.mkdir()
    (data / "spool").symlink_to(spool)
    return data


def nginx_of(folder: Path, collectors: dict[str, str], port: int) -> list[str]:
    """Write the shipped configuration with this machine's addresses and a certificate."""
    (folder / "tls").mkdir(parents=True)
    certificate, key = folder / "tls" / "fullchain.pem", folder / "tls" / "privkey.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    text = (DEPLOY / "nginx" / "nginx.conf").read_text()
    for name, address in collectors.items():
        text = text.replace(f"{name}:8080", address)
    text = text.replace("/run/nginx.pid", f"{folder}/nginx.pid").replace("tls/", f"{folder}/tls/")
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("listen 80", f"listen 127.0.0.1:{free_port()}")
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in places)
    configuration = folder / "nginx.conf"
    configuration.write_text(text.replace("http {\n", f"http {{\n{own}"))
    return ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(configuration)]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Start collectors, warehouse process, a stand-in for the server, and nginx before them."""
    if not (shutil.which("nginx") and shutil.which("openssl")):
        pytest.skip("nginx or openssl is not installed here")
    folder = tmp_path_factory.mktemp("compose")
    spool = folder / "spool"
    spool.mkdir()
    declared = services(DEPLOY / "compose.server.yaml")
    addresses = {name: f"127.0.0.1:{free_port()}" for name in ("collector-1", "collector-2")}
    console, server, port = f"127.0.0.1:{free_port()}", free_port(), free_port()
    nginx = nginx_of(folder / "nginx", addresses, port)
    subprocess.run([*nginx, "-t"], check=True, capture_output=True)
    ours = [sys.executable, "-m", "funnelhouse.cli"]
    with ExitStack() as running:
        running.enter_context(
            process(sys.executable, "-m", "tests.faults.stand_in", f"{folder / 'db'}", f"{server}")
        )
        processes = {}
        for name, address in addresses.items():
            data = spooling_into(folder / name, spool)
            told = environment_of(declared[name], data, collector=address)
            command = [*ours, *declared[name]["command"]]
            processes[name] = running.enter_context(process(*command, **told))
        data = spooling_into(folder / "warehouse", spool)
        url = f"http://default@127.0.0.1:{server}/funnelhouse"
        told = environment_of(declared["warehouse"], data, warehouse=url, console=console)
        loader = running.enter_context(process(*ours, *declared["warehouse"]["command"], **told))
        processes["nginx"] = running.enter_context(process(*nginx, "-g", "daemon off;"))
        settings = Settings(data=data, console=console)
        product = RunningProduct(settings, loader)
        running.callback(product.client.close)
        running.callback(product.console.close)
        product.wait_visible(lambda: _prepared(product), 120)
        certificate = folder / "nginx" / "tls" / "fullchain.pem"
        yield Line(processes, product, f"https://localhost:{port}", certificate)


def _prepared(product: RunningProduct) -> bool:
    try:
        return product.console.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def send(line: Line, number: int) -> list[str]:
    """Send events one by one through nginx until each is answered 200; their ids.

    nginx repeats no POST by itself: one that dies with its collector is answered 502, and sent
    again here under its message id, as trackers do.
    """
    context = ssl.create_default_context(cafile=line.certificate)
    ids = [str(uuid4()) for _ in range(number)]
    with httpx.Client(base_url=line.address, verify=context, timeout=60) as client:
        for one in ids:
            call = {"messageId": one, "anonymousId": "a", "event": "CTA Clicked"}
            body = call | {"writeKey": "dev", "properties": {"cta_id": "apply"}}
            while (answer := client.post("/v1/track", json=body)).status_code != httpx.codes.OK:
                assert answer.status_code == httpx.codes.BAD_GATEWAY
            assert answer.json() == {"success": True}
        assert client.get("/metrics").status_code == httpx.codes.NOT_FOUND
    return ids


def test_two_collectors_and_one_loader_share_a_spool(line: Line) -> None:
    """Events that both take stand in the server once each, also when one collector is gone."""
    sent = send(line, EVENTS)
    lost = line.processes["collector-1"]
    lost.kill()
    lost.wait()
    sent += send(line, EVENTS)
    asked = "SELECT toString(event_id) AS id FROM events"
    line.product.wait_visible(lambda: len(line.product.sql(asked)) >= len(sent))
    assert sorted(row["id"] for row in line.product.sql(asked)) == sorted(sent)
    (ledger,) = line.product.sql(
        "SELECT sum(l.received) AS received, sum(abs(l.unaccounted)) AS wrong"
        " FROM ledger_minutely AS l"
    )
    assert [int(value) for value in ledger.values()] == [2 * EVENTS, 0]
