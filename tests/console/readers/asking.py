"""How tests ask readers: a statement in, its text or the refusal's out, from whatever client."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from funnelhouse.console.readers.job import Job
from funnelhouse.console.readers.pool import Budget
from funnelhouse.console.readers.reader import COMMAND
from funnelhouse.console.readers.refusal import RefusalError
from funnelhouse.console.readers.slots import Client
from funnelhouse.console.readers.statement_runner import Readers
from funnelhouse.sql.location import Warehouse

BUDGET = Budget(2, 60, 2 * 1024**3)
ANALYST = Client("analyst", "127.0.0.1")
_UNJUDGED = """
import sys
import funnelhouse.console.readers.execution as work
from funnelhouse.console.readers.process import serve
from funnelhouse.console.statements.judge import Statement

def passed(client, written, readable, parameters=None):
    return Statement(written, "TSV" if " OUTFILE " in written else "", parameters or {})

work.judge = passed
serve(sys.stdin.buffer, sys.stdout.buffer)
"""
UNJUDGED = (sys.executable, "-P", "-c", _UNJUDGED)
"""A reader whose judge lets everything pass, so that its confinement stands alone."""


class Asked:
    """Readers of one warehouse, asked from this thread."""

    def __init__(self, readers: Readers) -> None:
        self.readers = readers

    def text(self, statement: str, client: Client = ANALYST, **parameters: str) -> str:
        """Give the answer as text, without the end of its last line.

        Raises:
            RefusalError: there is none.
        """
        job = Job("query", statement, parameters=parameters)
        return asyncio.run(self.readers.answer(client, job)).content.decode().rstrip("\n")

    def told(self, statement: str, **parameters: str) -> str:
        """Give the answer or why there is none."""
        try:
            return self.text(statement, **parameters)
        except RefusalError as refusal:
            return f"refused: {refusal}"


@contextmanager
def asked(
    warehouse: Warehouse, budget: Budget = BUDGET, command: tuple[str, ...] = COMMAND
) -> Iterator[Asked]:
    """Have readers of a warehouse within a `with` block."""
    readers = Readers(warehouse, budget, command=command)
    try:
        yield Asked(readers)
    finally:
        readers.stop()
