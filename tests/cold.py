"""The warehouse process, but for asking ahead what the console's first pages show.

That costs more than all else of a start; few tests open these pages. Run as a module.
"""

import sys

from funnelhouse.console.pages.prewarm import Prewarm
from funnelhouse.processes.warehouse import main


def _begin(_: Prewarm) -> None:
    """Ask nothing ahead."""


if __name__ == "__main__":
    Prewarm.begin = _begin  # type: ignore[method-assign]
    sys.exit(main())
