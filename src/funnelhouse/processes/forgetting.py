"""Forgetting a person, as the command line asks for it: the spool first, then every table."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.archive.work import Rest
from funnelhouse.ingest.log.disk import LOCAL_DISK
from funnelhouse.ingest.log.recovery import damaged_folder
from funnelhouse.sql.client import WarehouseError
from funnelhouse.sql.forget import forget, go_on, is_under_way
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.snapshot import drop

log = logging.getLogger(__name__)
Drain = Callable[[], None]
"""Loads what lies in the spool, or waits until it is loaded."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What else writes events: the spool, how it is drained, and how the loader is kept at rest."""

    spool: Path
    drain: Drain
    rest: Rest


def forget_person(
    client: Client, person: str, refresh: Refresh, loading: Loading
) -> dict[str, Any]:
    """Load what the spool holds, then remove the person; no load comes between.

    Damaged pieces of segments, of which nobody can tell whose they are, go too.

    Raises:
        ValueError: there is no person of that name to be meant.
    """
    if not person.strip():
        raise ValueError("Name a person by a user id or a device's id.")
    loading.drain()
    with loading.rest(), refresh.rules, refresh.turn:
        # What is kept for an export that is under way holds the person too.
        drop(client)
        forgotten = forget(client, person)
    return asdict(forgotten) | {"damaged_pieces": _remove_damaged(loading.spool)}


def finish_forgetting(client: Client, refresh: Refresh) -> None:
    """Remove the rest of somebody whose forgetting was killed; nothing may be loaded meanwhile."""
    if not is_under_way(client):
        return
    log.warning("somebody's forgetting was broken off, and is finished now")
    with refresh.rules, refresh.turn:
        try:
            go_on(client)
        except WarehouseError as error:
            log.warning("rows of somebody forgotten are left", extra={"error": str(error)})


def _remove_damaged(spool: Path) -> int:
    folder = damaged_folder(spool)
    damaged = list(LOCAL_DISK.list(folder))
    for name in damaged:
        LOCAL_DISK.unlink(folder / name)
    if damaged:
        LOCAL_DISK.sync_folder(folder)
    return len(damaged)
