"""The shipped cluster in containers: four servers, three Keepers, and the product before them."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.client import connect
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.upgrade import migrate
from tests.sql.history import COURSE, Road, Told, bring

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.cluster.yaml"
SERVERS = ("clickhouse-1-1", "clickhouse-1-2", "clickhouse-2-1", "clickhouse-2-2")
SERVICES = [*SERVERS, "keeper-1", "keeper-2", "keeper-3"]
HISTORY = [
    Told(id=number, came=number, name=name, anonymous=f"device-{number % 40}", user=user)
    for number in range(1, 400)
    for name, user in [("passed", f"user-{number % 40}") if number > 360 else ("applied", "")]
]


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """Start the servers of the compose file; gives the address of each."""
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.skip("a real ClickHouse cluster needs a Docker engine, and none answers here")
    given = ("FUNNELHOUSE_WRITE_KEYS", "FUNNELHOUSE_READ_KEYS", "FUNNELHOUSE_SECRET")
    names = (*given, "CLICKHOUSE_PASSWORD", "CLICKHOUSE_READER_PASSWORD")
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin"} | dict.fromkeys(names, "line")
    compose = [docker, "compose", "-f", str(COMPOSE), "-p", "funnelhouse-test"]
    subprocess.run([*compose, "up", "-d", "--wait", *SERVICES], env=environment, check=True)
    try:
        inspect = [
            docker,
            "inspect",
            "-f",
            "{{range.NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        ]
        yield {
            server: subprocess.run(
                [*inspect, f"funnelhouse-test-{server}-1"],
                check=True, capture_output=True, text=True,
            ).stdout.strip()
            for server in SERVERS
        }  # fmt: skip
    finally:
        subprocess.run([*compose, "down", "-v"], env=environment, check=True)


def counted(client: Client) -> dict[str, int]:
    """Count what views show."""
    views = ("events", "stage_entries", "sessions", "people", "duplicate_events")
    return {v: client.query(f"SELECT count() FROM {v}").result_rows[0][0] for v in views}


@pytest.mark.timeout(900)
def test_any_server_tells_the_whole_of_what_one_was_told(tmp_path: Path) -> None:
    """Two loads with copies, refreshed through one server, stand once in the views of all four."""
    with cluster() as addresses:
        url = f"http://funnelhouse:line@{addresses[SERVERS[0]]}:8123/funnelhouse"
        place = Warehouse(tmp_path, url, "events")
        with connect(place) as client:
            list(migrate(client, "Asia/Seoul", "events"))
            bring(client, COURSE)
            Road(place, tmp_path, Refresh("Asia/Seoul")).load([HISTORY, HISTORY[:50]])
            told = counted(client)
            assert told["events"] == len(HISTORY)
            assert told["stage_entries"] > 0
            parted = client.query("SELECT shardNum(), count() FROM events_raw FINAL GROUP BY 1")
            assert len(parted.result_rows) == 2
        for address in addresses.values():
            reader = clickhouse_connect.get_client(
                host=address, username="reader", password="line", database="funnelhouse"
            )
            assert counted(reader) == told
            reader.close()
