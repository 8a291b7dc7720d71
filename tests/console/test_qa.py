"""Test runs against the running product: apart from all reports, and waited for without a sleep."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import READ_KEY, RunningProduct

VIEWED = {"type": "page", "properties": {"path": "/kotlin"}}


def ask(product: RunningProduct, path: str, **asked: Any) -> Any:
    """Ask one of the routes for tests, and return its answer."""
    answer = refusal(product, path, **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(product: RunningProduct, path: str, **asked: Any) -> httpx.Response:
    """Ask one of the routes for tests, whatever it answers."""
    headers = {"authorization": f"Bearer {READ_KEY}"}
    return httpx.post(f"{product.console_url}{path}", json=asked, headers=headers, timeout=60)


def clicked(person: str, **more: Any) -> dict[str, Any]:
    """Return a click on a call to action."""
    properties = {"cta_id": "apply", "product": "nbcamp", "track": "kotlin"}
    return {
        "type": "track",
        "event": "CTA Clicked",
        "messageId": str(uuid4()),
        "anonymousId": person,
        "properties": properties | more,
    }


def send(product: RunningProduct, *calls: dict[str, Any], **request: Any) -> None:
    """Send calls in one batch."""
    answer = product.post("/v1/batch", {"batch": list(calls)}, auth=("dev", ""), **request)
    assert answer.status_code == 200


def start(product: RunningProduct) -> str:
    """Register a run."""
    return str(ask(product, "/qa/runs")["run"])


@pytest.mark.parametrize("way", ["header", "query", "context"])
def test_an_event_names_its_run_in_three_ways(product: RunningProduct, way: str) -> None:
    """Header, query and context all do; the run sees the event, and no report does."""
    run, person = start(product), f"person-{uuid4()}"
    request: dict[str, Any] = {
        "header": {"headers": {"X-Funnelhouse-Run": run}},
        "query": {"params": {"fh_run": run}},
        "context": {},
    }[way]
    call = clicked(person) | ({"context": {"run": run}} if way == "context" else {})
    send(product, call, **request)
    properties = {"track": "kotlin"}
    answer = ask(product, "/qa/expect", run=run, event="cta_clicked", properties=properties)
    assert answer["matched"]
    assert [event["device"] for event in answer["events"]] == [person]
    for view in ("events", "sessions", "stage_entries"):
        column = "anonymous_id" if view == "events" else "person_id"
        assert product.sql(f"SELECT 1 FROM {view} WHERE {column} = '{person}'") == []


def test_an_unknown_and_an_ended_run_change_nothing(product: RunningProduct) -> None:
    """Their events are events as all others."""
    run, person = start(product), f"person-{uuid4()}"
    ask(product, f"/qa/runs/{run}/end")
    send(product, clicked(person), headers={"X-Funnelhouse-Run": run})
    send(product, clicked(person), headers={"X-Funnelhouse-Run": f"never-{uuid4()}"})
    found = f"SELECT 1 FROM events WHERE anonymous_id = '{person}'"
    product.wait_visible(lambda: len(product.sql(found)) == 2)
    assert not ask(product, "/qa/expect", run=run, event="cta_clicked", within_ms=0)["matched"]


def test_parallel_runs_see_their_own_events(product: RunningProduct) -> None:
    """Twenty runs at once each find exactly what names them."""
    runs = [start(product) for _ in range(20)]

    def one(run: str) -> list[str]:
        send(product, clicked(f"of-{run}"), headers={"X-Funnelhouse-Run": run})
        answer = ask(product, "/qa/expect", run=run, event="cta_clicked", within_ms=60_000)
        return [event["device"] for event in answer["events"]]

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(one, runs))
    assert found == [[f"of-{run}"] for run in runs]


def test_the_closest_event_says_why_it_is_another(product: RunningProduct) -> None:
    """A wrong value, a missing property and a rejection are each told."""
    run = start(product)
    broken = clicked("a")
    del broken["properties"]["cta_id"]
    send(product, clicked("a", track="java"), broken, headers={"X-Funnelhouse-Run": run})
    ask(product, "/qa/expect", run=run, event="cta_clicked", properties={"track": "java"})
    wrong = ask(
        product,
        "/qa/expect",
        run=run,
        event="CTA Clicked",
        properties={"track": "kotlin", "label": {"exists": True}, "product": "nbcamp"},
        within_ms=0,
    )
    assert not wrong["matched"]
    assert set(wrong["why"]) == {'track is "java", expected "kotlin"', "label is missing"}
    rejected = ask(product, "/qa/expect", run=run, event="cta_clicked", count=2, within_ms=0)
    assert rejected["count"] == 1
    sequence = ask(
        product, "/qa/sequence", run=run, events=["cta_clicked", "cta_clicked"], within_ms=0
    )
    assert (sequence["matched"], sequence["steps"]) == (False, 1)
    assert "it was rejected: schema at $.properties" in sequence["why"][0]


def test_a_sequence_is_found_by_the_time_of_events(product: RunningProduct) -> None:
    """Events that arrive in another order are in the order in which they happened."""
    run = start(product)
    later = clicked("a") | {"timestamp": "2026-01-01T00:00:02Z", "sentAt": "2026-01-01T00:00:03Z"}
    earlier = VIEWED | {
        "anonymousId": "a",
        "messageId": str(uuid4()),
        "timestamp": "2026-01-01T00:00:01Z",
        "sentAt": "2026-01-01T00:00:03Z",
    }
    send(product, later, earlier, headers={"X-Funnelhouse-Run": run})
    right = ask(product, "/qa/sequence", run=run, events=["page_viewed", "cta_clicked"])
    assert [event["event"] for event in right["events"]] == ["page_viewed", "cta_clicked"]
    wrong = ask(
        product, "/qa/sequence", run=run, events=["cta_clicked", "page_viewed"], within_ms=0
    )
    assert (wrong["matched"], wrong["missing"]) == (False, "page_viewed")


def test_an_event_of_no_run_is_waited_for_too(product: RunningProduct) -> None:
    """Without a run the last minutes are looked at."""
    label = f"label-{uuid4()}"
    send(product, clicked("b", label=label))
    assert ask(product, "/qa/expect", event="cta_clicked", properties={"label": label})["matched"]


def test_the_ledger_counts_what_runs_received(product: RunningProduct) -> None:
    """Accepted, rejected and repeated events of a run are accounted for."""
    run = start(product)
    call, broken = clicked("c"), clicked("c")
    del broken["properties"]["cta_id"]
    send(product, call, call, broken, headers={"X-Funnelhouse-Run": run})
    ask(product, "/qa/expect", run=run, event="cta_clicked", within_ms=60_000)
    gaps = "SELECT sum(abs(unaccounted)) AS gap FROM ledger_minutely"
    product.wait_visible(lambda: int(product.sql(gaps)[0]["gap"]) == 0)
    rows = product.sql(f"SELECT reason FROM run_events WHERE run = '{run}' ORDER BY reason")
    assert [row["reason"] for row in rows] == ["", "schema"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "The name of the event is missing"),
        ({"event": "cta_clickd"}, 'write "cta_clicked"'),
        ({"event": "cta_clicked", "properties": {"cta": 1}}, 'write "cta_id"'),
        ({"event": "cta_clicked", "properties": {"label": {"is": 1, "gr": 2}}}, "no operator"),
        ({"event": "cta_clicked", "property": {}}, 'There is no "property" here'),
        ({"event": "cta_clicked", "run": "never"}, 'No run "never" is registered'),
        ({"event": "cta_clicked", "within_ms": -1}, "within_ms"),
        ({"event": "cta_clicked", "count": 0}, "count"),
        ({"event": "cta_clicked", "properties": []}, "properties"),
    ],
)
def test_what_cannot_be_meant_is_told(
    product: RunningProduct, asked: dict[str, Any], told: str
) -> None:
    """It is refused at once, with what was probably meant."""
    answer = refusal(product, "/qa/expect", **asked)
    assert answer.status_code == 400
    assert told in answer.text


def test_nobody_asks_without_a_key(product: RunningProduct) -> None:
    """With read keys set, none is 401."""
    assert httpx.post(f"{product.console_url}/qa/runs", json={}).status_code == 401
