"""What the collector answers beside events: health, metrics, and the settings document of SDKs."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from ingest import answers
from ingest.http import Head
from ingest.metrics import METRICS_TYPE, SnapshotCollector, exposition


def error_response(_request: Request, error: Exception) -> Response:
    """Answer an HTTP error in the one shape that all errors have."""
    status, headers = 500, None
    if isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
    answer = answers.error(status, *_WHY.get(status, ("fault", "The request failed; try again.")))
    return Response(answer.body, status, headers, "application/json")


_WHY = {
    404: ("not_found", "Nothing is at this address; events go to /v1/track, /v1/batch and so on."),
    405: ("method", "This address does not take the method; see Allow."),
}


def service(metrics: SnapshotCollector, full: Callable[[], bool]) -> FastAPI:
    """Build the application behind the event routes; `full` says that the spool takes no more."""
    app = FastAPI(title="funnelhouse collector", docs_url=None, redoc_url=None)
    app.add_exception_handler(HTTPException, error_response)
    scraped = exposition(metrics)

    @app.get("/livez")
    def livez() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        """Not ready only while the spool is full: events are taken through any outage behind it."""
        if full():
            return JSONResponse({"status": "spool full"}, 503)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    def exposed() -> Response:
        """Counters of all workers in the Prometheus text format."""
        return Response(scraped(), media_type=METRICS_TYPE)

    @app.get("/v1/projects/{key}/settings")
    def settings(key: str, request: Request) -> JSONResponse:
        """The project settings that analytics.js asks for first: send here, load nothing else."""
        host = request.headers.get("host", "")
        integration = {"apiKey": key, "apiHost": f"{host}/v1", "protocol": request.url.scheme}
        document = {
            "integrations": {"Segment.io": integration},
            "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
            "edgeFunction": {},
            "analyticsNextEnabled": True,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "metrics": {"sampleRate": 0},
            "legacyVideoPluginsEnabled": False,
            "remotePlugins": [],
        }
        return JSONResponse(document, headers={"access-control-allow-origin": "*"})

    @app.get("/sourceConfig")
    @app.get("/sourceConfig/")
    def source_config(request: Request) -> JSONResponse:
        """The source's document that RudderStack's SDKs ask for first: no destination but this."""
        key = Head.of(request.scope).key
        off = {"enabled": False}
        source = {
            "id": key,
            "name": key,
            "writeKey": key,
            "enabled": True,
            "config": {"statsCollection": {"errors": off, "metrics": off}},
            "destinations": [],
            "connections": [],
            "workspaceId": "funnelhouse",
        }
        origin = request.headers.get("origin", "").encode("latin-1")
        headers = {name.decode(): value.decode() for name, value in answers.cors_headers(origin)}
        document = {"source": source, "updatedAt": "2024-01-01T00:00:00Z"}
        return JSONResponse(document, headers=headers)

    @app.options("/sourceConfig")
    @app.options("/sourceConfig/")
    def source_config_preflight(request: Request) -> Response:
        """Grant the Authorization header with which those SDKs ask."""
        granted = answers.preflight(request.headers.raw)
        headers = {name.decode(): value.decode() for name, value in granted.headers}
        return Response(status_code=granted.status, headers=headers)

    return app
