"""Prints the rows of a real file as tracking calls, one a line, for `funnelhouse send`."""

import argparse
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from bench.real import apache_log, bucketing, crawlers, json_suite, naughty_strings

ADAPTERS: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
    "apache_log": apache_log.calls,
    "bucketing": bucketing.calls,
    "crawlers": crawlers.calls,
    "json_suite": json_suite.calls,
    "naughty_strings": naughty_strings.calls,
}
"""What reads each kind of file."""


def main() -> None:
    parser = argparse.ArgumentParser("bench.real", description=__doc__)
    parser.add_argument("kind", choices=ADAPTERS)
    parser.add_argument("file", type=Path)
    asked = parser.parse_args()
    try:
        for call in ADAPTERS[asked.kind](asked.file):
            sys.stdout.buffer.write(orjson.dumps(call, option=orjson.OPT_APPEND_NEWLINE))
    except (OSError, EOFError, ValueError, tarfile.TarError) as error:
        why = getattr(error, "strerror", None) or error
        parser.error(f"{asked.file} is not read as {asked.kind} ({why}); name another file.")


if __name__ == "__main__":
    main()
