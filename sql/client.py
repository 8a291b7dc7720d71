"""Connections to the warehouse: the embedded engine in a folder, or a ClickHouse server by URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client

DATABASE = "funnelhouse"
"""Database of the embedded engine, and the default one on a server."""


class WarehouseError(Exception):
    """The warehouse cannot be reached or used; as text one sentence with the mend."""


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Where the warehouse is: `url` of a server, or where that is empty the engine's `folder`."""

    folder: Path
    url: str = ""


def connect(warehouse: Warehouse, *, readonly: bool = False) -> Client:
    """Connect to the product's database, which is created when it is not there.

    Raises:
        WarehouseError: the address is wrong, or another process holds the embedded folder.
    """
    if warehouse.url:
        return _connect_server(warehouse.url, readonly=readonly)
    return _connect_embedded(warehouse.folder, readonly=readonly)


@contextmanager
def connection(warehouse: Warehouse, *, readonly: bool = False) -> Iterator[Client]:
    """Connect for the length of a `with` block."""
    client = connect(warehouse, readonly=readonly)
    try:
        yield client
    finally:
        client.close()


def _connect_embedded(folder: Path, *, readonly: bool) -> Client:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        first = clickhouse_connect.get_client(interface="chdb", path=str(folder))
    except Exception as error:
        raise WarehouseError(
            f"The embedded engine cannot open {folder}: another process holds it, or it is damaged;"
            f" stop the other process, or ask the running one ({str(error)[:200]})."
        ) from error
    with first:
        first.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
    settings = {"readonly": "1"} if readonly else {"async_insert": "0"}
    return clickhouse_connect.get_client(
        interface="chdb", path=str(folder), database=DATABASE, settings=settings
    )


def _connect_server(url: str, *, readonly: bool) -> Client:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WarehouseError(
            "The warehouse address must look like http://user:password@host:8123/database;"
            " mend FUNNELHOUSE_WAREHOUSE."
        )
    try:
        return clickhouse_connect.get_client(
            host=parts.hostname,
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            secure=parts.scheme == "https",
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            database=parts.path.strip("/") or DATABASE,
            settings={"readonly": "1"} if readonly else {"async_insert": "0"},
        )
    except Exception as error:
        raise WarehouseError(
            f"The warehouse at {parts.hostname} does not answer as expected; check"
            f" FUNNELHOUSE_WAREHOUSE ({str(error)[:200]})."
        ) from error
