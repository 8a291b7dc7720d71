from collections.abc import Callable
from threading import Thread

import pytest

from funnelhouse.sql.fair_lock import FairLock


def waiting(turn: FairLock, work: Callable[[], None]) -> Thread:
    """Start a thread that does work in its turn, and return it once it stands in line."""

    def run() -> None:
        with turn:
            work()

    thread = Thread(target=run)
    thread.start()
    while not turn.wanted:
        pass
    return thread


def test_nobody_is_overtaken() -> None:
    """Who lets go of the turn and wants it at once gets it after the one who waited."""
    turn = FairLock()
    order: list[str] = []
    for _ in range(100):
        with turn:
            waiter = waiting(turn, lambda: order.append("waited"))
        with turn:
            order.append("again")
        waiter.join()
    assert order == ["waited", "again"] * 100


def test_the_holder_may_enter_again() -> None:
    """A turn within a turn waits for nobody, not even while another stands in line."""
    turn = FairLock()
    order: list[str] = []
    with turn:
        waiter = waiting(turn, lambda: order.append("waited"))
        with turn:
            order.append("within")
        order.append("still")
    waiter.join()
    assert order == ["within", "still", "waited"]


def test_an_error_lets_go() -> None:
    """A block that ends by an error gives the turn to the next."""
    turn = FairLock()
    done: list[bool] = []

    def fail() -> None:
        with turn:
            waiters.append(waiting(turn, lambda: done.append(True)))
            raise KeyError

    waiters: list[Thread] = []
    with pytest.raises(KeyError):
        fail()
    waiters[0].join()
    assert done == [True]
