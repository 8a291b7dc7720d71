"""Work beside the loop: its other callbacks go on, what waits is bounded, faults are handed on."""

import asyncio
import time

import pytest

from funnelhouse.ingest.collector.offload import Aside

pytestmark = pytest.mark.anyio


def busy(seconds: float) -> str:
    """Keep the processor busy in Python code."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return "done"


async def test_the_loop_goes_on() -> None:
    """While a work of half a second is done, the loop's other callbacks have many turns."""
    done = asyncio.get_running_loop().create_future()
    Aside(1).run(1, lambda: busy(0.5), done.set_result)
    turns = 0
    while not done.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await done, turns > 20) == ("done", True)


async def test_what_waits_is_bounded() -> None:
    """A work waits while those before it hold few bytes; one may always, however large it is."""
    aside, done = Aside(100), asyncio.get_running_loop().create_future()
    assert aside.has_room(1_000)
    aside.run(60, lambda: busy(0.01), done.set_result)
    assert (aside.has_room(40), aside.has_room(41)) == (True, False)
    await done
    assert aside.has_room(1_000)


async def test_a_fault_is_handed_on(caplog: pytest.LogCaptureFixture) -> None:
    """What a work raises is logged and given to its sender's answer; the next one is done."""
    aside, loop = Aside(100), asyncio.get_running_loop()
    results = [loop.create_future(), loop.create_future()]
    aside.run(1, lambda: 1 // 0, results[0].set_result)
    aside.run(1, lambda: 1, results[1].set_result)
    found = await asyncio.gather(*results)
    assert (type(found[0]), found[1]) == (ZeroDivisionError, 1)
    assert "could not be taken" in caplog.text
