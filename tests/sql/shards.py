"""Two shards in one process: the layout of a cluster over the embedded engine's own Distributed.

The engine reads a cluster from a configuration like a server. Both of its shards are this process,
so a row policy shows each of them only the rows that the sharding rule gives it. What an engine
without servers cannot do is put aside: replication, and `ON CLUSTER`.
"""

import re
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.client import DATABASE
from funnelhouse.sql.cluster import Nodes, writing
from funnelhouse.sql.layout import sharding_keys

CLUSTER = "two"
_SHARD = "<shard><internal_replication>true</internal_replication>{}</shard>"
_REPLICA = "<replica><host>127.0.0.1</host><port>9000</port></replica>"
# Their rows stand where their events do, which they do not tell: any rule must do for readers.
_ELSEWHERE = {"experiment_signals_raw": "event_time"}


def configuration(*, macros: str = "", more: str = "", policies: str = "") -> str:
    """Write a configuration with a cluster of two shards, both of them this process."""
    shards = _SHARD.format(_REPLICA) * 2
    user = "<password/><networks><ip>::/0</ip></networks><profile>default</profile>"
    return (
        "<clickhouse><tcp_port>9000</tcp_port>"
        f"<remote_servers><{CLUSTER}>{shards}</{CLUSTER}></remote_servers>"
        f"<macros>{macros}</macros>{more}"
        "<profiles><default/></profiles><quotas><default/></quotas>"
        f"<users><default>{user}<quota>default</quota>"
        f"<databases><{DATABASE}>{policies}</{DATABASE}></databases></default></users>"
        "</clickhouse>"
    )


def policies() -> str:
    """Show each shard of every table the rows that are its own, and whoever is none all of them."""
    keys = {table: key for table, key in sharding_keys().items() if key} | _ELSEWHERE
    return "".join(
        f"<{table}_local>"
        f"<filter>shardNum() = 0 OR cityHash64({key}) % 2 = shardNum() - 1</filter>"
        f"</{table}_local>"
        for table, key in keys.items()
    )


def single(statement: str) -> str:
    """Put aside what needs servers: replication, and the queue of statements for all of them.

    So do tokens: both shards write to one table here, and the second would be taken for a repeat.
    """
    statement = statement.replace(f" ON CLUSTER '{CLUSTER}'", "")
    statement = re.sub(
        r"ENGINE = Replicated(\w+)\('[^']*', '[^']*'(?:, )?", r"ENGINE = \1(", statement
    )
    return re.sub(r"\breplicated_deduplication_window = \d+,\s*", "", statement)


def engine(folder: Path, configured: str, **settings: Any) -> Client:
    """Open the engine in a folder with a configuration; it needs this process for itself."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "config.xml"
    file.write_text(configured, encoding="utf-8")
    path = f"{folder / 'warehouse'}?config-file={file}&users_config={file}"
    place: dict[str, Any] = {"interface": "chdb", "path": path}
    with clickhouse_connect.get_client(**place) as client:
        client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
    return clickhouse_connect.get_client(**place, database=DATABASE, settings=settings)


def connect_shards(folder: Path) -> Client:
    """Connect to two shards with the settings of a connection to a cluster."""
    settings = writing(Nodes([1, 2], {}, has_keeper=True)) | {"async_insert": "0"}
    client = engine(folder, configuration(policies=policies()), **settings)
    command = client.command
    client.command = lambda cmd, *args, **more: command(single(cmd), *args, **more)  # type: ignore[method-assign]
    return client
