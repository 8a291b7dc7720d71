"""Baseline: a FastAPI route that parses the body and answers; nothing is kept."""

from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/v1/track")
@app.post("/v1/batch")
async def take(request: Request) -> dict[str, bool]:
    """Parse and answer."""
    await request.json()
    return {"success": True}
