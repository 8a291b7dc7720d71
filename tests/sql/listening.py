"""What goes from the server that is asked to another shard: the text of every query, written down.

The only shard of this cluster is a listener that speaks as much of the native protocol as an empty
answer needs. Run as a module with a folder.
"""

import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread

import orjson
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.aliases import join_users
from funnelhouse.sql.cluster import Nodes, writing
from funnelhouse.sql.lineage import models, plan
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.upgrade import migrate
from tests.sql.shards import CLUSTER, configuration, engine, single
from tests.sql.tale import TIMEZONE, asked_of

_HELLO = b"\x00\x08listener\x19\x08" + b"\xa2\xa6\x03"  # 25.8, of revision 54050: no more is told
_END_OF_STREAM = b"\x05"
_PONG = b"\x04"
_QUERY = re.compile(rb"(?:SELECT|WITH) [\x20-\x7e\n\x80-\xff]{10,}")
Work = tuple[str, Callable[[], object]]
_BATCH = """
INSERT INTO batch_events VALUES
    ('web', generateUUIDv4(), 1, 'alias', 'applied', false, 'kim', 'device', 's'),
    ('web', generateUUIDv4(), 2, 'track', 'experiment_viewed', false, '', 'device', '')
"""
"""Rows by which models have somebody to look for."""


class Listener:
    """Answers each query with nothing, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(_HELLO)
            while data := connection.recv(1 << 20):
                if data == _PONG:
                    connection.sendall(_PONG)
                elif found := _QUERY.search(data):
                    self.asked.append(found[0].decode(errors="replace"))
                    connection.sendall(_END_OF_STREAM)


def main(folder: Path) -> None:
    """Run all models of the refresh and read all views, and write what was asked by whom."""
    listener = Listener()
    place = f"<host>127.0.0.1</host><port>{listener.port}</port><compression>false</compression>"
    configured = re.sub(
        r"<shard>.*</shard>", f"<shard><replica>{place}</replica></shard>", configuration()
    )
    client = engine(folder, configured, **writing(Nodes([1], {}, has_keeper=True)))
    command = client.command
    client.command = lambda cmd, *args, **more: command(single(cmd), *args, **more)  # type: ignore[method-assign]
    list(migrate(client, TIMEZONE, CLUSTER))
    asked: dict[str, list[str]] = {}
    for name, work in [*refreshing(client), *views(client)]:
        listener.asked.clear()
        work()
        asked[name] = list(listener.asked)
    (folder / "asked.json").write_bytes(orjson.dumps(asked))


def refreshing(client: Client) -> Iterator[Work]:
    """Give each model of a refresh by its name, to be run with somebody to look for."""
    parameters: dict[str, object] = {"version": 1}
    parameters |= {"builds": [], "share": 0, "shares": 1}
    refresh = Refresh(TIMEZONE)

    def run(name: str) -> None:
        refresh.run(client, name, **parameters)
        if name == "batch_events":
            client.command(_BATCH)

    # What asks for owners alone reads a table of its caller's.
    first = sorted(
        model.name
        for model in models().values()
        if model.folder == "batch" and model.name != "owners_of_asked"
    )
    for name in (*first, "batch_events", *(model.name for model in plan())):
        yield name, partial(run, name)
    yield "aliases", partial(join_users, client, 1)


def views(client: Client) -> Iterator[Work]:
    """Give the reading of each view by its name."""
    for name, asked in asked_of():
        yield f"view/{name}", partial(client.query, f"SELECT * FROM {asked}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
