"""Segment's own Python library, with no more than its host and key changed."""

from typing import Any
from uuid import UUID

import pytest
from segment.analytics.client import Client  # type: ignore[import-untyped]  # ships no types

from tests.conftest import RunningCollector


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_call_of_the_library(collector: RunningCollector, *, packed: bool) -> None:
    """Each call of the library arrives once, under its own message id, from one flush."""
    failures: list[Any] = []
    before = len(collector.rows())
    client = Client(
        "dev",
        host=collector.url,
        gzip=packed,
        max_retries=0,
        on_error=lambda error, items: failures.append((error, items)),
    )
    sent = [
        client.track("u-1", "CTA Clicked", {"cta_id": "apply"}),
        client.page("u-1", "landing", "Home", {"path": "/"}),
        client.screen("u-1", "app", "Home"),
        client.identify("u-1", {"email": "a@b.c"}),
        client.group("u-1", "kotlin-6", {"kind": "cohort"}),
        client.alias("a-1", "u-1"),
    ]
    client.flush()
    client.join()
    rows = collector.rows()[before:]
    assert failures == []
    assert [(row["event_type"], row["reason"]) for row in rows] == [
        ("track", ""),
        ("page", ""),
        ("screen", ""),
        ("identify", ""),
        ("group", ""),
        ("alias", ""),
    ]
    ids = [UUID(message["messageId"]) for _, message in sent]
    assert [UUID(bytes=row["event_id"]) for row in rows] == ids
