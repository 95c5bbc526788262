"""What a person would be recommended now, by the live version and by the challenger: previews, in no log."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np

from models.published import CHALLENGER
from models.recommenders.base import FittedRecommender, days
from serving.answers import answered
from serving.bundle import Bundle
from serving.placements import Placement, stages
from serving.problems import Refused
from serving.recommend import answer
from serving.reports.challenger import Beside
from serving.reports.visitor_schemas import Contribution, Previewed, PreviewedItem, SideBySide, VisitorRequest
from serving.resources import Resources
from serving.restock.due_again import with_due_again
from serving.schemas import Context, ModelReference, RecommendationRequest, Subject
from serving.visitor import Visitor

_MOST_TOLD = 3
"""Products of the past that are named for each recommended one."""

_LEAST_TOLD = 0.01
"""A product that adds less than this says nothing to anybody."""

_PATIENCE = 1.5
"""Seconds that a page waits for a challenger to be loaded; it asks again."""


def asked_for(wanted: VisitorRequest) -> RecommendationRequest:
    """The question that a preview is the answer to: the same as `POST /v1/recommendations` with `preview`."""
    context = Context(item_ids=list(wanted.item_ids), query=wanted.query, locale=wanted.locale)
    return RecommendationRequest(
        subject=wanted.subject, placement=wanted.placement, limit=wanted.limit, context=context, preview=True
    )


async def side_by_side(resources: Resources, wanted: VisitorRequest) -> SideBySide:
    """The answer of the live version by the use case itself, and that of the challenger to the same question.

    Raises `Refused` where no version is live.
    """
    request = asked_for(wanted)
    first = await answer(resources, request)
    anybody = resources.privacy.request(request)
    told = await resources.previews.in_thread(_explained, resources, anybody, first)
    beside = await resources.previews.in_thread(resources.previews.challenger.beside, first.model.version, _PATIENCE)
    second = None
    if beside.bundle is not None:
        second = await resources.previews.in_thread(_by_challenger, resources, anybody, beside)
        told, second = _marked(told, second), _marked(second, told)
    return SideBySide(
        placement=wanted.placement,
        impersonal=anybody is not request,
        champion=told,
        challenger=second,
        side=beside.side,
    )


def _explained(resources: Resources, request: RecommendationRequest, told: Any) -> Previewed:
    bundle = resources.champion.bundle
    assert bundle is not None  # noqa: S101  # it has just answered
    return _previewed(resources, resources.restock.joined(bundle), request, told)


def _by_challenger(resources: Resources, request: RecommendationRequest, beside: Beside) -> Previewed:
    assert beside.bundle is not None  # noqa: S101
    bundle, now = beside.bundle, resources.clock()
    with suppress(Refused):  # without a live replenishment nobody is asked what is due
        bundle = with_due_again(bundle, resources.restock.published().model)
    placement = resources.champion.placements[request.placement]
    visitor = _visitor(resources, bundle, request.subject, placement, now)
    stale = resources.champion.stale(now, resources.settings.catalog_max_age_hours)
    (found,) = answered(bundle, placement, [request], [visitor], now, stale)
    shown = _previewed(resources, bundle, request, found.answer)
    version = bundle.published.version
    return shown.model_copy(
        update={"model": ModelReference(name=version.name, version=version.number, alias=CHALLENGER)}
    )


def _visitor(resources: Resources, bundle: Bundle, subject: Subject, placement: Placement, now: datetime) -> Visitor:
    if subject.user_id is None and subject.anonymous_id is None:
        return Visitor()
    rotation = placement.rules.rotation
    since = None if rotation is None else now - timedelta(hours=rotation.hours)
    (visitor,) = resources.visitors.read_many([subject], bundle.published.features, now, since)
    return visitor


def _previewed(resources: Resources, bundle: Bundle, request: RecommendationRequest, told: Any) -> Previewed:
    now = resources.clock()
    placement = resources.champion.placements[request.placement]
    visitor = _visitor(resources, bundle, request.subject, placement, now)
    added = _contributions(bundle, placement, visitor, now, told.items)
    shelf = bundle.shelf
    return Previewed(
        model=ModelReference(name=told.model.name, version=told.model.version, alias=told.model.alias),
        strategy=told.strategy,
        fallback=told.fallback,
        degraded_reason=told.degraded_reason,
        items=[
            PreviewedItem(
                item_id=item.item_id,
                title=_title(bundle, item.item_id),
                rank=item.rank,
                score=item.score,
                source=item.source,
                promoted=item.promoted,
                explored=item.explored,
                reasons=[reason.text for reason in item.reasons or ()],
                contributions=[
                    Contribution(item_id=id_, title=shelf.title(id_), share=share)
                    for id_, share in added.get(item.item_id, ())
                ],
            )
            for item in told.items
        ],
    )


def _title(bundle: Bundle, item_id: str) -> str | None:
    product = bundle.shelf.products.get(item_id)
    return product.title if product else None


def _contributions(
    bundle: Bundle, placement: Placement, visitor: Visitor, now: datetime, items: Sequence[Any]
) -> dict[str, list[tuple[str, float]]]:
    """What of the past speaks for each item, the most first, as shares of all that speaks for it."""
    if not len(visitor.ids):
        return {}
    query = visitor.query(days(now))
    found: dict[str, list[tuple[str, float]]] = {}
    of_past = [item for item in items if not item.explored]
    for source, group in groupby(sorted(of_past, key=attrgetter("source")), attrgetter("source")):
        model = _model(bundle, placement, source)
        ids = [item.item_id for item in group]
        if model is None:
            continue
        products, places = np.unique(query.history_ids.astype(str), return_inverse=True)
        added = np.zeros((len(products), len(ids)))
        np.add.at(added, places, np.maximum(model.contributions(query, ids), 0.0))
        totals = added.sum(axis=0)
        for column, id_ in enumerate(ids):
            if totals[column] > 0:
                order = np.argsort(-added[:, column], kind="stable")[:_MOST_TOLD]
                shares = (added[order, column] / totals[column]).round(4).tolist()
                told = zip(products[order].tolist(), shares, strict=True)
                found[id_] = [(product, share) for product, share in told if share >= _LEAST_TOLD]
    return found


def _model(bundle: Bundle, placement: Placement, source: str) -> FittedRecommender | None:
    """Who found an item, where it was asked what follows from the past."""
    for stage in stages(placement, bundle.members):
        if stage.model.name == source:
            return stage.model if stage.source.ask == "history" else None
    return bundle.members.get(source)


def _marked(one: Previewed, other: Previewed) -> Previewed:
    """With what stands in the other answer, too."""
    there = {item.item_id for item in other.items}
    items = [item.model_copy(update={"in_both": item.item_id in there}) for item in one.items]
    return one.model_copy(update={"items": items})
