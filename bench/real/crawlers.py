"""Example user agents of known crawlers as page calls: each one should be told as a bot."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


def calls(file: Path) -> Iterator[dict[str, Any]]:
    """One page call an example, with its pattern as property."""
    patterns = orjson.loads(gzip.decompress(file.read_bytes()))
    examples = [
        (pattern["pattern"], example) for pattern in patterns for example in pattern["instances"]
    ]
    for number, (pattern, example) in enumerate(examples, 1):
        yield {
            "type": "page",
            "messageId": f"crawlers-{number}",
            "anonymousId": f"crawler-{number}",
            "context": {"userAgent": example},
            "properties": {"pattern": pattern},
        }
