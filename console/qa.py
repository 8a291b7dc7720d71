"""What tests ask while they run: whether an event, or several in order, are there yet.

An answer comes as soon as the event can be queried, or when the time that the test gives is over;
so no test sleeps.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

from fastapi import APIRouter, Request

from funnelhouse.analysis.expectation import (
    Expected,
    ReceivedEvent,
    closest,
    expected_from,
    in_order,
    matching,
)
from funnelhouse.console.json_requests import asked_object, read
from funnelhouse.console.received_events import came, planned
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.runs import find_run

_AGAIN_S = 0.05
_LONGEST_WAIT_MS = 120_000
_LOOKED_BACK_S = 300
_EXPECTED = ("event", "properties", "unplanned")


@dataclass(frozen=True, slots=True)
class ExpectationQuery:
    """What is asked: of which run ("" for none), within how many milliseconds."""

    run: str
    within_ms: int


def qa(warehouse: Warehouse) -> APIRouter:
    """Build the routes /qa/expect and /qa/sequence."""
    router = APIRouter(prefix="/qa")

    @router.post("/expect")
    async def expect(request: Request) -> dict[str, Any]:
        """Answer when an event as expected can be queried, else with the closest and why not."""
        asked = await asked_object(request, {"run", "within_ms", "count", *_EXPECTED})
        question = await _question(warehouse, asked)
        expected = expected_from(_part(asked), await read(warehouse, planned))
        return await _expect(warehouse, question, expected, _count(asked))

    @router.post("/sequence")
    async def sequence(request: Request) -> dict[str, Any]:
        """Answer when one device has sent the events in this order, else with how far one got."""
        asked = await asked_object(request, {"run", "within_ms", "events"})
        question = await _question(warehouse, asked)
        return await _sequence(warehouse, question, await _steps(warehouse, asked))

    return router


async def _expect(
    warehouse: Warehouse, question: ExpectationQuery, expected: Expected, count: int
) -> dict[str, Any]:
    there, found = await _until(
        warehouse,
        question,
        lambda there: matching(expected, there),
        lambda found: len(found) >= count,
    )
    answer = {
        "matched": len(found) >= count,
        "count": len(found),
        "events": [asdict(one) for one in found],
    }
    return answer if answer["matched"] else answer | _closest(expected, there)


async def _sequence(
    warehouse: Warehouse, question: ExpectationQuery, steps: list[Expected]
) -> dict[str, Any]:
    there, (far, found) = await _until(
        warehouse,
        question,
        lambda there: in_order(steps, there),
        lambda found: found[0] == len(steps),
    )
    answer = {
        "matched": far == len(steps),
        "steps": far,
        "events": [asdict(one) for one in found],
    }
    if far == len(steps):
        return answer
    others = [one for one in there if one not in found]
    return answer | {"missing": steps[far].event} | _closest(steps[far], others)


def _count(asked: dict[str, Any]) -> int:
    count = asked.get("count", 1)
    if type(count) is not int or count < 1:
        raise ValueError('"count" must be a whole number from 1 on.')
    return count


async def _steps(warehouse: Warehouse, asked: dict[str, Any]) -> list[Expected]:
    listed = asked.get("events")
    if type(listed) is not list or not listed:
        raise ValueError('"events" must be a list of what is expected, in order.')
    known = await read(warehouse, planned)
    return [expected_from({"event": one} if isinstance(one, str) else one, known) for one in listed]


def _part(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in _EXPECTED if name in asked}


async def _question(warehouse: Warehouse, asked: dict[str, Any]) -> ExpectationQuery:
    run, within_ms = asked.get("run") or "", asked.get("within_ms", 10_000)
    if type(run) is not str:
        raise ValueError('"run" must be the id of a run.')
    if type(within_ms) is not int or not 0 <= within_ms <= _LONGEST_WAIT_MS:
        raise ValueError(f'"within_ms" must be a whole number up to {_LONGEST_WAIT_MS}.')
    if run:
        await read(warehouse, lambda client: find_run(client, run))
    return ExpectationQuery(run, within_ms)


async def _until(
    warehouse: Warehouse,
    question: ExpectationQuery,
    judge: Callable[[list[ReceivedEvent]], Any],
    done: Callable[[Any], bool],
) -> tuple[list[ReceivedEvent], Any]:
    """Judge what came, again and again until it is enough or the time is over."""
    end = monotonic() + question.within_ms / 1000
    back = _LOOKED_BACK_S + question.within_ms // 1000
    while True:
        there = await read(warehouse, lambda client: came(client, question.run, back))
        found = judge(there)
        if done(found) or monotonic() >= end:
            return there, found
        await asyncio.sleep(_AGAIN_S)


def _closest(expected: Expected, there: list[ReceivedEvent]) -> dict[str, Any]:
    best = closest(expected, there)
    if best is None:
        return {"closest": None, "why": ["no event came at all"]}
    return {"closest": asdict(best[0]), "why": best[1]}
