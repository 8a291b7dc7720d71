"""Minification of the tag's files by tdewolff-minify, in a process of its own.

The library brings a Go runtime with threads and signal handlers, which no worker should hold.
"""

import json
import subprocess
import sys
from collections.abc import Mapping

_TYPE = "application/javascript"


def minified(sources: Mapping[str, str]) -> dict[str, str]:
    """Minify JavaScript files by name.

    Raises:
        subprocess.CalledProcessError: a file is no JavaScript; the error output names it.
    """
    command = [sys.executable, "-P", "-m", __name__]
    ended = subprocess.run(  # noqa: S603 - this module
        command, input=json.dumps(dict(sources)).encode(), capture_output=True, check=True
    )
    written: dict[str, str] = json.loads(ended.stdout)
    return written


def main() -> None:
    """Minify what comes as JSON on standard input, for the process that asked."""
    import minify  # type: ignore[import-untyped]  # noqa: PLC0415 - only this process may hold it

    sources = json.load(sys.stdin)
    json.dump({name: minify.string(_TYPE, text) for name, text in sources.items()}, sys.stdout)


if __name__ == "__main__":
    main()
