"""What the first pages show is asked for ahead, by a thread that never outlives its process."""

from collections.abc import Iterator
from threading import Event, Thread

import pytest

from funnelhouse.console.pages.prewarm import Prewarm
from funnelhouse.console.pages.site import Site
from funnelhouse.sql.client import WarehouseError

_SOON_S = 30.0
_A_MOMENT_S = 0.2


class Slow:
    """A site whose warehouse is only there when it is told to be, and then refuses."""

    def __init__(self) -> None:
        self.asked = Event()
        self.answers = Event()

    def __call__(self) -> Site:
        """Be asked for, and wait."""
        self.asked.set()
        assert self.answers.wait(_SOON_S)
        raise WarehouseError("it is not there")


@pytest.fixture
def slow() -> Iterator[Slow]:
    """Give a slow site, which answers at the end at the latest."""
    site = Slow()
    yield site
    site.answers.set()


def test_the_question_under_way_ends_first(slow: Slow) -> None:
    """Stopping waits for it: the engine crashes or hangs when its process ends amid a query."""
    warmth = Prewarm(slow)
    warmth.begin()
    assert slow.asked.wait(_SOON_S)
    stopping = Thread(target=warmth.stop)
    stopping.start()
    stopping.join(_A_MOMENT_S)
    assert stopping.is_alive()
    slow.answers.set()
    stopping.join(_SOON_S)
    assert not stopping.is_alive()


def test_what_was_stopped_asks_nothing(slow: Slow) -> None:
    """A process that is stopped before it was ready asks for no pages once it is."""
    warmth = Prewarm(slow)
    warmth.stop()
    warmth.begin()
    warmth.stop()
    assert not slow.asked.is_set()
