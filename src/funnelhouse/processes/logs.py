"""The product's own log: one JSON object a line on standard error, never a write key or secret."""

import logging
import sys

from pythonjsonlogger.orjson import OrjsonFormatter

_FIELDS = ("time", "levelname", "name", "message")
_NAMES = {"levelname": "level", "name": "logger", "exc_info": "exception"}


def configure_logs(level: int = logging.WARNING) -> None:
    """Send warnings and worse of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OrjsonFormatter(_FIELDS, rename_fields=_NAMES, timestamp="time"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
