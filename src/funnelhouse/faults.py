"""Turns the faults that a user can mend into one sentence each; the rest are faults of ours."""

import errno
import re

import httpx
import typer
from pydantic import ValidationError

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import PREFIX, option_name
from funnelhouse.command_line.warehouse_access import RefusedError
from funnelhouse.files.send_progress import SendError
from funnelhouse.ingest.log.durability import SpoolFull, SyncFailed
from funnelhouse.processes.process_lock import AlreadyRunningError
from funnelhouse.schemas.registry import PlanError
from funnelhouse.sql.client import WarehouseError

_VERSION = re.compile(r"\s*\(version [^)]*\)")
_SENTENCES = (
    AlreadyRunningError,
    PlanError,
    SendError,
    SpoolFull,
    SyncFailed,
    ValueError,
    WarehouseError,
)
"""Errors whose text is written for the reader already."""


def sentence(error: BaseException) -> str | None:
    """Say what happened and what to do next, safe for a terminal; None for what is unknown."""
    text = _sentence(error)
    return None if text is None else "\n".join(map(printable, text.splitlines()))


def _sentence(error: BaseException) -> str | None:
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, ValidationError):
        return "\n".join(map(_setting, error.errors()))
    if isinstance(error, RefusedError):
        return " ".join(_VERSION.sub("", str(error)).split())
    if isinstance(error, _SENTENCES):
        return str(error)
    if isinstance(error, httpx.HTTPError):
        return f"The warehouse process failed or went away ({error}); see its log, then try again."
    return _system(error) if isinstance(error, OSError) else None


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    told = error.format_message().replace("Value error, ", "").rstrip(".")
    return f"{told}; see `{context.command_path if context else 'funnelhouse'} --help`."


def _setting(error: object) -> str:
    details = dict(error)  # type: ignore[call-overload]  # pydantic's own shape
    name = str(details["loc"][0])
    told = str(details.get("ctx", {}).get("error", details["msg"]))
    return f"{PREFIX}{name.upper()} ({option_name(name)}) is not understood: {told}."


def _system(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"There is no {error.filename}; correct the path."
    if error.errno == errno.EACCES:
        return f"This user may not open {error.filename}; change its owner or mode."
    where = f" {error.filename}" if error.filename else ""
    return f"The system refuses{where}: {error.strerror or error}; mend that and try again."
