"""Who may run a statement now: some run at once, one slot of them is kept for whoever runs none."""

from collections import Counter
from typing import NamedTuple


class Client(NamedTuple):
    """Whose statement it is: another key or another address is another client."""

    key: str
    address: str


class Slots:
    """Counts the statements that run, by client; `at_once` of them, and one for whoever has none.

    So a client that takes all it gets, or many of them, never takes the last one from a newcomer.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._running: Counter[Client] = Counter()

    @property
    def most(self) -> int:
        """How many run at most, the kept one among them."""
        return self.at_once + 1

    @property
    def taken(self) -> int:
        """How many run."""
        return self._running.total()

    def may_run(self, client: Client, ready: int) -> bool:
        """Say whether a client's statement may begin, of so many readers that are ready.

        The last reader, like the last slot, is for clients that run nothing.
        """
        if not self._running[client]:
            return self.taken < self.most and ready > 0
        return self.taken < self.at_once and ready > 1

    def take(self, client: Client) -> None:
        """Count a statement that begins."""
        self._running[client] += 1

    def give_back(self, client: Client) -> None:
        """Count a statement that has ended."""
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
