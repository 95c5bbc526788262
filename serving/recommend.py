"""Use case: what to show this visitor here. Choose, log, answer: in that order, so that what was shown is known."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from features.log import Record
from serving.answers import Answered, answered
from serving.bundle import Bundle
from serving.openapi import problems
from serving.placements import Placement
from serving.problems import Refused
from serving.resources import Resources
from serving.schemas import (
    RecommendationAnswer,
    RecommendationAnswers,
    RecommendationBatch,
    RecommendationQuery,
    RecommendationRequest,
)

router = APIRouter(tags=["recommendations"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited")


@router.post("/v1/recommendations", responses=_PROBLEMS | problems("model_unavailable"))
async def recommend(request: Request, body: RecommendationRequest) -> RecommendationAnswer:
    """Products for a visitor at a placement.

    An unknown visitor gets `fallback` products, not an error; what is not there or old shows as `degraded`.
    """
    return await answer(request.app.state.resources, body)


@router.get("/v1/recommendations", responses=problems("rate_limited", "model_unavailable"))
async def recommend_by_query(
    request: Request, response: Response, query: Annotated[RecommendationQuery, Query()]
) -> RecommendationAnswer:
    """The same for templates that can only fetch. Every answer is logged as shown, so it must not be cached."""
    response.headers["Cache-Control"] = "no-store"
    return await answer(request.app.state.resources, query.request())


@router.post("/v1/recommendations/batch", responses=_PROBLEMS | problems("model_unavailable"))
async def recommend_batch(request: Request, body: RecommendationBatch) -> RecommendationAnswers:
    """The same for up to 1,000 subjects at one placement: each gets the answer that it would get alone."""
    resources: Resources = request.app.state.resources
    bundle, placement, now = _live(resources), resources.champion.placements[body.placement], resources.clock()
    requests = body.requests()
    visitors = await resources.in_batch_thread(
        resources.visitors.read_many, body.subjects, bundle.published.features, now, _shown_since(placement, now)
    )
    stale = _stale(resources, now)
    found = await resources.in_batch_thread(answered, bundle, placement, requests, visitors, now, stale)
    if not body.preview:
        await _log(resources, found)
    return RecommendationAnswers(answers=[one.answer for one in found])


async def answer(resources: Resources, request: RecommendationRequest) -> RecommendationAnswer:
    """Choose, log, answer. Raises `Refused` without a model, `queue.Full` or the database's error without a log."""
    bundle, placement, now = _live(resources), resources.champion.placements[request.placement], resources.clock()
    visitor = await resources.visitors.read(
        request.subject, bundle.published.features, now, _shown_since(placement, now)
    )
    stale = _stale(resources, now)
    if request.filter:  # compiling a filter that is new can take long, and everybody else would wait
        found = await resources.in_thread(answered, bundle, placement, [request], [visitor], now, stale)
    else:
        found = answered(bundle, placement, [request], [visitor], now, stale)
    if not request.preview:
        await _log(resources, found)
    return found[0].answer


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
    records: list[Record] = [one.record for one in found]
    await asyncio.shield(asyncio.wrap_future(resources.decisions.submit(records)))
    for one in found:
        sources = [item.source for item in one.answer.items]
        resources.metrics.count_recommendation(
            one.answer.placement, one.answer.fallback, one.answer.degraded_reason, sources
        )
