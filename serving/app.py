"""The HTTP application: every route, every error as problem+json, and the resources for as long as it runs."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from serving import configured, ingest, items, operations, recommend
from serving.access.scopes import check_routes
from serving.console import routes as console
from serving.decisions import abandoned, action_bank, activations, check, consents, decisions, outcomes
from serving.door import Door, answer_to
from serving.idempotency import Idempotency
from serving.lane import Lane, Routes
from serving.openapi import describe
from serving.privacy import requests as privacy
from serving.problems import code_of
from serving.release import VERSION
from serving.reports import (
    funnel,
    heatmap,
    integration,
    models,
    overview,
    policy_value,
    restock_calendar,
    segments,
    uplift,
    visitor,
)
from serving.resources import Clock, open_resources
from serving.restock import carts, due_list, feedback, forecast
from serving.seen import Seen
from serving.settings import Settings

GIVE_UP_SECONDS = 4.0
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_BATCHES = (
    "/v1/batch",
    "/v1/import",
    "/v1/events/validate",
    "/v1/catalog/items",
    "/v1/recommendations",
    "/v1/recommendations/batch",
    "/v1/restock/due",
    "/v1/decisions",
    "/v1/decisions/batch",
)
_USE_CASES = (
    ingest,
    recommend,
    forecast,
    due_list,
    carts,
    feedback,
    decisions,
    check,
    activations,
    outcomes,
    consents,
    abandoned,
    action_bank,
    configured,
    privacy,
    items,
    funnel,
    heatmap,
    integration,
    models,
    overview,
    restock_calendar,
    policy_value,
    segments,
    uplift,
    visitor,
    operations,
)
_HOT: Routes = {**recommend.HOT, **decisions.HOT, **check.HOT, **ingest.HOT}
_PATIENT = {
    "/v1/recommendations/batch": 25.0,
    "/v1/restock/due": 25.0,
    "/v1/decisions/batch": 25.0,
    "/v1/carts/abandoned": 25.0,
}
"""A thousand subjects take seconds; whoever asks for them is no visitor who waits for a page."""

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings | None = None, clock: Clock = _now, give_up_seconds: float = GIVE_UP_SECONDS
) -> FastAPI:
    """The application. Nothing is opened before it starts; without `settings` the environment is read then."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opening = open_resources(settings or Settings(), clock)
        try:
            app.state.resources = await run_in_threadpool(opening.__enter__)
        except Exception as error:  # nobody has asked for anything yet, so its words name nobody
            log.critical("the service cannot start: %s: %s", type(error).__name__, error)
            raise
        try:
            yield
        finally:
            await run_in_threadpool(opening.__exit__, None, None, None)

    app = FastAPI(
        title="Kairos",
        version=VERSION,
        summary="What to recommend to this visitor, from what happened until now",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(Lane, hot=_HOT)
    app.add_middleware(Idempotency)
    app.add_middleware(Door, batches=_BATCHES, give_up_seconds=give_up_seconds, patient=_PATIENT)
    app.add_middleware(Seen)
    for error in (HTTPException, RequestValidationError):
        app.add_exception_handler(error, _problem)
    for use_case in _USE_CASES:
        app.router.routes.extend(use_case.router.routes)
    for router in console.ROUTERS:
        app.router.routes.extend(router.routes)
    check_routes(route.path for route in app.routes)  # type: ignore[attr-defined]
    app.router.routes.append(Route("/{path:path}", _unmatched, methods=_METHODS, include_in_schema=False))
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


async def _problem(request: Request, error: Exception) -> Response:
    request.state.problem = code_of(error)
    return answer_to(error, request.scope, request.state.request_id)


async def _unmatched(request: Request) -> Response:
    """Whatever no route took: inside BentoML it would else be answered by BentoML, and a wrong method as not found."""
    request.scope.pop("route", None)
    allowed: set[str] = set()
    for route in request.app.routes:
        if route.endpoint is not _unmatched and route.matches(request.scope)[0] is Match.PARTIAL:
            allowed |= route.methods
    if allowed:
        raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
    raise HTTPException(404)
