"""The pytest fixture `funnelhouse`: a test run of its own, and waiting for events that are due.

Works against a running product: the address of its warehouse process is --funnelhouse-url or
FUNNELHOUSE_URL, a read key --funnelhouse-key or FUNNELHOUSE_KEY.
"""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

_ADDRESS = "http://127.0.0.1:8081"
_PATIENCE_S = 150.0


class Funnelhouse:
    """One test run: events that name its id are its own, and stand in no report.

    Give `run` to the page as ?fh_run=, or `headers` to whatever sends the events.
    """

    def __init__(self, http: httpx.Client, run: str) -> None:
        self._http = http
        self.run = run

    @property
    def headers(self) -> dict[str, str]:
        """The header by which requests name the run."""
        return {"X-Funnelhouse-Run": self.run}

    def expect(
        self, event: str, properties: dict[str, Any] | None = None, **asked: Any
    ) -> dict[str, Any]:
        """Wait until an event is there, and return it; fail with the closest one and why.

        `asked` may hold count, within_ms and unplanned.
        """
        answer = self._ask("/qa/expect", event=event, properties=properties or {}, **asked)
        if not answer["matched"]:
            pytest.fail(_told(event, answer), pytrace=False)
        return dict(answer["events"][-1])

    def sequence(self, *events: str | dict[str, Any], within_ms: int = 10_000) -> list[Any]:
        """Wait until one device has sent these events in this order, and return them."""
        answer = self._ask("/qa/sequence", events=list(events), within_ms=within_ms)
        if not answer["matched"]:
            pytest.fail(_told(answer["missing"], answer), pytrace=False)
        return list(answer["events"])

    def coverage(self) -> dict[str, Any]:
        """Say what of the plan this run has shown so far, in percent and row by row."""
        answer = self._http.get("/qa/coverage", params={"run": self.run})
        return dict(_json(answer))

    def end(self) -> None:
        """End the run now."""
        _json(self._http.post(f"/qa/runs/{self.run}/end"))

    def _ask(self, path: str, **asked: Any) -> Any:
        return _json(self._http.post(path, json={"run": self.run} | asked))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the address and the key."""
    group = parser.getgroup("funnelhouse")
    url, key = "address of the warehouse process", "a read key"
    group.addoption("--funnelhouse-url", default=os.environ.get("FUNNELHOUSE_URL"), help=url)
    group.addoption("--funnelhouse-key", default=os.environ.get("FUNNELHOUSE_KEY"), help=key)


@pytest.fixture
def funnelhouse(request: pytest.FixtureRequest) -> Iterator[Funnelhouse]:
    """Give a test run of this test's own.

    It ends by itself, within the hour: what a page sends when it is closed after the test is its
    own too, and would stand in reports were the run over.
    """
    url = request.config.getoption("--funnelhouse-url") or _ADDRESS
    key = request.config.getoption("--funnelhouse-key")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=url, headers=headers, timeout=_PATIENCE_S) as http:
        begun = _json(http.post("/qa/runs", json={"note": request.node.name[:200]}))
        yield Funnelhouse(http, begun["run"])


def _json(answer: httpx.Response) -> Any:
    if answer.is_error:
        pytest.fail(f"{answer.request.url.path}: {answer.text}", pytrace=False)
    return answer.json()


def _told(event: str, answer: dict[str, Any]) -> str:
    lines = [f"No such {event} came in time: {'; '.join(answer['why'])}."]
    if answer["closest"] is not None:
        lines.append(f"The closest: {answer['closest']}")
    return "\n".join(lines)
