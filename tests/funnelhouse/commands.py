"""Runs commands as processes of their own would, without the second that each takes to import.

Imported by a process that forks others, for one command each. As a module it runs commands of
standard input, a list as JSON, one after another; it writes status, standard output and standard
error of each.
"""

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from io import BytesIO, TextIOWrapper
from pathlib import Path

import orjson

import funnelhouse.command_line.warehouse_access  # noqa: F401 - what most commands import
from funnelhouse.cli import main

STREAMS = ("stdin", "stdout", "stderr")
"""Files of a command's folder, in the order of their descriptors."""


def ended(command: list[str]) -> tuple[int, str, str]:
    """Run one command to its end."""
    texts = BytesIO(), BytesIO()
    sys.argv = ["funnelhouse", *command]
    sys.stdout, sys.stderr = (TextIOWrapper(text, write_through=True) for text in texts)
    try:
        status = main()
    except Exception:  # noqa: BLE001 - the end of a process
        traceback.print_exc()
        status = 1
    return status, texts[0].getvalue().decode(), texts[1].getvalue().decode()


def forked(
    command: Sequence[str], environment: Mapping[str, str], place: Path, folder: Path
) -> None:
    """Run one command as the work of this process, its streams being files of a folder."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(place)
    for descriptor, name in enumerate(STREAMS):
        stream = os.open(folder / name, os.O_RDWR | os.O_CREAT)
        os.dup2(stream, descriptor)
        os.close(stream)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = ["funnelhouse", *command]
    sys.exit(main())


if __name__ == "__main__":
    all_ended = [ended(command) for command in orjson.loads(sys.stdin.buffer.read())]
    sys.__stdout__.buffer.write(orjson.dumps(all_ended))  # type: ignore[union-attr]
