"""What the collector answers beside events: health and metrics."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from funnelhouse.ingest.metrics import LATENCY_BOUNDS_S
from tests.conftest import RunningCollector, RunningProduct, samples_of

DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def counted(collector_with: Callable[..., RunningCollector]) -> RunningCollector:
    """Give a collector that only these tests send to, so that its totals are known."""
    return collector_with(drain_s=7)


def _click(**fields: Any) -> dict[str, Any]:
    click = {"type": "track", "event": "cta_clicked", "userId": "u-1"}
    return click | {"properties": {"cta_id": "apply"}} | fields


def _metrics_when(
    collector: RunningCollector, holds: Callable[[dict[str, float]], bool]
) -> dict[str, float]:
    """The metrics once they hold; a worker publishes its totals about once a second."""
    until = time.monotonic() + DEADLINE_S
    while not holds(metrics := collector.metrics()):
        assert time.monotonic() < until, metrics
    return metrics


def test_livez(collector: RunningCollector) -> None:
    """The process answers that it lives."""
    answer = collector.client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8080", 200), ("[::1]", 200), ("collector-1:8080", 200), ("evil.example", 403)],
)
def test_metrics_by_a_host_that_is_known(
    collector_with: Callable[..., RunningCollector], host: str, status: int
) -> None:
    """A site that points its name at the collector reads no metrics; it is well by any name."""
    collector = collector_with(host_names="collector-1")
    answer = collector.client.get("/metrics", headers={"host": host})
    assert answer.status_code == status
    assert ("funnelhouse_" in answer.text) == (status == 200)
    assert collector.client.get("/readyz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "resource_policy"),
    [
        ("GET", "/livez", "same-origin"),
        ("GET", "/readyz", "same-origin"),
        ("GET", "/metrics", "same-origin"),
        ("GET", "/nowhere", "same-origin"),
        ("GET", "/openapi.json", "same-origin"),
        ("DELETE", "/livez", "same-origin"),
        ("GET", "/v1/projects/dev/settings", None),
        ("GET", "/sourceConfig", "same-origin"),
        ("GET", "/tag.js", "cross-origin"),
        ("GET", "/tag/experiments.js", "cross-origin"),
        ("GET", "/tag.json", "cross-origin"),
        ("GET", "/v1/pixel/track?writeKey=dev&data=e30=", "cross-origin"),
        ("GET", "/v1/track", None),
        ("OPTIONS", "/v1/track", None),
        ("POST", "/v1/track?writeKey=dev", None),
        ("POST", "/tag.js", None),
    ],
)
def test_what_pages_of_other_sites_may_embed(
    collector: RunningCollector, method: str, path: str, resource_policy: str | None
) -> None:
    """No answer is taken for a script by mistake; but for the tag and pixels none is for all."""
    answer = collector.client.request(method, path)
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get("cross-origin-resource-policy") == resource_policy


def test_readyz(collector: RunningCollector) -> None:
    """The collector is ready without a loader, since events are taken through any outage."""
    answer = collector.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_events_by_source_and_outcome(counted: RunningCollector) -> None:
    """Events are counted by source and outcome: received on its own, then accepted or rejected."""
    before = counted.metrics()
    counted.take("/v1/batch", {"writeKey": "dev", "batch": [_click(), _click(event="x"), 5]})
    counted.take("/v1/batch", {"writeKey": "app", "batch": [_click()] * 4})
    counted.take("/v1/track?writeKey=app", b"{")
    counted.take("/v1/track?writeKey=other", _click())

    def total(source: str, outcome: str) -> float:
        name = f'funnelhouse_events_total{{outcome="{outcome}",source="{source}"}}'
        return metrics.get(name, 0) - before.get(name, 0)

    received = 'funnelhouse_events_total{outcome="received",source="backend"}'
    metrics = _metrics_when(counted, lambda now: now.get(received, 0) >= 5)
    outcomes = ("received", "accepted", "rejected")
    assert [total("web", outcome) for outcome in outcomes] == [3, 1, 2]
    assert [total("backend", outcome) for outcome in outcomes] == [5, 4, 1]


def test_requests_by_status(counted: RunningCollector) -> None:
    """Requests are counted by status, whatever became of their events."""
    before = counted.metrics()
    counted.take("/v1/t?writeKey=dev", _click())
    counted.take("/v1/t?writeKey=dev", b"{")
    counted.take("/v1/t?writeKey=other", _click())
    names = [f'funnelhouse_requests_total{{status="{status}"}}' for status in (200, 400, 401)]
    metrics = _metrics_when(counted, lambda now: now.get(names[2], 0) > before.get(names[2], 0))
    assert [metrics[name] - before.get(name, 0) for name in names] == [1, 1, 1]


def test_latency(counted: RunningCollector) -> None:
    """The time of every event request falls into one bucket of a cumulative histogram."""
    count = "funnelhouse_request_seconds_count"
    before = counted.metrics()
    for _ in range(5):
        counted.take("/v1/t?writeKey=dev", _click())
    metrics = _metrics_when(counted, lambda now: now[count] >= before[count] + 5)
    bounds = [*map(str, LATENCY_BOUNDS_S), "+Inf"]
    buckets = [metrics[f'funnelhouse_request_seconds_bucket{{le="{le}"}}'] for le in bounds]
    assert buckets == sorted(buckets)
    assert buckets[-1] == metrics[count] == before[count] + 5
    assert metrics["funnelhouse_request_seconds_sum"] > before["funnelhouse_request_seconds_sum"]


def test_spool_depth_and_age(counted: RunningCollector) -> None:
    """The spool's depth is the bytes and segments of its folder, its age that of the oldest."""
    counted.take("/v1/t?writeKey=dev", _click())

    def agrees(metrics: dict[str, float]) -> bool:
        files = list(counted.settings.spool_folder.glob("*.*"))
        size = sum(file.stat().st_size for file in files)
        return (metrics["funnelhouse_spool_bytes"], metrics["funnelhouse_spool_segments"]) == (
            size,
            len(files),
        )

    metrics = _metrics_when(counted, agrees)
    oldest_us = min(int(f.name[:16]) for f in counted.settings.spool_folder.glob("*.*"))
    age_s = time.time() - oldest_us / 1e6
    assert 0 < metrics["funnelhouse_spool_oldest_seconds"] <= age_s


def test_metrics_are_what_prometheus_reads(counted: RunningCollector) -> None:
    """The metrics parse by Prometheus' own library, each with its help and type."""
    answer = counted.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {name: family.type for name, family in families.items()} == {
        "funnelhouse_events": "counter",
        "funnelhouse_requests": "counter",
        "funnelhouse_request_seconds": "histogram",
        "funnelhouse_spool_bytes": "gauge",
        "funnelhouse_spool_segments": "gauge",
        "funnelhouse_spool_oldest_seconds": "gauge",
        "funnelhouse_spool_damaged": "gauge",
        "funnelhouse_redactions": "counter",
        "funnelhouse_verification_findings": "gauge",
        "funnelhouse_verification_timestamp_seconds": "gauge",
    }
    assert all(family.documentation for family in families.values())


def test_loader_lag_is_a_metric(product: RunningProduct) -> None:
    """Beside a loader, the metrics say how far the warehouse is behind and what was loaded."""

    def loaded() -> float:
        metrics.update(samples_of(product.client.get("/metrics").text))
        return metrics.get('funnelhouse_loader_rows_total{outcome="loaded"}', 0)

    metrics: dict[str, float] = {}
    before = loaded()
    assert product.post("/v1/t?writeKey=dev", _click()).status_code == 200
    product.wait_visible(lambda: loaded() > before)
    assert 0 <= metrics["funnelhouse_loader_lag_seconds"] < DEADLINE_S
