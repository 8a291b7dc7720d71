"""The documents that trackers' SDKs ask for before they send: send here, load nothing else."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.http import Head


def sdk_documents() -> APIRouter:
    """Build the routes of Segment's project settings and RudderStack's source."""
    router = APIRouter()

    @router.get("/v1/projects/{key}/settings")
    def settings(key: str, request: Request) -> JSONResponse:
        """The project settings that analytics.js asks for first: send here, load nothing else."""
        document = _settings(key, request.headers.get("host", ""), request.url.scheme)
        return JSONResponse(document, headers={"access-control-allow-origin": "*"})

    @router.get("/sourceConfig")
    @router.get("/sourceConfig/")
    def source_config(request: Request) -> JSONResponse:
        """The source's document that RudderStack's SDKs ask for first: no destination but this."""
        origin = request.headers.get("origin", "").encode("latin-1")
        headers = {name.decode(): value.decode() for name, value in answers.cors_headers(origin)}
        return JSONResponse(_source(Head.of(request.scope).key), headers=headers)

    @router.options("/sourceConfig")
    @router.options("/sourceConfig/")
    def source_config_preflight(request: Request) -> Response:
        """Grant the Authorization header with which those SDKs ask."""
        granted = answers.preflight(request.headers.raw)
        headers = {name.decode(): value.decode() for name, value in granted.headers}
        return Response(status_code=granted.status, headers=headers)

    return router


def _settings(key: str, host: str, scheme: str) -> dict[str, Any]:
    return {
        "integrations": {
            "Segment.io": {"apiKey": key, "apiHost": f"{host}/v1", "protocol": scheme}
        },
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def _source(key: str) -> dict[str, Any]:
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
    return {"source": source, "updatedAt": "2024-01-01T00:00:00Z"}
