"""Nothing is told without a key once an address is reached from other machines."""

import asyncio
import logging
import socket
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from funnelhouse.console.access.guess_limiter import Guesses
from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.clickhouse import QueryLimits, clickhouse
from funnelhouse.console.control import Control, control
from funnelhouse.console.export import Export
from funnelhouse.console.readers.statement_runner import Nobody
from funnelhouse.processes.endpoint import Endpoint
from funnelhouse.processes.untrusted_sql import strangers_of
from funnelhouse.settings import Settings
from funnelhouse.sql.location import Warehouse
from tests.conftest import READ_KEY, WRITE_KEYS, RunningProduct, free_port

WRITE_KEY = WRITE_KEYS.partition(":")[0]
OPEN = {"/livez", "/readyz", "/metrics", "/login"}
"""What anybody may ask: whether the process is well, and the form that asks for a key."""


def application(keys: tuple[str, ...], folder: Path) -> FastAPI:
    """Return the warehouse process's application as it is beyond loopback, over no warehouse."""
    place = Warehouse(folder / "nowhere")
    door = ReadAccess(keys, open=False)
    return control(Control(lambda: True, place, {}, Export(door, 10), door))


async def answers(app: FastAPI, sent: dict[str, str]) -> dict[str, tuple[int, str]]:
    """Ask every route in each of its ways; gives the status, and where it leads to."""
    asked = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path not in OPEN
    }
    found = {}
    address = "http://warehouse.example:8081"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=address) as client:
        for one in asked:
            method, path = one.split()
            answer = await client.request(method, path.format_map(Anything()), headers=sent)
            found[one] = answer.status_code, answer.headers.get("location", "").partition("?")[0]
    return found


class Anything(dict[str, str]):
    """Fills every part of a path."""

    def __missing__(self, name: str) -> str:
        return {"ending": "csv"}.get(name, "x")


@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")
@pytest.mark.parametrize("keys", [(), (READ_KEY,)], ids=["no keys", "a key"])
@pytest.mark.parametrize("sent", [{}, {"authorization": f"Bearer {WRITE_KEY}"}], ids=["", "write"])
def test_every_route_wants_a_read_key(
    keys: tuple[str, ...], sent: dict[str, str], tmp_path: Path
) -> None:
    """Whatever the process answers, it refuses whoever has none, or a key that writes."""
    found = asyncio.run(answers(application(keys, tmp_path), sent))
    assert {"GET /", "GET /coverage", "POST /qa/expect", "GET /micro/all"} <= found.keys()
    assert {"POST /control/sql", "GET /sql.csv", "GET /live/events"} <= found.keys()
    assert any(route.startswith("GET /export/") for route in found)
    told = {route: answer for route, answer in found.items() if answer not in REFUSED}
    assert told == {}
    assert not (tmp_path / "nowhere").exists()


REFUSED = {(401, ""), (303, "/login")}


@pytest.mark.parametrize("key", ["", WRITE_KEY])
def test_the_sql_endpoint_wants_a_read_key(key: str, tmp_path: Path) -> None:
    """No key and a key that writes are refused before a statement is looked at."""
    app = clickhouse(Nobody(), ReadAccess((READ_KEY,), open=False), LIMITS)

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sql.example") as client:
            return await client.get("/", params={"query": "SELECT 1"}, auth=("anybody", key))

    assert asyncio.run(asked()).status_code == 401
    assert not (tmp_path / "nowhere").exists()


LIMITS = QueryLimits(1, 1_000_000, 10)


@pytest.mark.parametrize(("host", "listens"), [("0.0.0.0", False), ("127.0.0.1", True)])
def test_without_keys_the_sql_endpoint_is_for_this_machine_alone(
    host: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, listens: bool
) -> None:
    """Where other machines could reach it, it does not listen, and the log says what to do."""
    port = free_port()
    settings = Settings(data=tmp_path, sql=f"{host}:{port}", read_keys="")
    endpoint = Endpoint(settings, strangers_of(settings), Guesses())
    with caplog.at_level(logging.ERROR):
        endpoint.begin()
    try:
        with socket.socket() as probe:
            assert (probe.connect_ex(("127.0.0.1", port)) == 0) is listens
        assert ("set FUNNELHOUSE_READ_KEYS" in caplog.text) is not listens
    finally:
        endpoint.stop()


def test_a_read_key_writes_nothing(product: RunningProduct) -> None:
    """The collector does not know it."""
    call = {"type": "track", "event": "CTA Clicked", "anonymousId": "a"}
    assert product.post("/v1/track", call, auth=(READ_KEY, "")).status_code == 401
    assert product.post("/v1/track", call | {"writeKey": READ_KEY}).status_code == 401
