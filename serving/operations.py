"""What operates the service: probes, metrics, version, the pages behind problem types, the API's description."""

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from models.published import CHAMPION
from serving.access.security_headers import policy_for
from serving.metrics import CONTENT_TYPE
from serving.openapi import problems
from serving.problems import KINDS
from serving.readiness import not_routable, readiness, schema
from serving.schemas import ModelReference, RefusedVersion, VersionAnswer

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_JSON = "application/json"
_STANDING = {"content": {**_TEXT["content"], _JSON: {"schema": schema()}}}
_READY: dict[int | str, dict[str, Any]] = {200: _STANDING, 503: {"description": "Why not", **_STANDING}}
_ROUTE: dict[int | str, dict[str, Any]] = {200: _TEXT, 503: {"description": "Why not", **_TEXT}}

router = APIRouter(tags=["operations"])


@router.get("/livez", response_class=PlainTextResponse, responses={200: _TEXT})
async def livez() -> str:
    """Whether the process lives."""
    return "\n"


@router.get("/routez", response_class=PlainTextResponse, responses=_ROUTE)
async def routez(request: Request) -> Response:
    """Whether requests are to be sent here, with a model or without: events are taken in, every address answers."""
    why = not_routable(request.app.state.resources)
    return PlainTextResponse(f"{why or ''}\n", 503 if why else 200)


@router.get("/readyz", response_class=PlainTextResponse, responses=_READY)
async def readyz(request: Request) -> Response:
    """Whether recommendations can be answered; what is degraded or missing, a line each, or all as JSON on demand."""
    found = readiness(request.app.state.resources)
    status = 200 if found.ready else 503
    if _JSON in request.headers.get("accept", ""):
        return Response(found.model_dump_json(), status, media_type=_JSON)
    lines = [f"{one.name}: {one.why}\n" for one in found.dependencies if one.state != "ok"]
    return PlainTextResponse("".join(lines) or "\n", status)


@router.get("/metrics", response_class=PlainTextResponse, responses={200: _TEXT})
def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    # no coroutine, so that it runs in a thread: the snapshots of the workers are files, and answers need the loop
    return Response(request.app.state.resources.metrics.exposition(), media_type=CONTENT_TYPE)


@router.get("/v1/version")
async def version(request: Request) -> VersionAnswer:
    """Which Kairos and which model answer."""
    champion = request.app.state.resources.champion
    live, previous = champion.live(), champion.versions.previous
    restock = request.app.state.resources.restock.live()
    refusals = champion.versions.refusal, request.app.state.resources.restock.versions.refusal
    return VersionAnswer(
        version=request.app.version,
        model=ModelReference(name=live.name, version=live.version, alias=CHAMPION) if live else None,
        previous_model_version=previous.version.number if previous else None,
        restock_model=ModelReference(name=restock.name, version=restock.version, alias=CHAMPION) if restock else None,
        refused=[
            RefusedVersion(name=one.name, version=one.number, reason=one.reason, since=one.since)
            for one in refusals
            if one is not None
        ],
    )


@router.get("/v1/problems/{code}", response_class=PlainTextResponse, responses={200: _TEXT, **problems("not_found")})
async def problem(code: str) -> PlainTextResponse:
    """What a problem's `type` means."""
    if code not in KINDS:
        raise HTTPException(404)
    kind = KINDS[code]
    return PlainTextResponse(f"{code} ({kind.status}): {kind.title}\n\n{kind.meaning}\n")


@router.get("/v1/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """The description of the API for people, from files of ours: no other host is asked."""
    page = get_swagger_ui_html(
        openapi_url="/v1/openapi.json",
        title="Kairos",
        swagger_js_url="/v1/docs/swagger-ui-bundle.js",
        swagger_css_url="/v1/docs/swagger-ui.css",
        swagger_favicon_url="/v1/docs/favicon-32x32.png",
    )
    script = bytes(page.body).decode().split("<script>")[1].split("</script>")[0]
    page.headers["Content-Security-Policy"] = policy_for(script)
    return page


@router.get("/v1/docs/{name}", include_in_schema=False)
async def docs_asset(name: str) -> Response:
    """A file that the page needs."""
    if name not in _ASSETS:
        raise HTTPException(404)
    return Response(files("fastapi_swagger.resources").joinpath(name).read_bytes(), media_type=_ASSETS[name])
