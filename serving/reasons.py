"""Why an item is in an answer, from the contributions of the recommender that found it: a code, and a sentence."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from models.arrays import Floats
from models.recommenders.base import Query
from serving.placements import Ask
from serving.schemas import Reason, ReasonCode
from serving.visitor import PURCHASE
from serving.wording import Wording

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OF_SOURCE: dict[str, ReasonCode] = {"trending": "trending", "new": "new", "category_popularity": "popular_in_category"}
_OF_HISTORY = ("recently_viewed", "buy_again", "due_again")


@dataclass(frozen=True)
class Shop:
    """What reasons may say of products: their titles, the names of their categories, how many bought them lately."""

    title: Callable[[str], str]
    category: Callable[[str], str | None]
    buyers: Callable[[str], int]


def reasons(
    query: Query,
    ask: Ask,
    source: str,
    contributions: Floats,
    item_ids: Sequence[str],
    shop: Shop,
    words: Wording,
) -> list[Reason]:
    """One reason for each of `item_ids`, which `source` found for `query`; `contributions` are (history, items).

    Of what people did or have before them, the product that adds most tells. An item to which nothing adds is there for
    what it is: like what is on the page, found by its words, new, or popular.

    >>> from serving.wording import wording
    >>> query = Query(20_000.0, np.array(["tea"], object), np.array([19_999.0]), np.array([1.0]))
    >>> shop = Shop(str.title, lambda _: None, len)
    >>> reasons(query, "history", "rp3beta", np.array([[2.0]]), ["cake"], shop, wording("en"))[0].text
    'Because you bought Tea'
    """
    if ask == "search" and query.text is not None:
        return [Reason(code="matches_search", text=words.say("matches_search", query.text))] * len(item_ids)
    if ask == "similar":
        code: ReasonCode = "similar_to" if source == "content" else "bought_with"
        return [_named(code, because, shop, words) for because in _nearest(query, contributions, len(item_ids))]
    speaking = np.flatnonzero(contributions.any(axis=1))
    if not len(speaking) or source in _OF_SOURCE:
        return [_own(query, source, item_id, shop, words) for item_id in item_ids]
    # Of a long history few entries say anything for a few items, and only of these the products matter.
    places: dict[str, int] = {}
    codes = np.array([places.setdefault(id_, len(places)) for id_ in query.history_ids[speaking].tolist()], np.intp)
    products, order = list(places), np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(products)))
    totals = np.add.reduceat(contributions[speaking[order]], starts, axis=0)
    winners = totals.argmax(axis=0)
    highest = totals[winners, np.arange(len(item_ids))].tolist()
    because = [products[winner] for winner in winners.tolist()]
    if ask == "page":
        return [
            _named("bought_with", one, shop, words) if most > 0 else _own(query, source, item_id, shop, words)
            for item_id, one, most in zip(item_ids, because, highest, strict=True)
        ]
    entries = _entries(query, {one for one, most in zip(because, highest, strict=True) if most > 0})
    return [
        _past(query, entries[one], one, item_id, shop, words) if most > 0 else _own(query, source, item_id, shop, words)
        for item_id, one, most in zip(item_ids, because, highest, strict=True)
    ]


def _entries(query: Query, products: Collection[str]) -> dict[str, list[int]]:
    """Where in the history each of `products` stands."""
    found: dict[str, list[int]] = {product: [] for product in products}
    for place, product in enumerate(query.history_ids.tolist()):
        if product in found:
            found[product].append(place)
    return found


def _nearest(query: Query, contributions: Floats, count: int) -> list[str]:
    """The product of the page that each item is most similar to."""
    winners = contributions.argmax(axis=0) if len(contributions) else np.zeros(count, np.intp)
    return [query.context_ids[winner] for winner in winners]


def _own(query: Query, source: str, item_id: str, shop: Shop, words: Wording) -> Reason:
    """Why an item that the history says nothing for."""
    if source in _OF_HISTORY and item_id in query.history_ids:
        return _past(query, _entries(query, {item_id})[item_id], item_id, item_id, shop, words)
    code, category = _OF_SOURCE.get(source), shop.category(item_id)
    if code is not None and (category is not None or code != "popular_in_category"):
        return Reason(code=code, text=words.say(code, category or ""))
    buyers = shop.buyers(item_id)
    return Reason(code="popular", text=words.buyers(buyers) if buyers > 1 else words.say("popular"))


def _named(code: ReasonCode, because: str, shop: Shop, words: Wording) -> Reason:
    return Reason(code=code, item_id=because, text=words.say(code, shop.title(because)))


def _past(query: Query, mine: list[int], because: str, item_id: str, shop: Shop, words: Wording) -> Reason:
    """Of the places in the history that are `mine`, which are those of the product `because`."""
    bought = [place for place in mine if query.weights[place] == PURCHASE]
    if because != item_id:
        return _named("because_you_bought" if bought else "because_you_saw", because, shop, words)
    code: ReasonCode = "bought_before" if bought else "seen_before"
    counted = bought or mine
    last = (_EPOCH + timedelta(days=max(float(query.days[place]) for place in counted))).date()
    return Reason(code=code, item_id=item_id, text=words.again(code, len(counted), last))
