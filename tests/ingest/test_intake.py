import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from ingest import answers
from ingest.answers import Answer
from ingest.draft import Rules
from ingest.durability import SpoolFull, SyncFailed
from ingest.http import Body, Head
from ingest.intake import Door, Intake, Line
from ingest.keys import RateLimiter, WriteKey
from ingest.limits import Limits
from ingest.metrics import WorkerMetrics
from ingest.pipeline import Pipeline
from ingest.proxies import Proxies
from ingest.spool import Spool
from schemas.registry import load_plan

PLAN = Path(__file__).parents[2] / "schemas"
CLICK = b'{"event":"cta_clicked","userId":"u","properties":{"cta_id":"a"},"writeKey":"dev"}'
HEAD = Head([], b"", ("192.0.2.1", 1))


class FailingSpool:
    """A spool on which every append ends in one error, at once or later."""

    def __init__(self, error: Exception, *, at_once: bool) -> None:
        self.error = error
        self.at_once = at_once

    def append(self, *_rows: Any) -> asyncio.Future[None]:
        """Fail."""
        if self.at_once:
            raise self.error
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_exception(self.error)
        return future


async def answer_over(spool: FailingSpool, folder: Path) -> Answer:
    """Take a call that should be kept in a spool, and return the answer."""
    limits = Limits()
    door = Door({"dev": WriteKey("dev", "web")}, limits, RateLimiter(0, 1), Proxies(""))
    pipeline = Pipeline(Rules(load_plan(PLAN), limits, b"secret"))
    intake = Intake(door, Line(pipeline, cast("Spool", spool), WorkerMetrics(folder, 0)))
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    intake.take_body("track", HEAD, Body(CLICK, cut=False), answer.set_result)
    return await answer


@pytest.mark.anyio
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("error", [SpoolFull("No room."), SyncFailed("Lost.")])
async def test_what_is_not_kept_is_never_a_success(
    tmp_path: Path, error: Exception, *, at_once: bool
) -> None:
    """A spool that is full or has failed is a 503 that says when to come again."""
    answer = await answer_over(FailingSpool(error, at_once=at_once), tmp_path)
    assert answer.status == 503
    assert b"retry-after" in dict(answer.headers)


@pytest.mark.anyio
async def test_a_fault_of_the_spool_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows that the spool cannot write down are answered as a fault, which the log names."""
    answer = await answer_over(FailingSpool(ValueError("odd row"), at_once=False), tmp_path)
    assert answer == answers.FAULT
    assert "odd row" in caplog.text
