from pathlib import Path
from typing import Any, cast

import pytest

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer
from funnelhouse.ingest.collector.http import Head
from funnelhouse.ingest.collector.intake import AccessPolicy, EventPath, Receiver
from funnelhouse.ingest.collector.keys import WriteKey
from funnelhouse.ingest.collector.protocols.segment import ROUTES
from funnelhouse.ingest.collector.proxies import Proxies
from funnelhouse.ingest.collector.rates import RateLimiter, Rates
from funnelhouse.ingest.log.durability import SpoolFull, SyncFailed
from funnelhouse.ingest.log.spool import Spool, Told
from funnelhouse.ingest.metrics import WorkerMetrics
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.ingest.validation.pipeline import Pipeline
from funnelhouse.schemas.registry import load_plan

PLAN = Path(__file__).parents[3] / "schemas"
CLICK = b'{"event":"cta_clicked","userId":"u","properties":{"cta_id":"a"},"writeKey":"dev"}'
HEAD = Head([], b"", ("192.0.2.1", 1))


class FailingSpool:
    """A spool on which every append ends in one error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def append(self, _rows: Any, _received: Any, told: Told, *_more: object) -> None:
        """Fail."""
        told(self.error)


def answer_over(spool: FailingSpool, folder: Path) -> Answer:
    """Take a call that should be kept in a spool, and return the answer."""
    limits = Limits()
    rates = Rates(RateLimiter(0, 1), RateLimiter(0, 1))
    door = AccessPolicy({"dev": WriteKey("dev", "web")}, limits, rates, Proxies(""))
    pipeline = Pipeline(Rules(load_plan(PLAN), limits, b"secret"))
    intake = Receiver(door, EventPath(pipeline, cast("Spool", spool), WorkerMetrics(folder, 0)))
    given: list[Answer] = []
    intake.take_body(ROUTES["/v1/track"], HEAD, CLICK, given.append)
    (answer,) = given
    return answer


@pytest.mark.parametrize("error", [SpoolFull("No room."), SyncFailed("Lost.")])
def test_what_is_not_kept_is_never_a_success(tmp_path: Path, error: Exception) -> None:
    """A spool that is full or has failed is a 503 that says when to come again."""
    answer = answer_over(FailingSpool(error), tmp_path)
    assert answer.status == 503
    assert b"retry-after" in dict(answer.headers)


def test_a_fault_of_the_spool_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rows that the spool cannot write down are answered as a fault, which the log names."""
    answer = answer_over(FailingSpool(ValueError("odd row")), tmp_path)
    assert answer == answers.FAULT
    assert "odd row" in caplog.text
