"""The landing: loads whose rows stand in the warehouse wait here until their people are refreshed.

Refreshing goes on in a thread while the next loads are inserted; what waits meanwhile is refreshed
together: in a backlog people stand in several loads, and each costs less among many.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

import pyarrow as pa

from funnelhouse.ingest.loader.inserter import Inserter
from funnelhouse.ingest.loader.manifest import LoadManifest
from funnelhouse.sql.refresh import Refresh

_ENOUGH_ROWS = 500_000
_MOST_ROWS = 1_000_000


class CommittedLoad(NamedTuple):
    """A load whose rows stand in the warehouse, and by what the people of each part are found."""

    load: LoadManifest
    touched: list[pa.Table]
    rows: int


class RefreshQueue:
    """Refreshes what is added, in order; `landed` is told of each load after that.

    Errors of a refresh reach who calls `go_on` or `end`. A load may be inserted while an earlier
    one is refreshed: the people of both are refreshed again with the later one.
    """

    def __init__(
        self,
        refresh: Refresh,
        insertion: Inserter,
        landed: Callable[[CommittedLoad], None],
    ) -> None:
        self._refresh = refresh
        self._insertion = insertion
        self._landed = landed
        self._thread = ThreadPoolExecutor(1, "refresh")
        self._waiting: list[CommittedLoad] = []
        self._refreshing: list[CommittedLoad] = []
        self._done: Future[None] | None = None

    @property
    def loads(self) -> list[LoadManifest]:
        """The loads that have not landed yet."""
        return [inserted.load for inserted in (*self._refreshing, *self._waiting)]

    def add(self, inserted: CommittedLoad) -> None:
        """Have a load refreshed, after those before it."""
        self._waiting.append(inserted)

    def go_on(self, *, behind: bool) -> None:
        """Let go of what is refreshed by now, and begin to refresh what waits.

        While the loader is `behind`, a few rows wait for more. Waits itself where very much does:
        what waits is held in memory.
        """
        rows = sum(inserted.rows for inserted in self._waiting)
        if self._done is not None and (rows >= _MOST_ROWS or self._done.done()):
            self._finish(self._done)
        if self._done is None and self._waiting and (rows >= _ENOUGH_ROWS or not behind):
            self._begin()

    def wait(self, seconds: float) -> bool:
        """Wait so long for what is being refreshed; False when nothing is left."""
        self.go_on(behind=False)
        if self._done is not None:
            wait([self._done], seconds)
            self.go_on(behind=False)
        return self._done is not None

    def end(self) -> None:
        """Refresh all that waits, and let go of it."""
        while self._done is not None or self._waiting:
            if self._done is not None:
                self._finish(self._done)
            self.go_on(behind=False)

    def _begin(self) -> None:
        self._refreshing, self._waiting = self._waiting, []
        touched = [table for inserted in self._refreshing for table in inserted.touched]
        self._done = self._thread.submit(self._run, touched)

    def _run(self, touched: list[pa.Table]) -> None:
        if touched:
            events = pa.concat_tables(touched)
            self._insertion.run(lambda client: self._refresh.load(client, events))

    def _finish(self, done: "Future[None]") -> None:
        done.result()
        self._done = None
        while self._refreshing:
            self._landed(self._refreshing[0])
            del self._refreshing[0]
