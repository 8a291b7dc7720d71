"""Connections to the warehouse: the embedded engine in a folder, or a ClickHouse server by URL."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.cluster import READING, nodes_of, why_unfit, writing
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.unreachable import why_too_old, why_unreachable

DATABASE = "funnelhouse"
"""Database of the embedded engine, and the default one on a server."""

EXACT: Mapping[str, str] = {
    # What it remembers of a condition has hidden rows of other queries time and again (ClickHouse
    # issues 84508, 104004, 104781, 117203), and no time that it saves is worth a wrong number.
    "use_query_condition_cache": "0",
}
"""Settings without which a query may give less than there is."""


class WarehouseError(Exception):
    """The warehouse cannot be reached or used; as text one sentence with the mend."""


def connect(
    warehouse: Warehouse, *, readonly: bool = False, limits: Mapping[str, str] | None = None
) -> Client:
    """Connect to the product's database; for writing, it is created where it is not there.

    `limits` are settings of the engine; of a readonly connection no query can change them.

    Raises:
        WarehouseError: the address is wrong, the server refuses or is too old, the cluster is not
            fit, or another process holds the embedded folder.
    """
    place, database = _server(warehouse.url) if warehouse.url else _embedded(warehouse.folder)
    settings = {**EXACT, **(limits or {}), **(READING if warehouse.cluster else {})}
    try:
        if readonly:
            # A connection that is readonly takes no setting any more, so that one stands last.
            settings["readonly"] = "1"
            return clickhouse_connect.get_client(**place, database=database, settings=settings)
        with ExitStack() as stack:
            client = clickhouse_connect.get_client(
                **place, settings=settings | {"async_insert": "0"}
            )
            stack.callback(client.close)
            _create(client, warehouse, database)
            stack.pop_all()
            return client
    except WarehouseError:
        raise
    except Exception as error:
        raise WarehouseError(_sentence(warehouse, str(error))) from error


def database_of(warehouse: Warehouse) -> str:
    """Name the database that a warehouse stands in."""
    return _server(warehouse.url)[1] if warehouse.url else DATABASE


@contextmanager
def connection(
    warehouse: Warehouse, *, readonly: bool = False, limits: Mapping[str, str] | None = None
) -> Iterator[Client]:
    """Connect for the length of a `with` block."""
    client = connect(warehouse, readonly=readonly, limits=limits)
    try:
        yield client
    finally:
        client.close()


def _create(client: Client, warehouse: Warehouse, database: str) -> None:
    """Have a connection stand in the database, made where it is not there, and write as it must."""
    url, cluster = warehouse.url, warehouse.cluster
    if url and (old := why_too_old(url, client.server_version or "")):
        raise WarehouseError(old)
    nodes = nodes_of(client, cluster) if cluster else None
    if nodes and (unfit := why_unfit(cluster, nodes)):
        raise WarehouseError(unfit)
    name, on = quote_identifier(database), f" ON CLUSTER {quote_identifier(cluster)}"
    everywhere = on if cluster else ""
    client.command(f"CREATE DATABASE IF NOT EXISTS {name}{everywhere} ENGINE = Atomic")
    client.database = database
    for setting, value in (writing(nodes) if nodes else {}).items():
        client.set_client_setting(setting, value)


def _embedded(folder: Path) -> tuple[dict[str, Any], str]:
    folder.mkdir(parents=True, exist_ok=True)
    return {"interface": "chdb", "path": str(folder)}, DATABASE


def _server(url: str) -> tuple[dict[str, Any], str]:
    try:
        parts = urlsplit(url)
        secure = {"http": False, "https": True}[parts.scheme]
        place = {
            "host": unquote(parts.hostname or ""),
            "port": parts.port or (8443 if secure else 8123),
            "secure": secure,
            "username": unquote(parts.username or "default"),
            "password": unquote(parts.password or ""),
        }
    except (KeyError, ValueError) as error:
        raise WarehouseError(
            "The warehouse address must look like http://user:password@host:8123/database;"
            " mend FUNNELHOUSE_WAREHOUSE."
        ) from error
    return place, parts.path.strip("/") or DATABASE


def _sentence(warehouse: Warehouse, error: str) -> str:
    if warehouse.url:
        return why_unreachable(warehouse.url, error)
    return (
        f"The embedded engine cannot open {warehouse.folder}: another process holds it, or it is"
        f" damaged; stop the other process, or ask the running one ({error[:200]})."
    )
