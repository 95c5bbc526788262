"""Why an item is in an answer, from the contributions of the recommender that found it: a code, and a sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor

import numpy as np

from models.arrays import Codes, Floats, Ids, Mask
from models.compiled import compiled
from models.recommenders.base import Query
from models.recommenders.timelines import Places, by_product
from serving.placements import Ask
from serving.recommendation import Reason
from serving.schemas import ReasonCode
from serving.visitor import PURCHASE
from serving.wording import Wording

_EPOCH = date(1970, 1, 1).toordinal()
_OF_SOURCE: dict[str, ReasonCode] = {"trending": "trending", "new": "new", "category_popularity": "popular_in_category"}
_OF_HISTORY = ("recently_viewed", "buy_again", "due_again")


@dataclass(frozen=True)
class Shop:
    """What reasons may say of products: their titles, the names of their categories, how many bought them lately.

    `codes` gives products of one code where they are the same, -1 for whatever it does not know.
    """

    title: Callable[[str], str]
    category: Callable[[str], str | None]
    buyers: Callable[[str], int]
    codes: Callable[[Ids], Codes]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Items that `source`, asked so, found for `query`; `contributions` are (history, items)."""

    query: Query
    ask: Ask
    source: str
    contributions: Floats
    item_ids: Sequence[str]
    words: Wording


def reasons(found: Sequence[Found], shop: Shop) -> list[list[Reason]]:
    """One reason for each item of each of `found`; the histories of all are gone through together.

    Of what people did or have before them, the product that adds most tells, ties by id. An item to which nothing adds
    is there for what it is: like what is on the page, found by its words, new, or popular.

    >>> from serving.wording import wording
    >>> query = Query(20_000.0, np.array(["tea"], object), np.array([19_999.0]), np.array([1.0]))
    >>> shop = Shop(str.title, lambda _: None, len, lambda ids: np.arange(len(ids), dtype=np.int32))
    >>> found = Found(query, "history", "rp3beta", np.array([[2.0]]), ["cake"], wording("en"))
    >>> reasons([found], shop)[0][0].text
    'Because you bought Tea'
    """
    speaking = [one for one in found if _speaks(one)]
    pasts = iter(_pasts([one.query for one in speaking], shop) if speaking else ())
    return [_of_history(one, next(pasts), shop) if _speaks(one) else _without(one, shop) for one in found]


def _speaks(found: Found) -> bool:
    """Whether anything in the history or on the page adds to an item, and is to be named for it."""
    named = found.ask in ("history", "page") and found.source not in _OF_SOURCE
    return named and bool(found.contributions.any())


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """One history by product: `order` sorts its entries by product, whose entries begin at `starts`.

    Of each product `ids` is its id, `bought` whether it was bought, `times` how often and `last` when last, in days
    since 1970: of what was bought only that counts, else every look.
    """

    order: Places
    starts: Places
    ids: Ids
    bought: Mask
    times: Places
    last: Floats


def _pasts(queries: Sequence[Query], shop: Shop) -> list[_Past]:
    """The history of each query, all in the same few calls; unknown products count as one, as they add nothing."""
    codes = np.concatenate([shop.codes(query.history_ids) for query in queries]) + np.int64(1)
    lengths = np.array([len(query.history_ids) for query in queries])
    order, cells = by_product(np.repeat(np.arange(len(queries)), lengths), codes, int(codes.max()) + 1)
    days = np.concatenate([query.days for query in queries])
    bought = np.concatenate([query.weights for query in queries]) == PURCHASE
    starts, bought_ever, times, last = _told(order, cells, days, bought)
    ids = np.concatenate([query.history_ids for query in queries])[order[starts]]
    ends = lengths.cumsum()
    splits = np.searchsorted(starts, np.append(0, ends)).tolist()
    found = []
    for place, (begin, end) in enumerate(zip((ends - lengths).tolist(), ends.tolist(), strict=True)):
        mine = slice(splits[place], splits[place + 1])
        own = order[begin:end] - begin, starts[mine] - begin
        found.append(_Past(*own, ids[mine], bought_ever[mine], times[mine], last[mine]))
    return found


@compiled
def _told(order: Places, cells: Places, days: Floats, bought: Mask) -> tuple[Places, Mask, Places, Floats]:
    """Of entries in `order`, sorted by `cells`: where each cell begins, and what `_Past` tells of it."""
    starts, ever = np.empty(len(order), np.int64), np.zeros(len(order), np.bool_)
    times, last = np.zeros(len(order), np.int64), np.empty(len(order))
    cell = -1
    for place in range(len(order)):
        entry = order[place]
        if not place or cells[place] != cells[place - 1]:
            cell += 1
            starts[cell], last[cell] = place, -np.inf
        if bought[entry] and not ever[cell]:  # looks no longer count
            ever[cell], times[cell], last[cell] = True, 0, -np.inf
        if bought[entry] == ever[cell]:
            times[cell] += 1
            last[cell] = max(last[cell], days[entry])
    return starts[: cell + 1], ever[: cell + 1], times[: cell + 1], last[: cell + 1]


@compiled
def _winners(contributions: Floats, order: Places, starts: Places) -> tuple[Places, Mask]:
    """The product that adds most to each item, the first of equal ones, and whether it adds anything."""
    found, speaks = np.zeros(contributions.shape[1], np.int64), np.zeros(contributions.shape[1], np.bool_)
    most, sums = np.zeros(contributions.shape[1]), np.zeros(contributions.shape[1])
    for product in range(len(starts)):
        sums[:] = 0
        for place in range(starts[product], starts[product + 1] if product + 1 < len(starts) else len(order)):
            sums += contributions[order[place]]
        for item in range(len(sums)):
            if sums[item] > most[item]:
                found[item], speaks[item], most[item] = product, True, sums[item]
    return found, speaks


def _of_history(found: Found, past: _Past, shop: Shop) -> list[Reason]:
    winners, said = _winners(found.contributions, past.order, past.starts)
    speaks = said.tolist()
    because = past.ids[winners].tolist()
    if found.ask == "page":
        return [
            _named("bought_with", one, shop, found.words) if said else _own(found, item_id, shop)
            for item_id, one, said in zip(found.item_ids, because, speaks, strict=True)
        ]
    bought, times, last = past.bought[winners].tolist(), past.times[winners].tolist(), past.last[winners].tolist()
    return [
        _past(because[place], bought[place], times[place], last[place], item_id, shop, found.words)
        if speaks[place]
        else _own(found, item_id, shop)
        for place, item_id in enumerate(found.item_ids)
    ]


def _without(found: Found, shop: Shop) -> list[Reason]:
    """The reasons of items that no history speaks for."""
    query, words = found.query, found.words
    if found.ask == "search" and query.text is not None:
        return [Reason("matches_search", None, words.say("matches_search", query.text))] * len(found.item_ids)
    if found.ask == "similar":
        code: ReasonCode = "similar_to" if found.source == "content" else "bought_with"
        nearest = _nearest(query, found.contributions, len(found.item_ids))
        return [_named(code, because, shop, words) for because in nearest]
    return [_own(found, item_id, shop) for item_id in found.item_ids]


def _nearest(query: Query, contributions: Floats, count: int) -> list[str]:
    """The product of the page that each item is most similar to."""
    winners = contributions.argmax(axis=0) if len(contributions) else np.zeros(count, np.intp)
    return [query.context_ids[winner] for winner in winners]


def _own(found: Found, item_id: str, shop: Shop) -> Reason:
    """Why an item that the history says nothing for."""
    query, words = found.query, found.words
    if found.source in _OF_HISTORY and len(mine := np.flatnonzero(query.history_ids == item_id)):
        own = Query(query.day, query.history_ids[mine], query.days[mine], query.weights[mine])
        (past,) = _pasts([own], shop)
        return _past(item_id, bool(past.bought[0]), int(past.times[0]), float(past.last[0]), item_id, shop, words)
    code, category = _OF_SOURCE.get(found.source), shop.category(item_id)
    if code is not None and (category is not None or code != "popular_in_category"):
        return Reason(code, None, words.say(code, category or ""))
    buyers = shop.buyers(item_id)
    return Reason("popular", None, words.buyers(buyers) if buyers > 1 else words.say("popular"))


def _named(code: ReasonCode, because: str, shop: Shop, words: Wording) -> Reason:
    return Reason(code, because, words.say(code, shop.title(because)))


def _past(because: str, bought: bool, times: int, last: float, item_id: str, shop: Shop, words: Wording) -> Reason:
    """What was done with the product `because`, which is the item itself or leads to it."""
    if because != item_id:
        return _named("because_you_bought" if bought else "because_you_saw", because, shop, words)
    code: ReasonCode = "bought_before" if bought else "seen_before"
    return Reason(code, item_id, words.again(code, times, date.fromordinal(_EPOCH + floor(last))))
