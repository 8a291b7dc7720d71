"""How routes read a JSON object that was posted, and ask or change the warehouse in a thread."""

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from clickhouse_connect.driver.client import Client
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from funnelhouse.sql.client import connection
from funnelhouse.sql.location import Warehouse

Answer = TypeVar("Answer")


async def asked_object(request: Request, known: set[str]) -> dict[str, Any]:
    """Read the body of a request as an object of known keys; a header may name the run.

    Raises:
        ValueError: it is no such object.
    """
    try:
        asked = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise ValueError(f"The body is not JSON ({error}); send an object.") from error
    if type(asked) is not dict:
        raise ValueError("The body must be a JSON object.")
    for name in asked.keys() - known:
        raise ValueError(f'There is no "{name}" here; there are {", ".join(sorted(known))}.')
    run = request.headers.get("x-funnelhouse-run")
    return asked if run is None or "run" not in known else {"run": run} | asked


async def read(warehouse: Warehouse, ask: Callable[[Client], Answer]) -> Answer:
    """Ask over a connection that can only read."""

    def work() -> Answer:
        with connection(warehouse, readonly=True) as client:
            return ask(client)

    return await run_in_threadpool(work)


async def written(warehouse: Warehouse, change: Callable[[Client], Answer]) -> Answer:
    """Change something."""

    def work() -> Answer:
        with connection(warehouse) as client:
            return change(client)

    return await run_in_threadpool(work)
