"""Why an item is in an answer, from the model's own contributions: said in a code and in an English sentence."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from models.recommenders.arrays import Floats, Mask
from models.recommenders.base import Query
from serving.schemas import Reason
from serving.visitor import PURCHASE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def reasons(
    query: Query,
    fresh: int,
    contributions: Floats,
    item_ids: Sequence[str],
    title: Callable[[str], str],
    buyers: Callable[[str], int],
) -> list[Reason]:
    """One reason for each of `item_ids`, from `contributions` of shape (history, items).

    The product of the history that adds most tells; the last `fresh` entries are those on the page. An item to which
    nothing adds is there because it is popular: with how many, `buyers` tells.

    >>> query = Query(20_000.0, np.array(["tea"], object), np.array([19_999.0]), np.array([1.0]))
    >>> reasons(query, 0, np.array([[2.0, 0.0]]), ["cake", "milk"], str.title, len)[0].text
    'Because you bought Tea'
    """
    if not len(query.history_ids) or not contributions.any():
        return [_popular(buyers(item_id)) for item_id in item_ids]
    products = list(dict.fromkeys(query.history_ids))
    places = {product: place for place, product in enumerate(products)}
    codes = np.fromiter(map(places.__getitem__, query.history_ids), np.intp, len(query.history_ids))
    totals = np.zeros((len(products), len(item_ids)))
    np.add.at(totals, codes, contributions)
    past = len(codes) - fresh
    on_page = set(codes[past:].tolist())
    return [
        _popular(buyers(item_id))
        if totals[winner, column] <= 0
        else _on_page(products[winner], title)
        if winner in on_page
        else _past(query, codes[:past] == winner, products[winner], item_id, title)
        for column, (item_id, winner) in enumerate(zip(item_ids, totals.argmax(axis=0).tolist(), strict=True))
    ]


def _popular(buyers: int) -> Reason:
    words = f"{buyers:,} customers bought it lately" if buyers > 1 else "Popular with other customers"
    return Reason(code="popular", text=words)


def _on_page(because: str, title: Callable[[str], str]) -> Reason:
    return Reason(code="bought_with", item_id=because, text=f"Goes with {title(because)}")


def _past(query: Query, mine: Mask, because: str, item_id: str, title: Callable[[str], str]) -> Reason:
    bought = mine & (query.weights[: len(mine)] == PURCHASE)
    if because != item_id:
        if bought.any():
            return Reason(code="because_you_bought", item_id=because, text=f"Because you bought {title(because)}")
        return Reason(code="because_you_saw", item_id=because, text=f"Because you looked at {title(because)}")
    verb, counted = ("bought it", bought) if bought.any() else ("looked at it", mine)
    times = f"{counted.sum()} times" if counted.sum() > 1 else "once"
    last = (_EPOCH + timedelta(days=float(query.days[: len(mine)][counted].max()))).date()
    text = f"You {verb} {times}, last on {last}"
    return Reason(code="bought_before" if counted is bought else "seen_before", item_id=item_id, text=text)
