"""A lock that its waiters get in order: whoever lets go and wants it again comes after them."""

from threading import Lock, get_ident
from types import TracebackType


class FairLock:
    """Held by one thread at a time, by that one as often as it wants, as a `with` block has it.

    The standard lock may go to the thread that just let it go, over and over.
    """

    def __init__(self) -> None:
        self._line = Lock()
        self._held = Lock()
        self._holder: int | None = None
        self._depth = 0

    @property
    def wanted(self) -> bool:
        """Whether another thread stands in line for it."""
        return self._line.locked()

    def __enter__(self) -> None:
        if self._holder != get_ident():
            # Who waits for the turn keeps the place of the next one, so that nobody overtakes.
            with self._line:
                self._held.acquire()
            self._holder = get_ident()
        self._depth += 1

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = None
            self._held.release()
