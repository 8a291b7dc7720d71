"""The demo: starts the product as it comes, sends the story, prints its weekly table."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
from rich.console import Console
from rich.progress import Progress
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay
from tenacity.wait import wait_fixed

from funnelhouse.command_line.warehouse_access import Access, open_warehouse
from funnelhouse.demo.board import STATEMENT, board
from funnelhouse.demo.story import browser_calls, server_calls, spend_rows
from funnelhouse.processes.supervisor import Supervisor
from funnelhouse.settings import Settings

_BROWSER_KEY = "demo"
_SERVER_KEY = "demo-server"
_BATCH = 100
_PATIENCE_S = 120
_HINT = """
Start the product with [bold]make up[/bold] and send an event of your own:

  curl http://127.0.0.1:8080/v1/track -d '{"writeKey": "dev", "anonymousId": "visitor-1",
    "messageId": "my-first-event", "event": "CTA Clicked",
    "properties": {"cta_id": "apply", "product": "nbcamp", "track": "kotlin"}}'
  .venv/bin/funnelhouse sql "SELECT event_name, anonymous_id, properties FROM events"
"""


_LANDED = """\
SELECT sum(events)
FROM received_raw FINAL
WHERE segment IN (SELECT segment FROM landed_segments)"""


def run_demo(settings: Settings, console: Console) -> None:
    """Run the story once in a folder of its own, `demo` in the data folder, on free ports."""
    settings = settings.model_copy(
        update={
            "data": settings.data / "demo",
            "collector": f"127.0.0.1:{_free_port()}",
            "console": f"127.0.0.1:{_free_port()}",
            "warehouse": "",
            "write_keys": f"{_BROWSER_KEY}:web,{_SERVER_KEY}:backend:server",
            "workers": 1,
        }
    )
    calls = {_BROWSER_KEY: list(browser_calls()), _SERVER_KEY: list(server_calls())}
    total = sum(map(len, calls.values()))
    with _running(settings), Progress(console=console) as progress:
        sent = progress.add_task("sending over HTTP", total=total)
        for key, batch in _batches(calls):
            _post(settings, key, batch)
            progress.advance(sent, len(batch))
        loaded = progress.add_task("loading", total=total)
        with open_warehouse(settings) as warehouse:
            warehouse.job("spend", spend_rows())
            for count in _loaded(warehouse, total):
                progress.update(loaded, completed=count)
            rows = orjson.loads(warehouse.query(STATEMENT, "JSON"))["data"]
    console.print(f"\nThe weekly funnel of a Kotlin track, from {total:,} events:\n")
    console.print(board(rows))
    console.print(_HINT, soft_wrap=True, highlight=False)


@contextmanager
def _running(settings: Settings) -> Iterator[None]:
    supervisor = Supervisor(settings, collect=True, warehouse=True)
    try:
        ready = Retrying(
            stop=stop_after_delay(_PATIENCE_S),
            wait=wait_fixed(0.1),
            retry=retry_if_exception_type(httpx.HTTPError),
            reraise=True,
        )
        for address in (settings.collector, settings.console):
            ready(lambda url: httpx.get(url).raise_for_status(), f"http://{address}/readyz")
        yield
    finally:
        supervisor.stop()


def _batches(calls: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for key, all_calls in calls.items():
        for start in range(0, len(all_calls), _BATCH):
            yield key, all_calls[start : start + _BATCH]


def _post(settings: Settings, key: str, calls: list[dict[str, Any]]) -> None:
    body = orjson.dumps({"writeKey": key, "batch": calls})
    answer = httpx.post(f"http://{settings.collector}/v1/batch", content=body, timeout=30)
    answer.raise_for_status()
    if "results" in answer.json():
        raise ValueError(f"The collector rejects the example: {answer.text[:500]}")


def _loaded(warehouse: Access, total: int) -> Iterator[int]:
    """Yield how many events stand in every view, as that grows to `total`."""

    def count() -> int:
        return int(warehouse.query(_LANDED, "TSV"))

    loaded = 0
    while loaded < total:
        grown = Retrying(
            stop=stop_after_delay(_PATIENCE_S),
            wait=wait_fixed(0.1),
            retry=retry_if_result(loaded.__eq__),
        )
        loaded = grown(count)
        yield loaded


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
