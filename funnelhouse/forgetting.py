"""Forgetting a person, as the command line asks for it: the spool first, then every table."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.settings import Settings
from ingest.disk import LOCAL_DISK
from ingest.recovery import damaged_folder
from sql.forget import forget
from sql.settle import Settlement
from sql.snapshot import drop

Drain = Callable[[], None]
"""Loads what lies in the spool, or waits until it is loaded."""


def forget_person(
    client: Client, person: str, settings: Settings, settlement: Settlement, drain: Drain
) -> dict[str, Any]:
    """Load what the spool holds, then remove the person; no load comes between.

    Damaged pieces of segments, of which nobody can tell whose they are, go too.

    Raises:
        ValueError: there is no person of that name to be meant.
    """
    if not person.strip():
        raise ValueError("Name a person by a user id or a device's id.")
    drain()
    with settlement.rules, settlement.turn:
        # What is kept for an export that is under way holds the person too.
        drop(client)
        forgotten = forget(client, person)
    folder = damaged_folder(settings.spool_folder)
    damaged = list(LOCAL_DISK.list(folder))
    for name in damaged:
        LOCAL_DISK.unlink(folder / name)
    if damaged:
        LOCAL_DISK.sync_folder(folder)
    return asdict(forgotten) | {"damaged_pieces": len(damaged)}
