"""A child's tie to its supervisor: it stops on a signal, or when the pipe between them ends."""

import os
import signal
import sys
import threading
from collections.abc import Callable


def stop_without_parent(stop: Callable[[], object]) -> None:
    """Call `stop` once when standard input ends, which a supervisor's death brings about."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        stop()

    threading.Thread(target=wait, name="parent", daemon=True).start()


def stop_on_signal(stop: Callable[[], object]) -> None:
    """Call `stop` on SIGTERM and SIGINT; call this before uvicorn serves.

    uvicorn raises a signal that it has drained for once more, which would end the process before
    it has tidied up if nobody else listened.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())
