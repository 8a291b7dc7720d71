"""Holds a data folder for one process of a role; the system lets go when that process dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from funnelhouse.settings import Settings


class AlreadyRunningError(Exception):
    """Another process of the same role works on this data folder."""


@contextmanager
def only_one(settings: Settings, role: Literal["collector", "warehouse"]) -> Iterator[None]:
    """Hold the data folder as its only process of a role.

    Raises:
        AlreadyRunningError: another one holds it.
    """
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(settings.run_folder / f"{role}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise AlreadyRunningError(
            f"A {role} process already works on {settings.data}; stop it, or set FUNNELHOUSE_DATA."
        ) from error
    try:
        yield
    finally:
        os.close(handle)
