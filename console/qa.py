"""What tests ask while they run: whether an event, or several in order, are there yet.

An answer comes as soon as the event can be queried, or when the time that the test gives is over;
so no test sleeps.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from fastapi import APIRouter, Request

from analysis.expectation import (
    Came,
    Expected,
    Planned,
    closest,
    expected_from,
    in_order,
    matching,
)
from console.asking import asked_object, read
from sql.client import Warehouse
from sql.runs import find_run

_AGAIN_S = 0.05
_LONGEST_WAIT_MS = 120_000
_LOOKED_BACK_S = 300
_MOST = 5_000
_OF_RUN = """
SELECT
    event_name, sent_name, properties, if(anonymous_id != '', anonymous_id, user_id) AS device,
    toString(event_time) AS event_time, toString(received_at) AS received_at, source, release,
    page_url, reason, path, detail, payload, event_type
FROM run_events
WHERE run = {run:String}
ORDER BY arrival DESC
LIMIT {most:UInt32}
"""
_OF_NO_RUN = """
WITH
    now64(6, 'UTC') - toIntervalSecond({back:UInt32}) AS since,
    bitShiftLeft(toUInt64(toUnixTimestamp64Micro(since)), 12) AS first,
    latest AS
    (
        SELECT source, event_id
        FROM seen_events
        WHERE hour >= toStartOfHour(toDateTime(since, 'UTC')) AND arrival >= first
        ORDER BY arrival DESC
        LIMIT {most:UInt32}
    )
SELECT
    event_name, sent_name, properties, if(anonymous_id != '', anonymous_id, user_id) AS device,
    toString(event_time) AS event_time, toString(received_at) AS received_at, source, release,
    page_url, '' AS reason, '' AS path, '' AS detail, '' AS payload, event_type
FROM events
WHERE (source, event_id) IN (SELECT source, event_id FROM latest)
UNION ALL
SELECT
    event_name, sent_name, '{}', '', toString(event_time), toString(received_at), source, '',
    page, reason, path, detail, payload, event_type
FROM rejected_events
WHERE arrival >= first
ORDER BY received_at DESC
LIMIT {most:UInt32}
"""


@dataclass(frozen=True, slots=True)
class Question:
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
        expected = expected_from(_part(asked), await read(warehouse, _planned))
        count = asked.get("count", 1)
        if type(count) is not int or count < 1:
            raise ValueError('"count" must be a whole number from 1 on.')
        came, found = await _until(
            warehouse,
            question,
            lambda came: matching(expected, came),
            lambda found: len(found) >= count,
        )
        return _answer(expected, came, found, count)

    @router.post("/sequence")
    async def sequence(request: Request) -> dict[str, Any]:
        """Answer when one device has sent the events in this order, else with how far one got."""
        asked = await asked_object(request, {"run", "within_ms", "events"})
        question = await _question(warehouse, asked)
        listed = asked.get("events")
        if type(listed) is not list or not listed:
            raise ValueError('"events" must be a list of what is expected, in order.')
        planned = await read(warehouse, _planned)
        steps = [
            expected_from({"event": one} if isinstance(one, str) else one, planned)
            for one in listed
        ]
        came, (far, found) = await _until(
            warehouse,
            question,
            lambda came: in_order(steps, came),
            lambda found: found[0] == len(steps),
        )
        answer: dict[str, Any] = {
            "matched": far == len(steps),
            "steps": far,
            "events": [asdict(one) for one in found],
        }
        if far < len(steps):
            answer["missing"] = steps[far].event
            answer |= _closest(steps[far], [one for one in came if one not in found])
        return answer

    return router


_EXPECTED = ("event", "properties", "unplanned")


def _part(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in _EXPECTED if name in asked}


async def _question(warehouse: Warehouse, asked: dict[str, Any]) -> Question:
    run, within_ms = asked.get("run") or "", asked.get("within_ms", 10_000)
    if type(run) is not str:
        raise ValueError('"run" must be the id of a run.')
    if type(within_ms) is not int or not 0 <= within_ms <= _LONGEST_WAIT_MS:
        raise ValueError(f'"within_ms" must be a whole number up to {_LONGEST_WAIT_MS}.')
    if run:
        await read(warehouse, lambda client: find_run(client, run))
    return Question(run, within_ms)


async def _until(
    warehouse: Warehouse,
    question: Question,
    judge: Callable[[list[Came]], Any],
    done: Callable[[Any], bool],
) -> tuple[list[Came], Any]:
    """Judge what came, again and again until it is enough or the time is over."""
    end = monotonic() + question.within_ms / 1000
    back = _LOOKED_BACK_S + question.within_ms // 1000
    while True:
        came = await read(warehouse, lambda client: _came(client, question.run, back))
        found = judge(came)
        if done(found) or monotonic() >= end:
            return came, found
        await asyncio.sleep(_AGAIN_S)


def _came(client: Client, run: str, back_s: int) -> list[Came]:
    parameters = {"run": run, "most": _MOST} if run else {"back": back_s, "most": _MOST}
    rows = client.query(_OF_RUN if run else _OF_NO_RUN, parameters=parameters).result_rows
    return [_one(row) for row in reversed(rows)]


def _one(row: Any) -> Came:
    name, sent_name, properties, device, *rest, payload, event_type = row
    item: dict[str, Any] = {}
    if payload:
        try:
            item = orjson.loads(payload)
        except orjson.JSONDecodeError:
            item = {}
    if item.get("properties") is None or event_type in {"identify", "group"}:
        sent = item.get("traits")
    else:
        sent = item["properties"]
    if rest[-3]:  # the reason: a rejected event stands as it was sent
        given: Any = sent if isinstance(sent, dict) else {}
        device = str(item.get("anonymousId") or item.get("userId") or "")
    else:
        given = orjson.loads(properties)
    return Came(name, sent_name, given, device, *rest)


def _planned(client: Client) -> Planned:
    rows = client.query("SELECT event, properties FROM planned_events").result_rows
    return {event: properties for event, properties in rows}  # noqa: C416 - what a row is


def _answer(expected: Expected, came: list[Came], found: list[Came], count: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "matched": len(found) >= count,
        "count": len(found),
        "events": [asdict(one) for one in found],
    }
    return answer if answer["matched"] else answer | _closest(expected, came)


def _closest(expected: Expected, came: list[Came]) -> dict[str, Any]:
    best = closest(expected, came)
    if best is None:
        return {"closest": None, "why": ["no event came at all"]}
    return {"closest": asdict(best[0]), "why": best[1]}
