"""Use case: what to show this visitor here. Choose, log, answer: in that order, so that what was shown is known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from features.database import is_outage
from serving.answering import Ready
from serving.answers import Answered, answered
from serving.breaker import Unavailable
from serving.bundle import Bundle
from serving.lane import Hot
from serving.openapi import problems
from serving.placements import Placement
from serving.problems import Refused
from serving.recommendation import Recommendation, json_of
from serving.resources import Resources
from serving.schemas import (
    RecommendationAnswer,
    RecommendationAnswers,
    RecommendationBatch,
    RecommendationQuery,
    RecommendationRequest,
    Subject,
)
from serving.visitor import Visitor

router = APIRouter(tags=["recommendations"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited")
_JSON = "application/json"


@router.post(
    "/v1/recommendations",
    response_model=RecommendationAnswer,
    responses=_PROBLEMS | problems("model_unavailable"),
)
async def recommend(request: Request, body: RecommendationRequest) -> Response:
    """Products for a visitor at a placement.

    An unknown visitor gets `fallback` products, not an error; what is not there or old shows as `degraded`.
    """
    return Response(await _json(request.app.state.resources, body), media_type=_JSON)


@router.get(
    "/v1/recommendations",
    response_model=RecommendationAnswer,
    responses=problems("rate_limited", "model_unavailable"),
)
async def recommend_by_query(request: Request, query: Annotated[RecommendationQuery, Query()]) -> Response:
    """The same for templates that can only fetch. Every answer is logged as shown, so it must not be cached."""
    told = await _json(request.app.state.resources, query.request())
    return Response(told, media_type=_JSON, headers={"Cache-Control": "no-store"})


@router.post(
    "/v1/recommendations/batch",
    response_model=RecommendationAnswers,
    responses=_PROBLEMS | problems("model_unavailable"),
)
async def recommend_batch(request: Request, body: RecommendationBatch) -> Response:
    """The same for up to 1,000 subjects at one placement: each gets the answer that it would get alone."""
    resources: Resources = request.app.state.resources
    bundle, placement, now = _live(resources), resources.champion.placements[body.placement], resources.clock()
    requests = [resources.privacy.request(one) for one in body.requests()]
    subjects = [one.subject for one in requests]
    visitors = await resources.in_batch_thread(
        resources.visitors.read_many, subjects, bundle.published.features, now, _shown_since(placement, now)
    )
    stale = _stale(resources, now)
    found = await resources.in_batch_thread(answered, bundle, placement, requests, visitors, now, stale)
    if not body.preview:
        await _log(resources, found)
    return Response(json_of([one.answer for one in found]), media_type=_JSON)


async def answer(resources: Resources, request: RecommendationRequest) -> Recommendation:
    """Choose, log, answer. Raises `Refused` without a model; without anything else the answer is `degraded`."""
    bundle, placement, now = _live(resources), resources.champion.placements[request.placement], resources.clock()
    request = resources.privacy.request(request)
    with resources.tracing.span("features"):
        visitor = await _visitor(resources, request.subject, bundle, now, _shown_since(placement, now))
    stale = _stale(resources, now)
    with resources.tracing.span("model"):
        if request.filter:  # compiling a filter that is new can take long, and everybody else would wait
            (found,) = await resources.in_thread(answered, bundle, placement, [request], [visitor], now, stale)
        else:
            found = await resources.answering.choose(Ready(bundle, placement, request, visitor, now, stale))
    if not request.preview:
        try:
            await _log(resources, [found])
        except Refused:
            return _unlogged(resources, bundle, placement, request, now)
    return found.answer


async def _visitor(
    resources: Resources, subject: Subject, bundle: Bundle, now: datetime, shown_since: datetime | None
) -> Visitor:
    """Who asks; a stranger as long as the database cannot be read."""
    if subject.user_id is None and subject.anonymous_id is None:
        return Visitor()
    settings, features = resources.settings, bundle.published.features
    seconds = (settings.feature_timeout_ms + settings.log_timeout_ms) / 1000
    try:
        return await resources.reads.ask(
            lambda: resources.visitors.read(subject, features, now, shown_since), seconds, is_outage
        )
    except Unavailable:
        return Visitor(degraded="history_unavailable")


def _unlogged(
    resources: Resources, bundle: Bundle, placement: Placement, request: RecommendationRequest, now: datetime
) -> Recommendation:
    """When neither the log nor the journal takes anything: what everybody gets, nothing explored.

    Nothing can be learned from what is not known, so it must not be anything that one would want to learn from.
    """
    calm = replace(placement, rules=replace(placement.rules, explore=None))
    (found,) = answered(bundle, calm, [request], [Visitor(degraded="log_unavailable")], now, _stale(resources, now))
    resources.metrics.count_recommendation(placement.name, found.answer.fallback, "log_unavailable", {})
    return found.answer


async def _json(resources: Resources, request: RecommendationRequest) -> bytes:
    return (await answer(resources, request)).json()


HOT = {("POST", "/v1/recommendations"): Hot(RecommendationRequest.model_validate_json, _json)}


def _live(resources: Resources) -> Bundle:
    bundle = resources.champion.bundle
    if bundle is None:
        raise Refused("model_unavailable", resources.champion.missing())
    return resources.restock.joined(bundle)


def _stale(resources: Resources, now: datetime) -> bool:
    return resources.champion.stale(now, resources.settings.catalog_max_age_hours)


def _shown_since(placement: Placement, now: datetime) -> datetime | None:
    rotation = placement.rules.rotation
    return None if rotation is None else now - timedelta(hours=rotation.hours)


async def _log(resources: Resources, found: Sequence[Answered]) -> None:
    """All in one commit. A caller who goes away does not take back what is being written."""
    with resources.tracing.span("log commit"):
        await resources.decisions.written([one.record for one in found])
    for one in found:
        told = one.answer
        sources = Counter([item.source for item in told.items])
        resources.metrics.count_recommendation(told.placement, told.fallback, told.degraded_reason, sources)
