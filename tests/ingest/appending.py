"""Appending to a spool as something to wait for."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from funnelhouse.ingest.log.spool import Spool


def append(
    spool: Spool, rows: Sequence[tuple[Any, ...]], received: Mapping[str, int]
) -> asyncio.Future[None]:
    """Append rows; the future is done when the spool has told what became of them."""
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def told(error: Exception | None) -> None:
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)

    spool.append(rows, received, told)
    return answer
