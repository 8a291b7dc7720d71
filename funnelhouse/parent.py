"""A child's tie to its supervisor: the supervisor holds a pipe open, whose end means stop."""

import os
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
