"""Use case: what to show this visitor here. Choose, log, answer: in that order, so that what was shown is known."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from features.decisions import Shown, ShownItem
from features.log import Record, microseconds
from models.recommenders.base import days
from models.registry import CHAMPION
from serving.bundle import Bundle
from serving.openapi import problems
from serving.problems import Refused
from serving.reasons import reasons
from serving.resources import Resources
from serving.schemas import (
    ItemField,
    ModelReference,
    Reason,
    RecommendationAnswer,
    RecommendationQuery,
    RecommendationRequest,
    RecommendedItem,
)
from serving.visitor import Visitor

EXPIRES_AFTER = timedelta(minutes=15)
_ABOUT_THE_PAGE = ("product", "cart")

router = APIRouter(tags=["recommendations"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited")


@router.post("/v1/recommendations", responses=_PROBLEMS | problems("model_unavailable"))
async def recommend(request: Request, body: RecommendationRequest) -> RecommendationAnswer:
    """Products for a visitor at a placement.

    An unknown visitor gets `fallback` products, not an error; a feature store that is down shows as `degraded`.
    """
    return await answer(request.app.state.resources, body)


@router.get("/v1/recommendations", responses=problems("rate_limited", "model_unavailable"))
async def recommend_by_query(
    request: Request, response: Response, query: Annotated[RecommendationQuery, Query()]
) -> RecommendationAnswer:
    """The same for templates that can only fetch. Every answer is logged as shown, so it must not be cached."""
    response.headers["Cache-Control"] = "no-store"
    return await answer(request.app.state.resources, query.request())


async def answer(resources: Resources, request: RecommendationRequest) -> RecommendationAnswer:
    """Choose, log, answer. Raises `Refused` without a model, `queue.Full` or the database's error without a log."""
    bundle = resources.champion.bundle
    if bundle is None:
        raise Refused("model_unavailable", resources.champion.missing())
    now = resources.clock()
    visitor = await resources.visitors.read(request.subject, bundle.published.features, now)
    found, shown = _choose(bundle, visitor, request, now)
    if not request.preview:
        record = _record(found, shown, request, now)
        await asyncio.shield(asyncio.wrap_future(resources.decisions.submit([record])))
        sources = [item.source for item in found.items]
        resources.metrics.count_recommendation(found.placement, found.fallback, found.degraded_reason, sources)
    return found


def _choose(
    bundle: Bundle, visitor: Visitor, request: RecommendationRequest, now: datetime
) -> tuple[RecommendationAnswer, Shown]:
    model, version = bundle.published.model, bundle.published.version
    on_page = [*request.context.item_ids, *(line.item_id for line in request.context.cart)]
    about_page = request.placement in _ABOUT_THE_PAGE
    query = visitor.query(days(now), on_page, fresh=about_page)
    hidden = [*request.exclude_item_ids, *(on_page if about_page else ())]
    ranked = model.recommend([query], request.limit, bundle.without(hidden)).row(0)
    ids = [id_ for id_, _, _ in ranked]
    contributions = model.contributions(query, ids)
    why = reasons(query, len(on_page) if about_page else 0, contributions, ids, bundle.shelf.title, bundle.buyers)
    found = RecommendationAnswer(
        recommendation_id=f"rec_{uuid.uuid4().hex}",
        placement=request.placement,
        strategy=model.name,
        degraded=visitor.degraded is not None,
        degraded_reason=visitor.degraded,
        fallback=ranked[0][2] if ranked and not contributions.any() else None,
        items=[_item(bundle, request, rank, *entry) for rank, entry in enumerate(zip(ranked, why, strict=True), 1)],
        model=ModelReference(name=version.name, version=version.number, alias=CHAMPION),
        expires_at=now + EXPIRES_AFTER,
    )
    shown = Shown(
        placement=found.placement,
        strategy=found.strategy,
        model=version.name,
        model_version=version.number,
        items=tuple(
            ShownItem(product_id=id_, score=score, source=source, reason=reason.code)
            for (id_, score, source), reason in zip(ranked, why, strict=True)
        ),
        context_ids=tuple(on_page),
        excluded_ids=tuple(request.exclude_item_ids),
        history_length=len(visitor.ids),
        fallback=found.fallback,
        degraded_reason=found.degraded_reason,
        device=request.context.device,
        locale=request.context.locale,
        timezone=request.context.timezone,
    )
    return found, shown


def _item(
    bundle: Bundle, request: RecommendationRequest, rank: int, entry: tuple[str, float, str], reason: Reason
) -> RecommendedItem:
    item_id, score, source = entry
    return RecommendedItem(
        item_id=item_id,
        rank=rank,
        score=score,
        source=source,
        reasons=[reason] if "reasons" in request.include else None,
        fields=_fields(bundle, item_id, request.fields) if "fields" in request.include else None,
    )


def _fields(bundle: Bundle, item_id: str, wanted: Sequence[ItemField]) -> dict[str, str]:
    product = bundle.shelf.products.get(item_id)
    values = {name: getattr(product, name, None) for name in wanted}
    return {name: str(value) for name, value in values.items() if value is not None}


def _record(found: RecommendationAnswer, shown: Shown, request: RecommendationRequest, now: datetime) -> Record:
    return Record(
        key=found.recommendation_id,
        type="recommendation",
        occurred_at=microseconds(now),
        received_at=microseconds(now),
        user_id=request.subject.user_id,
        anonymous_id=request.subject.anonymous_id,
        payload=msgspec.json.encode(shown).decode(),
    )
