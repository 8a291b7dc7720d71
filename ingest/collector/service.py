"""What the collector answers beside events: health and metrics, and what SDKs ask for first."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.sdk_documents import sdk_documents
from funnelhouse.ingest.metrics import METRICS_TYPE, SnapshotCollector, exposition


def error_response(_request: Request, error: Exception) -> Response:
    """Answer an HTTP error in the one shape that all errors have."""
    status, headers = 500, None
    if isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
    answer = answers.error(status, *_WHY.get(status, ("fault", "The request failed; try again.")))
    return Response(answer.body, status, headers, "application/json")


_WHY = {
    403: (
        "unknown_host",
        "This host name is not known here; ask by an address, or add it to FUNNELHOUSE_HOST_NAMES.",
    ),
    404: ("not_found", "Nothing is at this address; events go to /v1/track, /v1/batch and so on."),
    405: ("method", "This address does not take the method; see Allow."),
}


def service(
    metrics: SnapshotCollector, full: Callable[[], bool], is_known_host: Callable[[str], bool]
) -> FastAPI:
    """Build the application behind the event routes.

    `full` says that the spool takes no more. Metrics are told by a host that is known alone: a
    site could point its own name here, and its pages would read them.
    """
    app = FastAPI(title="funnelhouse collector", docs_url=None, redoc_url=None, openapi_url=None)
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
    def exposed(request: Request) -> Response:
        """Counters of all workers in the Prometheus text format."""
        if not is_known_host(request.headers.get("host", "")):
            raise HTTPException(403)
        return Response(scraped(), media_type=METRICS_TYPE)

    app.include_router(sdk_documents())
    return app
