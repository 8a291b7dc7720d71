"""Baseline: a FastAPI route that inserts each request into the embedded engine, then answers."""

import os

import clickhouse_connect
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

app = FastAPI()
client = clickhouse_connect.get_client(interface="chdb", path=os.environ["BENCH_FOLDER"])
client.command("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
client.command(
    "CREATE TABLE IF NOT EXISTS bench.events (message_id String, event String, payload String)"
    " ENGINE = MergeTree ORDER BY message_id SETTINGS fsync_after_insert = 1"
)


@app.post("/v1/track")
@app.post("/v1/batch")
async def take(request: Request) -> dict[str, bool]:
    """Parse, insert, answer."""
    document = await request.json()
    items = document.get("batch", [document])
    rows = [(item["messageId"], item["event"], str(item)) for item in items]
    await run_in_threadpool(client.insert, "bench.events", rows)
    return {"success": True}
