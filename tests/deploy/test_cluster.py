"""The files of compose.cluster.yaml beside each other: servers, their macros, Keepers, passwords.

No server is started here; the engine reads the shipped configuration, and the product judges it.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import orjson
import yaml

from funnelhouse.sql.client import EXACT
from funnelhouse.sql.cluster import READING, Nodes, why_unfit, writing
from tests.deploy.test_compose import DEPLOY, ROOT, interpolated, services

FILE = DEPLOY / "compose.cluster.yaml"
SERVERS = ("clickhouse-1-1", "clickhouse-1-2", "clickhouse-2-1", "clickhouse-2-2")
_ASK = """
import sys, orjson, clickhouse_connect
client = clickhouse_connect.get_client(
    interface="chdb", path=f"{sys.argv[1]}?config-file={sys.argv[2]}&users_config={sys.argv[3]}"
)
asked = {
    "nodes": "SELECT shard_num, host_name FROM system.clusters WHERE cluster = 'events'"
    " ORDER BY shard_num, replica_num",
    "macros": "SELECT macro, substitution FROM system.macros",
    "settings": "SELECT name, value FROM system.settings WHERE changed",
}
print(orjson.dumps({k: client.query(q).result_rows for k, q in asked.items()}).decode())
"""


def configuration(service: str, folder: Path) -> dict[str, Any]:
    """Let the engine read what a service mounts, in its environment, and tell what it knows."""
    one = services(FILE)[service]
    own = {name: interpolated(value) for name, value in one["environment"].items()}
    mounted = {mount.split(":")[1]: mount.split(":")[0] for mount in one["volumes"]}
    files = [
        str(DEPLOY / mounted[f"/etc/clickhouse-server/{place}/cluster.xml"])
        for place in ("config.d", "users.d")
    ]
    files[1] = str(_whole(Path(files[1]), folder / f"{service}.xml"))
    told = subprocess.run(
        [sys.executable, "-c", _ASK, str(folder / service), *files],
        env=os.environ | own,
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    answer: dict[str, Any] = orjson.loads(told.stdout)
    return answer


def _whole(users: Path, made: Path) -> Path:
    """Add what the image's own users.xml has, which this file is merged into."""
    text = users.read_text(encoding="utf-8")
    default = "<default><password/><profile>default</profile><quota>default</quota></default>"
    text = text.replace("<users>", f"<quotas><default/></quotas><users>{default}")
    made.write_text(text, encoding="utf-8")
    return made


def test_each_server_knows_the_cluster_and_its_own_place(tmp_path: Path) -> None:
    """What the engine reads of the shipped files is fit, with an insert done on both replicas."""
    told = [configuration(service, tmp_path) for service in SERVERS]
    for one in told:
        assert tuple(host for _, host in one["nodes"]) == SERVERS
        assert {**READING, **EXACT}.items() <= dict(one["settings"]).items()
    shards = [shard for shard, _ in told[0]["nodes"]]
    macros = {place: dict(one["macros"]) for place, one in enumerate(told, start=1)}
    nodes = Nodes(shards, macros, has_keeper=True)
    assert why_unfit("events", nodes) == ""
    assert writing(nodes)["insert_quorum"] == "2"


def test_the_product_is_told_the_cluster_and_one_of_its_servers() -> None:
    """The loader speaks to one server, under the name that the configuration gives the cluster."""
    environment = services(FILE)["warehouse"]["environment"]
    (cluster,) = ET.parse(DEPLOY / "clickhouse" / "cluster.xml").getroot().iter("remote_servers")  # noqa: S314 - our own file
    assert environment["FUNNELHOUSE_CLUSTER"] == cluster[0].tag
    assert "@clickhouse-1-1:8123/" in environment["FUNNELHOUSE_WAREHOUSE"]


def test_three_keepers_know_each_other_and_are_known() -> None:
    """Servers and Keepers name the same three, each with its own number."""
    declared = services(FILE)
    keeper = ET.parse(DEPLOY / "clickhouse" / "keeper.xml").getroot()  # noqa: S314 - our own file
    known = {one.findtext("hostname"): one.findtext("id") for one in keeper.iter("server")}
    assert known == {
        name: one["environment"]["KEEPER_ID"]
        for name, one in declared.items()
        if name.startswith("keeper-")
    }
    server = ET.parse(DEPLOY / "clickhouse" / "cluster.xml").getroot()  # noqa: S314 - our own file
    ports = {node.findtext("host"): node.findtext("port") for node in server.iter("node")}
    assert ports == dict.fromkeys(known, keeper.findtext("keeper_server/tcp_port"))


def test_whatever_is_mounted_is_there() -> None:
    """Each file of ours that a service mounts exists, and each named volume is declared."""
    whole = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    sources = [
        mount.split(":")[0]
        for one in whole["services"].values()
        for mount in one.get("volumes", ())
    ]
    files = {source for source in sources if source.startswith("./") and source != "./tls"}
    assert len(files) > 8
    assert [file for file in files if not (DEPLOY / file).is_file()] == []
    assert {source for source in sources if not source.startswith(".")} == set(whole["volumes"])
