"""A process that runs commands one after another, each as a process of its own would.

Run as a module with a list of commands as JSON on standard input; writes status, standard output
and standard error of each.
"""

import sys
import traceback
from io import BytesIO, TextIOWrapper

import orjson

from funnelhouse.cli import main


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


if __name__ == "__main__":
    all_ended = [ended(command) for command in orjson.loads(sys.stdin.buffer.read())]
    sys.__stdout__.buffer.write(orjson.dumps(all_ended))  # type: ignore[union-attr]
