"""Why an item is in an answer, from the contributions of the recommender that found it: a code, and a sentence."""

from collections.abc import Callable, Sequence
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
    products = list(dict.fromkeys(query.history_ids))
    if not products or not contributions.any() or source in _OF_SOURCE:
        return [_own(query, source, item_id, shop, words) for item_id in item_ids]
    places = {product: place for place, product in enumerate(products)}
    codes = np.fromiter(map(places.__getitem__, query.history_ids), np.intp, len(query.history_ids))
    totals = np.zeros((len(products), len(item_ids)))
    np.add.at(totals, codes, contributions)
    return [
        _own(query, source, item_id, shop, words)
        if totals[winner, column] <= 0
        else _named("bought_with", products[winner], shop, words)
        if ask == "page"
        else _past(query, products[winner], item_id, shop, words)
        for column, (item_id, winner) in enumerate(zip(item_ids, totals.argmax(axis=0).tolist(), strict=True))
    ]


def _nearest(query: Query, contributions: Floats, count: int) -> list[str]:
    """The product of the page that each item is most similar to."""
    winners = contributions.argmax(axis=0) if len(contributions) else np.zeros(count, np.intp)
    return [query.context_ids[winner] for winner in winners]


def _own(query: Query, source: str, item_id: str, shop: Shop, words: Wording) -> Reason:
    """Why an item that the history says nothing for."""
    if source in _OF_HISTORY and item_id in query.history_ids:
        return _past(query, item_id, item_id, shop, words)
    code, category = _OF_SOURCE.get(source), shop.category(item_id)
    if code is not None and (category is not None or code != "popular_in_category"):
        return Reason(code=code, text=words.say(code, category or ""))
    buyers = shop.buyers(item_id)
    return Reason(code="popular", text=words.buyers(buyers) if buyers > 1 else words.say("popular"))


def _named(code: ReasonCode, because: str, shop: Shop, words: Wording) -> Reason:
    return Reason(code=code, item_id=because, text=words.say(code, shop.title(because)))


def _past(query: Query, because: str, item_id: str, shop: Shop, words: Wording) -> Reason:
    mine = query.history_ids == because
    bought = mine & (query.weights == PURCHASE)
    if because != item_id:
        return _named("because_you_bought" if bought.any() else "because_you_saw", because, shop, words)
    counted = bought if bought.any() else mine
    code: ReasonCode = "bought_before" if counted is bought else "seen_before"
    last = (_EPOCH + timedelta(days=float(query.days[counted].max()))).date()
    return Reason(code=code, item_id=item_id, text=words.again(code, int(counted.sum()), last))
