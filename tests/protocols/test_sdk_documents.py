"""The documents that SDKs ask for before they send: Segment's settings, RudderStack's source."""

from base64 import b64encode
from collections.abc import Callable

import pytest

from tests.conftest import RunningCollector

ORIGIN = "https://page.example"


def _basic(user: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{user}:".encode()).decode()}


def test_settings_of_analytics_js(collector: RunningCollector) -> None:
    """analytics.js finds its project's settings, which send it here and load nothing else."""
    answer = collector.client.get("/v1/projects/dev/settings", headers={"host": "events.example"})
    document = answer.json()
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert document["integrations"] == {
        "Segment.io": {"apiKey": "dev", "apiHost": "events.example/v1", "protocol": "http"}
    }
    assert document["remotePlugins"] == []
    assert document["plan"]["track"]["__default"] == {"enabled": True, "integrations": {}}


def test_settings_behind_a_proxy(collector_with: Callable[..., RunningCollector]) -> None:
    """Behind a trusted proxy that ends TLS, the settings send analytics.js to https."""
    collector = collector_with(trusted_proxies="127.0.0.1")
    headers = {"x-forwarded-proto": "https"}
    document = collector.client.get("/v1/projects/dev/settings", headers=headers).json()
    assert document["integrations"]["Segment.io"]["protocol"] == "https"


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
@pytest.mark.parametrize(
    ("query", "headers"),
    [("", _basic("dev")), ("?writeKey=dev", {}), ("?writeKey=dev", _basic("other"))],
    ids=["basic", "query", "query before basic"],
)
def test_source_of_rudderstack(
    collector: RunningCollector, path: str, query: str, headers: dict[str, str]
) -> None:
    """RudderStack's SDKs find the source of their key: enabled, without any destination."""
    answer = collector.client.get(path + query, headers={"origin": ORIGIN} | headers)
    source = answer.json()["source"]
    assert answer.status_code == 200
    assert (source["id"], source["writeKey"], source["enabled"]) == ("dev", "dev", True)
    assert source["destinations"] == source["connections"] == []
    off = {"enabled": False}
    assert source["config"]["statsCollection"] == {"errors": off, "metrics": off}
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
def test_preflight_of_a_source(collector: RunningCollector, path: str) -> None:
    """A page may ask for its source with the header that carries its key."""
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }
    answer = collector.client.options(path, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-headers"] == "authorization"
    assert "GET" in answer.headers["access-control-allow-methods"]
