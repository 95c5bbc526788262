"""From requests for one placement to answers with their reasons, and to what the decision log keeps of them."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
import numpy as np

from features.decisions import RECOMMENDATION, Shown, ShownItem
from features.log import Record, microseconds
from models.published import CHAMPION
from models.recommenders.base import days
from serving.bundle import Bundle
from serving.choose import Chosen, Source, Wanted, choose
from serving.placements import Placement
from serving.reasons import Found, Shop, reasons
from serving.recommendation import Item, Reason, Recommendation, Version
from serving.rules.page import Page, Slot
from serving.schemas import RecommendationRequest
from serving.visitor import Visitor
from serving.wording import Wording, wording

EXPIRES_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the record that must be on disk before it is given."""

    answer: Recommendation
    record: Record


def answered(
    bundle: Bundle,
    placement: Placement,
    requests: Sequence[RecommendationRequest],
    visitors: Sequence[Visitor],
    now: datetime,
    stale: bool = False,
    numbers: Sequence[uuid.UUID] | None = None,
) -> list[Answered]:
    """One answer for each of `requests`, each as it would be alone; `stale` says that the catalogue is old.

    All of them have the same `allow_fallback`. Their ids are `numbers`, drawn when None; what is explored follows them.

    Raises FilterError for a filter that cannot be used.
    """
    numbers = numbers if numbers is not None else [uuid.uuid4() for _ in requests]
    day = days(now)
    wanted = [
        _wanted(placement, request, visitor, day, number)
        for request, visitor, number in zip(requests, visitors, numbers, strict=True)
    ]
    chosen = choose(bundle, placement, wanted, fallback=requests[0].allow_fallback)
    shop = Shop(bundle.shelf.title, bundle.shelf.category, bundle.buyers, bundle.columns.codes)
    reasons_ = _reasons(shop, chosen, [wording(request.context.locale) for request in requests])
    found = []
    for number, request, one, made, why in zip(numbers, requests, wanted, chosen, reasons_, strict=True):
        answer = _answer(bundle, request, one, made, why, f"rec_{number.hex}", now, stale)
        found.append(Answered(answer, _record(answer, request, one, why, now)))
    return found


def _wanted(
    placement: Placement, request: RecommendationRequest, visitor: Visitor, day: float, number: uuid.UUID
) -> Wanted:
    """The random numbers of an answer follow from its id, so that the same draw can be made again."""
    context = request.context
    cart = tuple([line.item_id for line in context.cart])
    page = Page(
        day=day,
        history_ids=visitor.ids,
        days=visitor.days,
        weights=visitor.weights,
        cart_ids=cart,
        context_ids=context.item_ids,
        excluded_ids=request.exclude_item_ids,
        category=((context.category or "").strip("/") or None) if placement.keep_category else None,
        location_id=context.location_id,
        filter=request.filter,
        shown=visitor.shown,
        seed=number.int,
    )
    rules = placement.rules
    if request.diversity is not None:
        rules = replace(rules, diversity=request.diversity)
    if request.min_relevance is not None:
        rules = replace(rules, min_relevance=request.min_relevance)
    page_ids = (*cart, *context.item_ids) if placement.cart_on_page else context.item_ids
    return Wanted(visitor, page, rules, tuple(dict.fromkeys(page_ids)), context.query, request.limit)


def _reasons(shop: Shop, chosen: Sequence[Chosen], words: Sequence[Wording]) -> list[list[tuple[Reason, ...]]]:
    """The reasons of each slot of each answer: what the shop decided first, then what the source says."""
    explained = [list(_explained(one, own)) for one, own in zip(chosen, words, strict=True)]
    told = iter(reasons([part for parts in explained for part in parts], shop))
    answers = []
    for one, own, parts in zip(chosen, words, explained, strict=True):
        said: dict[str, Reason] = {}
        for part in parts:
            said.update(zip(part.item_ids, next(told), strict=True))
        answers.append([_of_slot(slot, said.get(slot.item_id), own) for slot in one.slots])
    return answers


def _explained(chosen: Chosen, words: Wording) -> Iterator[Found]:
    """What each source that was asked found of an answer; nobody has to say why what is explored is there."""
    parts: dict[int, tuple[Source, list[str]]] = {}
    for slot in chosen.slots:
        if slot.item_id in chosen.found and not slot.explored:
            found = chosen.found[slot.item_id]
            parts.setdefault(id(found), (found, []))[1].append(slot.item_id)
    for found, ids in parts.values():
        model, ask, query = found.stage.model, found.stage.source.ask, found.query
        told = ask != "search" and len(query.history_ids) > 0
        added = model.contributions(query, ids) if told else np.zeros((len(query.history_ids), len(ids)))
        yield Found(query, ask, model.name, added, ids, words)


def _of_slot(slot: Slot, said: Reason | None, words: Wording) -> tuple[Reason, ...]:
    if slot.explored:
        return (Reason("explored", None, words.say("explored")),)
    if slot.promoted:
        promoted = Reason("promoted", None, words.say("promoted"))
        return (promoted,) if said is None else (promoted, said)
    return (said or Reason("chosen", None, words.say("chosen")),)


def _answer(
    bundle: Bundle,
    request: RecommendationRequest,
    wanted: Wanted,
    chosen: Chosen,
    why: Sequence[tuple[Reason, ...]],
    recommendation_id: str,
    now: datetime,
    stale: bool,
) -> Recommendation:
    version = bundle.published.version
    degraded = wanted.visitor.degraded or ("catalog_stale" if stale else None)
    reasoned = "reasons" in request.include
    told: Sequence[Mapping[str, str] | None] = [None] * len(chosen.slots)
    if "fields" in request.include:
        told = bundle.shelf.told([slot.item_id for slot in chosen.slots], request.fields)
    return Recommendation(
        recommendation_id,
        request.placement,
        chosen.strategy,
        degraded is not None,
        degraded,
        chosen.fallback,
        tuple(
            [
                Item(
                    slot.item_id,
                    rank,
                    slot.score,
                    slot.source,
                    slot.promoted,
                    slot.explored,
                    slot.propensity,
                    own if reasoned else None,
                    fields,
                )
                for rank, (slot, own, fields) in enumerate(zip(chosen.slots, why, told, strict=True), 1)
            ]
        ),
        Version(version.name, version.number, CHAMPION),
        now + EXPIRES_AFTER,
    )


def _record(
    answer: Recommendation,
    request: RecommendationRequest,
    wanted: Wanted,
    why: Sequence[tuple[Reason, ...]],
    now: datetime,
) -> Record:
    context = request.context
    shown = Shown(
        placement=answer.placement,
        strategy=answer.strategy,
        model=answer.model.name,
        model_version=answer.model.version,
        items=tuple(
            [
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
            ]
        ),
        context_ids=tuple(dict.fromkeys((*context.item_ids, *(line.item_id for line in context.cart)))),
        excluded_ids=request.exclude_item_ids,
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
    at = microseconds(now)
    return Record(
        key=answer.recommendation_id,
        type=RECOMMENDATION,
        occurred_at=at,
        received_at=at,
        user_id=request.subject.user_id,
        anonymous_id=request.subject.anonymous_id,
        payload=_ENCODER.encode(shown).decode(),
    )


_ENCODER = msgspec.json.Encoder()
