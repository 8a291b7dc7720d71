"""A reader's process: shut in before the engine starts, then one job after another from a pipe.

The first message says what it is to be; it answers when the owner's tables and views are attached.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

# What is imported late would be read when files are out of reach.
import lz4.block  # noqa: F401
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.console.readers.attachment import Attachment
from funnelhouse.console.readers.confinement import Cell, confine, limit_resources
from funnelhouse.console.readers.execution import perform
from funnelhouse.console.readers.job import Job
from funnelhouse.console.readers.refusal import RefusalError
from funnelhouse.console.readers.wire import Message, receive, send
from funnelhouse.sql.client import DATABASE, EXACT

_LOST_PARTS = frozenset({107, 226, 228, 232, 233})
"""ClickHouse error codes: a file or a part that a query was about to read is gone."""


class Engine:
    """An engine in a folder of its own, over the tables of `warehouse`."""

    def __init__(self, folder: Path, warehouse: Path, timezone: str, memory_bytes: int) -> None:
        self._folder = folder / "engine"
        self._options = {"config-file": str(folder / "config.xml")}
        (folder / "config.xml").write_text(
            "<clickhouse>"
            f"<custom_local_disks_base_directory>{warehouse}/</custom_local_disks_base_directory>"
            f"<max_server_memory_usage>{memory_bytes}</max_server_memory_usage>"
            f"<timezone>{timezone}</timezone>"
            "</clickhouse>",
            encoding="utf-8",
        )
        self._client = self._connected()
        self.attachment = Attachment(self._client, self._folder, warehouse)

    def perform(self, job: Job) -> Message:
        """Do a job on a connection of its own, which can only read."""
        settings = {**EXACT, **job.settings, "readonly": "1"}
        client = self._connected(database=DATABASE, settings=settings)
        try:
            answer = perform(client, job)
        except RefusalError as refusal:
            return Message(refusal.head())
        finally:
            client.close()
        return Message({"facts": dict(answer.facts)}, answer.content)

    def _connected(self, **more: Any) -> Any:
        import clickhouse_connect  # noqa: PLC0415 - it starts threads, which must be shut in

        return clickhouse_connect.get_client(
            interface="chdb", path=str(self._folder), chdb_options=self._options, **more
        )


def serve(inwards: BinaryIO, outwards: BinaryIO) -> None:
    """Become what the first message says, then answer messages until the pipe ends."""
    first = receive(inwards)
    if first is None:
        return
    try:
        engine = _started(first.head)
    except Exception as error:  # noqa: BLE001 - whatever it is, only its owner can tell of it
        send(outwards, Message(RefusalError(f"{type(error).__name__}: {error}").head()))
        return
    send(outwards, Message({"ready": True}))
    while message := receive(inwards):
        send(outwards, _answered(engine, message.head))


def _started(given: Mapping[str, Any]) -> Engine:
    folder, warehouse = Path(given["folder"]), Path(given["warehouse"])
    os.nice(given["niceness"])
    limit_resources(given["memory_bytes"])
    if given["confined"]:
        confine(Cell((warehouse / "store",), folder))
    engine = Engine(folder, warehouse, given["timezone"], given["memory_bytes"])
    engine.attachment.apply((), given["come"])
    return engine


def _answered(engine: Engine, asked: Mapping[str, Any]) -> Message:
    job = Job(**asked["job"])
    try:
        engine.attachment.apply(asked["gone"], asked["come"])
        engine.attachment.refresh()
        answer = engine.perform(job)
        if answer.head.get("code") in _LOST_PARTS:
            engine.attachment.refresh()
            answer = engine.perform(job)
    except ClickHouseError as error:
        return Message(RefusalError(str(error)).head())
    return answer


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
