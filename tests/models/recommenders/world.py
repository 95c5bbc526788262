"""Small worlds whose answers are known, and the recipes that the contract suite runs in them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.arrays import Floats
from models.catalogue import Catalogue
from models.recommenders.als import ALS
from models.recommenders.base import Interactions, Query, Recommender
from models.recommenders.blend import Blend
from models.recommenders.bought_together import BoughtTogether
from models.recommenders.buy_again import BuyAgain
from models.recommenders.category_popularity import CategoryPopularity
from models.recommenders.content import Content
from models.recommenders.ease import EASE
from models.recommenders.fallback import Fallback
from models.recommenders.family import RECIPES
from models.recommenders.item_item import ItemItem
from models.recommenders.popularity import Popularity
from models.recommenders.recently_viewed import RecentlyViewed
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.sasrec import SASRec
from models.recommenders.sequence_rules import SequenceRules
from models.recommenders.session_knn import SessionKNN

UNTIL = 17_500.0
CUSTOMERS, ITEMS = 61, 24

# Customers of these worlds come back after weeks, so a session ends with a longer pause than in a real shop.
_PAUSE = 40.0
_RULES, _KNN = SequenceRules(gap_days=_PAUSE), SessionKNN(gap_days=_PAUSE)

VARIATIONS: dict[str, Recommender] = {
    **{name: recipe() for name, recipe in RECIPES.items()},
    "sequence_rules": _RULES,
    "sequence_rules both ways": SequenceRules(_PAUSE, backward=0.5, alpha=0.5, beta=0.3, half_life=50.0, neighbours=3),
    "session_knn": _KNN,
    "session_knn of few": SessionKNN(gap_days=30.0, recent=6, neighbours=4, latest=3, half_life=30.0, repeat=0.0),
    "blend": Blend((RecentlyViewed(), _RULES, _KNN), gap_days=_PAUSE),
    "sasrec": SASRec(factors=8, epochs=1, blocks=1, negatives=16),
    "sasrec of two blocks": SASRec(gap_days=30.0, factors=8, epochs=2, length=4, negatives=16, batch=8),
    "blend by weights": Blend((_KNN, RP3Beta()), weights=(1.0, 0.5), depth=3),
    "category_popularity at once": CategoryPopularity(half_life=None, doubt=1.0, fade=0.0),
    "buy_again of anything": BuyAgain(bought=0.0, pace=1.0, rest=0.9, waking=1.0),
    "content of few words": Content(rarity=1.0, plainness=1.0, most=30),
    "popularity of a window": Popularity(half_life=None, window=30.0),
    "rp3beta new only": RP3Beta(repeat=0.0, half_life=None),
    "rp3beta pruned": RP3Beta(neighbours=3),
    "item_item pruned": ItemItem(neighbours=3, together=0.0, shrinkage=0.0, half_life=60.0),
    "ease pruned": EASE(neighbours=4, min_customers=1, activity=0.5),
    "bought_together pruned": BoughtTogether(neighbours=6, lifetime=0.2, session=9.0, half_life=60.0),
    "als small": ALS(factors=4, half_life=None),
    "fallback of three": Fallback((RP3Beta(neighbours=2, repeat=0.0), ALS(factors=3), Popularity())),
}
"""Every recipe of the family as it is, and some that reach other branches."""


def ids(count: int) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    """Sorted ids that are not all of one length or alphabet."""
    return np.array(sorted(f"{'яßb'[code % 3]}{code}" for code in range(count)), object)


def random_shop(seed: int = 0, size: int = 700, customers: int = CUSTOMERS, items: int = ITEMS) -> Interactions:
    """Customers who buy at random, some products far more often than others, no two weights or times the same."""
    rng = np.random.default_rng(seed)
    return Interactions(
        customers=rng.integers(customers, size=size).astype(np.int32),
        items=np.minimum(rng.geometric(0.12, size) - 1, items - 1).astype(np.int32),
        days=UNTIL - 200 * rng.random(size),
        weights=0.1 + rng.random(size),
        item_ids=ids(items),
        customer_count=customers,
        until=UNTIL,
        catalogue=described(ids(items)),
    )


def of_lines(
    lines: Sequence[tuple[int, int, float]],
    item_ids: "np.ndarray[tuple[int], np.dtype[np.object_]]",
    customers: int,
    until: float = UNTIL,
) -> Interactions:
    """Purchases of one piece each: (customer, product, day)."""
    who, what, when = map(np.array, zip(*lines, strict=True))
    return Interactions(
        customers=who.astype(np.int32),
        items=what.astype(np.int32),
        days=when,
        weights=np.ones(len(who)),
        item_ids=item_ids,
        customer_count=customers,
        until=until,
    )


def described(item_ids: "np.ndarray[tuple[int], np.dtype[np.object_]]") -> Catalogue:
    """Products of three categories below two, of four brands, the first ones sold for longest; one is not described."""
    codes = np.arange(len(item_ids))
    texts = {
        "title": [f"{'Зелёный' if code % 5 else 'Black'} tea {code % 7}" for code in codes],
        "category": [("drinks/tea", "drinks/coffee", "food")[code % 3] for code in codes],
        "brand": [f"Brand {code % 4}" for code in codes],
    }
    texts = {name: [*column[:-1], None] for name, column in texts.items()}
    return Catalogue(
        day=UNTIL,
        item_ids=item_ids,
        texts={name: np.array(column, object) for name, column in texts.items()},
        numbers={"price": 1.0 + codes % 6, "since": UNTIL - 300.0 + 5.0 * (codes // 2)},
    )


def checkerboard(size: int = 40) -> tuple[Interactions, list[Query]]:
    """Customer c likes every product of the colour of c and has bought all of them but product c."""
    bought = [(c, i) for c in range(size) for i in range(c % 2, size, 2) if i != c]
    customers, items = np.array(bought, np.int32).T
    data = Interactions(
        customers=customers,
        items=items,
        days=np.full(len(items), UNTIL - 1),
        weights=np.ones(len(items)),
        item_ids=np.array([f"{code:03d}" for code in range(size)], object),
        customer_count=size,
        until=UNTIL,
    )
    queries = [query(data.item_ids[items[customers == c]]) for c in range(size)]
    return data, queries


def query(history_ids: object, days: Floats | None = None, weights: Floats | None = None) -> Query:
    """A query on the last day whose history is of the day before, of weight 1, unless said otherwise."""
    wanted = np.array(history_ids, object)
    return Query(
        day=UNTIL,
        history_ids=wanted,
        days=np.full(len(wanted), UNTIL - 1) if days is None else days,
        weights=np.ones(len(wanted)) if weights is None else weights,
    )


def random_queries(data: Interactions, count: int, seed: int = 1) -> list[Query]:
    """Histories of 0 to 12 entries with repeats, and one product that nobody knows."""
    rng = np.random.default_rng(seed)
    queries = []
    for length in rng.integers(0, 13, count):
        wanted = rng.choice(data.item_ids, length)
        if length > 6:
            wanted[2] = "never seen"
        queries.append(query(wanted, UNTIL - 300 * rng.random(length), 0.1 + rng.random(length)))
    return queries


def reordered(data: Interactions, order: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Interactions:
    """The same interactions in another order."""
    return replace(
        data,
        customers=data.customers[order],
        items=data.items[order],
        days=data.days[order],
        weights=data.weights[order],
    )
