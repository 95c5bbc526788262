"""From requests for one placement to answers with their reasons, and to what the decision log keeps of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
import numpy as np

from features.decisions import RECOMMENDATION, Shown, ShownItem
from features.log import Record, microseconds
from models.recommenders.base import days
from models.registry import CHAMPION
from serving.bundle import Bundle
from serving.choose import Chosen, Found, Wanted, choose
from serving.placements import Placement
from serving.reasons import Shop, reasons
from serving.rules.page import Page, Slot
from serving.schemas import (
    ItemField,
    ModelReference,
    Reason,
    RecommendationAnswer,
    RecommendationRequest,
    RecommendedItem,
)
from serving.visitor import Visitor
from serving.wording import Wording, wording

EXPIRES_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Answered:
    """An answer, and the record that must be on disk before it is given."""

    answer: RecommendationAnswer
    record: Record


def answered(
    bundle: Bundle,
    placement: Placement,
    requests: Sequence[RecommendationRequest],
    visitors: Sequence[Visitor],
    now: datetime,
    stale: bool = False,
) -> list[Answered]:
    """One answer for each of `requests`, which differ in their visitors alone; `stale` says that the catalogue is old.

    Raises FilterError for a filter that cannot be used.
    """
    numbers = [uuid.uuid4() for _ in requests]
    wanted = [
        _wanted(placement, request, visitor, days(now), number)
        for request, visitor, number in zip(requests, visitors, numbers, strict=True)
    ]
    chosen = choose(bundle, placement, wanted, fallback=requests[0].allow_fallback)
    found = []
    for number, request, one, made in zip(numbers, requests, wanted, chosen, strict=True):
        why = _reasons(bundle, made, wording(request.context.locale))
        answer = _answer(bundle, request, one, made, why, f"rec_{number.hex}", now, stale)
        found.append(Answered(answer, _record(answer, request, one, why, now)))
    return found


def _wanted(
    placement: Placement, request: RecommendationRequest, visitor: Visitor, day: float, number: uuid.UUID
) -> Wanted:
    """The random numbers of an answer follow from its id, so that the same draw can be made again."""
    context = request.context
    cart = tuple(line.item_id for line in context.cart)
    page = Page(
        day=day,
        history_ids=visitor.ids,
        days=visitor.days,
        weights=visitor.weights,
        cart_ids=cart,
        context_ids=tuple(context.item_ids),
        excluded_ids=tuple(request.exclude_item_ids),
        category=((context.category or "").strip("/") or None) if placement.keep_category else None,
        location_id=context.location_id,
        filter=request.filter,
        shown=visitor.shown,
        rng=np.random.default_rng(number.int),
    )
    rules = placement.rules
    if request.diversity is not None:
        rules = replace(rules, diversity=request.diversity)
    if request.min_relevance is not None:
        rules = replace(rules, min_relevance=request.min_relevance)
    page_ids = (*cart, *context.item_ids) if placement.cart_on_page else tuple(context.item_ids)
    return Wanted(visitor, page, rules, tuple(dict.fromkeys(page_ids)), context.query, request.limit)


def _reasons(bundle: Bundle, chosen: Chosen, words: Wording) -> list[list[Reason]]:
    """The reasons of each slot: what the shop decided first, then what the source says."""
    shop = Shop(bundle.shelf.title, bundle.shelf.category, bundle.buyers)
    parts: dict[int, tuple[Found, list[Slot]]] = {}
    for slot in chosen.slots:
        if slot.item_id in chosen.found and not slot.explored:
            found = chosen.found[slot.item_id]
            parts.setdefault(id(found), (found, []))[1].append(slot)
    said: dict[str, Reason] = {}
    for found, slots in parts.values():
        ids = [slot.item_id for slot in slots]
        model, ask = found.stage.model, found.stage.source.ask
        told = ask != "search" and len(found.query.history_ids) > 0
        added = model.contributions(found.query, ids) if told else np.zeros((len(found.query.history_ids), len(ids)))
        said |= dict(zip(ids, reasons(found.query, ask, model.name, added, ids, shop, words), strict=True))
    return [_of_slot(slot, said.get(slot.item_id), words) for slot in chosen.slots]


def _of_slot(slot: Slot, said: Reason | None, words: Wording) -> list[Reason]:
    if slot.explored:
        return [Reason(code="explored", text=words.say("explored"))]
    promoted = [Reason(code="promoted", text=words.say("promoted"))] if slot.promoted else []
    if said is not None:
        return [*promoted, said]
    return promoted or [Reason(code="chosen", text=words.say("chosen"))]


def _answer(
    bundle: Bundle,
    request: RecommendationRequest,
    wanted: Wanted,
    chosen: Chosen,
    why: Sequence[list[Reason]],
    recommendation_id: str,
    now: datetime,
    stale: bool,
) -> RecommendationAnswer:
    version = bundle.published.version
    degraded = wanted.visitor.degraded or ("catalog_stale" if stale else None)
    return RecommendationAnswer(
        recommendation_id=recommendation_id,
        placement=request.placement,
        strategy=chosen.strategy,
        degraded=degraded is not None,
        degraded_reason=degraded,
        fallback=chosen.fallback,
        items=[
            RecommendedItem(
                item_id=slot.item_id,
                rank=rank,
                score=slot.score,
                source=slot.source,
                promoted=slot.promoted,
                explored=slot.explored,
                propensity=slot.propensity,
                reasons=told if "reasons" in request.include else None,
                fields=_fields(bundle, slot.item_id, request.fields) if "fields" in request.include else None,
            )
            for rank, (slot, told) in enumerate(zip(chosen.slots, why, strict=True), 1)
        ],
        model=ModelReference(name=version.name, version=version.number, alias=CHAMPION),
        expires_at=now + EXPIRES_AFTER,
    )


def _fields(bundle: Bundle, item_id: str, wanted: Sequence[ItemField]) -> dict[str, str]:
    product = bundle.shelf.products.get(item_id)
    values = {name: getattr(product, name, None) for name in wanted}
    return {name: str(value) for name, value in values.items() if value is not None}


def _record(
    answer: RecommendationAnswer,
    request: RecommendationRequest,
    wanted: Wanted,
    why: Sequence[list[Reason]],
    now: datetime,
) -> Record:
    context = request.context
    shown = Shown(
        placement=answer.placement,
        strategy=answer.strategy,
        model=answer.model.name,
        model_version=answer.model.version,
        items=tuple(
            ShownItem(
                product_id=item.item_id,
                score=item.score,
                source=item.source,
                reason=told[0].code,
                promoted=item.promoted,
                explored=item.explored,
                propensity=item.propensity,
            )
            for item, told in zip(answer.items, why, strict=True)
        ),
        context_ids=tuple(dict.fromkeys((*context.item_ids, *(line.item_id for line in context.cart)))),
        excluded_ids=tuple(request.exclude_item_ids),
        category=context.category,
        query=context.query,
        location_id=context.location_id,
        filter=request.filter,
        limit=request.limit,
        diversity=request.diversity,
        min_relevance=request.min_relevance,
        allow_fallback=request.allow_fallback,
        history_length=len(wanted.visitor.ids),
        fallback=answer.fallback,
        degraded_reason=answer.degraded_reason,
        device=context.device,
        locale=context.locale,
        timezone=context.timezone,
    )
    return Record(
        key=answer.recommendation_id,
        type=RECOMMENDATION,
        occurred_at=microseconds(now),
        received_at=microseconds(now),
        user_id=request.subject.user_id,
        anonymous_id=request.subject.anonymous_id,
        payload=msgspec.json.encode(shown).decode(),
    )
