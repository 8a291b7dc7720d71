"""Strings that are known to break software, each as a property of one event."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


def calls(file: Path) -> Iterator[dict[str, Any]]:
    """One planned event a string, numbered in the order of the file."""
    for number, text in enumerate(orjson.loads(file.read_bytes()), 1):
        yield {
            "type": "track",
            "event": "Feature Used",
            "messageId": f"naughty_strings-{number}",
            "anonymousId": "naughty_strings",
            "properties": {"product": "naughty_strings", "feature": str(number), "text": text},
        }
