"""Suites written for Snowplow Micro: its requests as its documentation shows them."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import READ_KEY, RunningProduct

PAGE = {"url": "https://nbcamp.example/kotlin", "title": "Kotlin"}


@pytest.fixture
def micro(product: RunningProduct) -> Iterator[httpx.Client]:
    """Give a client of the interface for a run of the test's own."""
    with httpx.Client(
        base_url=product.console_url, headers={"authorization": f"Bearer {READ_KEY}"}, timeout=60
    ) as client:
        client.headers["x-funnelhouse-run"] = client.post("/qa/runs", json={}).json()["run"]
        yield client


def send(product: RunningProduct, micro: httpx.Client, *names: str) -> None:
    """Send events of a visitor under the run; one named `broken` lacks what its schema wants."""
    calls: list[dict[str, Any]] = [
        {
            "type": "page" if name == "page" else "track",
            "event": "cta_clicked" if name == "broken" else name,
            "messageId": str(uuid4()),
            "anonymousId": "visitor",
            "userId": "kim",
            "context": {"page": PAGE, "experiment": {"id": "x"}},
            "properties": {} if name == "broken" else {"cta_id": name, "depth": 50},
        }
        for name in names
    ]
    headers = {"X-Funnelhouse-Run": micro.headers["x-funnelhouse-run"]}
    product.post("/v1/batch", {"batch": calls}, auth=("dev", ""), headers=headers)


def test_counts_and_reset(product: RunningProduct, micro: httpx.Client) -> None:
    """All counts good and bad at once after they were sent; a reset begins anew."""
    send(product, micro, "page", "cta_clicked", "broken", "scroll_depth_reached")
    counts = {"total": 4, "good": 3, "bad": 1}
    assert micro.get("/micro/all").json() == counts
    assert micro.post("/micro/all").json() == counts
    assert micro.get("/micro/reset").json() == {"total": 0, "good": 0, "bad": 0}
    assert micro.get("/micro/all").json()["total"] == 0
    send(product, micro, "page")
    assert micro.get("/micro/all").json()["total"] == 1
    assert micro.post("/micro/reset").json()["total"] == 0


def test_good_and_its_filters(product: RunningProduct, micro: httpx.Client) -> None:
    """A GET gives all, a POST those of a type, a schema, with contexts, and so many."""
    send(product, micro, "page", "cta_clicked", "scroll_depth_reached", "broken")
    events = micro.get("/micro/good").json()
    assert [one["schema"].split("/")[1] for one in events] == [
        "scroll_depth_reached",
        "cta_clicked",
        "page_viewed",
    ]
    viewed = events[-1]
    assert set(viewed) == {"rawEvent", "eventType", "schema", "contexts", "event"}
    assert viewed["rawEvent"]["parameters"]["e"] == "pv"
    assert viewed["rawEvent"]["parameters"]["url"] == PAGE["url"]
    assert (viewed["event"]["domain_userid"], viewed["event"]["user_id"]) == ("visitor", "kim")

    def found(**filters: Any) -> list[str]:
        answer = micro.post("/micro/good", json=filters)
        return [one["event"]["event_name"] for one in answer.json()]

    assert found(event_type="page_view") == ["page_viewed"]
    assert found(event_type="unstruct", limit=1) == ["scroll_depth_reached"]
    schema = "iglu:funnelhouse/cta_clicked/jsonschema/1-0-0"
    assert found(schema=schema) == ["cta_clicked"]
    contexts = ["iglu:funnelhouse/experiment/jsonschema/1-0-0"]
    assert len(found(contexts=contexts)) == 3
    assert found(contexts=[*contexts, "iglu:funnelhouse/none/jsonschema/1-0-0"]) == []
    clicked = micro.post("/micro/good", json={"schema": schema}).json()[0]["event"]
    assert clicked["unstruct_event"]["data"]["data"]["cta_id"] == "cta_clicked"


def test_bad_and_its_filters(product: RunningProduct, micro: httpx.Client) -> None:
    """A rejected event tells what was sent and why it was rejected."""
    send(product, micro, "broken", "page")
    (event,) = micro.get("/micro/bad").json()
    assert set(event) == {"collectorPayload", "rawEvent", "errors"}
    assert event["errors"][0].startswith('schema at $.properties: "cta_id" is a required property')
    assert (
        len(micro.post("/micro/bad", json={"vendor": "com.segment", "version": "v1"}).json()) == 1
    )
    assert micro.post("/micro/bad", json={"vendor": "com.other"}).json() == []


def test_a_page_of_events(product: RunningProduct, micro: httpx.Client) -> None:
    """Flat events by pages, filtered by columns, good, bad or both."""
    send(product, micro, "page", "cta_clicked", "cta_clicked", "broken")
    assert len(micro.get("/micro/events").json()) == 3

    def page(**asked: Any) -> dict[str, Any]:
        body = {"page": 1, "pageSize": 2, "filters": []} | asked
        return dict(micro.post("/micro/events", json=body).json())

    first = page()
    assert (first["totalItems"], first["totalPages"], len(first["events"])) == (4, 2, 2)
    assert len(page(page=2)["events"]) == 2
    assert page(validEvents=False)["totalItems"] == 1
    named = page(filters=[{"column": "event_name", "value": "CTA"}], validEvents=True)
    assert [one["event_name"] for one in named["events"]] == ["cta_clicked"] * 2
    assert page(timeRange={"start": "2100-01-01T00:00:00Z", "end": None})["totalItems"] == 0
    sorting = {"column": "event_name", "desc": True}
    assert page(sorting=sorting)["events"][0]["event_name"] == "page_viewed"


def test_without_a_run(product: RunningProduct) -> None:
    """Suites that know no runs ask about what no run names, since the last reset."""
    headers = {"authorization": f"Bearer {READ_KEY}"}
    with httpx.Client(base_url=product.console_url, headers=headers, timeout=60) as plain:
        plain.get("/micro/reset")
        product.post(
            "/v1/batch",
            {"batch": [{"type": "page", "anonymousId": "a"}, {"type": "track", "event": "nope"}]},
            auth=("dev", ""),
        )
        assert plain.get("/micro/all").json() == {"total": 2, "good": 1, "bad": 1}
        assert plain.get("/micro/good").json()[0]["event"]["event_name"] == "page_viewed"
        assert "unknown_event" in plain.get("/micro/bad").json()[0]["errors"][0]
        assert plain.post("/micro/good", json={"limit": 0}).status_code == 400
