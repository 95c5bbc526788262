"""BoughtTogether is Dunning's ratio over baskets, reads the whole cart, and offers no variant of what is in it."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query
from models.recommenders.bought_together import BoughtTogether
from tests.models.recommenders.world import UNTIL, query, random_shop

SHOP = replace(
    random_shop(size=600, customers=17, items=12),
    orders=np.random.default_rng(8).integers(-1, 150, 600).astype(np.int32),
)


def dunning(both: float, one: float, other: float, total: float) -> float:
    """2 * sum of observed * log(observed / expected) over the four cells: met, only one, only the other, neither."""
    if both * total <= one * other:
        return 0.0
    ratio = 0.0
    for observed, row, column in (
        (both, one, other),
        (one - both, one, total - other),
        (other - both, total - one, other),
        (total - one - other + both, total - one, total - other),
    ):
        if observed > 0:
            ratio += 2 * observed * log(observed * total / (row * column))
    return ratio


def naive_weights(recipe: BoughtTogether, data: Interactions) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Basket by basket, pair by pair."""
    assert data.orders is not None
    baskets: dict[tuple[str, int], tuple[set[int], float]] = {}
    for customer, item, day, order in zip(data.customers, data.items, data.days, data.orders, strict=True):
        if order >= 0:
            for key in (("order", int(order)), ("customer", int(customer))):
                lines, latest = baskets.get(key, (set(), -np.inf))
                baskets[key] = lines | {int(item)}, max(latest, day)
    items = len(data.item_ids)
    together, total = np.zeros((items, items)), recipe.shrinkage
    newest = {kind: max(day for (its, _), (_, day) in baskets.items() if its == kind) for kind in ("order", "customer")}
    for (kind, _), (lines, latest) in baskets.items():
        counts = max(len(lines) - 1, 1) ** -recipe.crowding * (recipe.lifetime if kind == "customer" else 1)
        counts *= 1 if recipe.half_life is None else 0.5 ** ((newest[kind] - latest) / recipe.half_life)
        total += counts
        for one in lines:
            for other in lines:
                together[one, other] += counts
    own, weights = together.diagonal(), np.zeros((items, items))
    for one in range(items):
        for other in range(items):
            if one != other:
                found = dunning(together[one, other], own[one], own[other], total)
                weights[one, other] = found / (own[one] + recipe.shrinkage) ** recipe.caution
    for row in weights:
        row[row < sorted(row, reverse=True)[: recipe.neighbours][-1]] = 0
    return weights


def cart(*context: str, history: Query | None = None) -> Query:
    return replace(history or query([]), context_ids=context)


@pytest.mark.parametrize(
    "recipe",
    [
        BoughtTogether(),
        BoughtTogether(lifetime=0.0, crowding=0.0, half_life=30.0),
        BoughtTogether(caution=1.0, shrinkage=1.0, neighbours=3),
    ],
    ids=["default", "orders only", "pruned"],
)
def test_it_equals_the_naive_count(recipe: BoughtTogether) -> None:
    model, weights = recipe.fit(SHOP), naive_weights(recipe, SHOP)
    for code, id_ in enumerate(SHOP.item_ids):
        answer = {other: score for other, score, _ in model.similar([id_], 12).row(0)}
        expected = dict(zip(SHOP.item_ids, weights[code], strict=True))
        assert answer == pytest.approx({other: score for other, score in expected.items() if score > 0}, rel=1e-5)


def test_the_whole_cart_is_read_and_each_line_adds_its_part() -> None:
    model = BoughtTogether().fit(SHOP)
    one, other = SHOP.item_ids[[2, 5]]
    parts = [{id_: score for id_, score, _ in model.recommend([cart(id_)], 12).row(0)} for id_ in (one, other)]
    both = {id_: score for id_, score, _ in model.recommend([cart(other, one)], 12).row(0)}
    expected = {id_: parts[0].get(id_, 0) + parts[1].get(id_, 0) for id_ in parts[0] | parts[1]}
    assert both == pytest.approx({id_: score for id_, score in expected.items() if id_ not in (one, other)}, rel=1e-6)


def test_the_cart_takes_the_place_of_the_history() -> None:
    model = BoughtTogether().fit(SHOP)
    lately = query([SHOP.item_ids[4]])
    assert model.recommend([cart(SHOP.item_ids[1], history=lately)], 5).row(0) == model.recommend(
        [cart(SHOP.item_ids[1])], 5
    ).row(0)
    assert model.recommend([lately], 5).row(0) == model.recommend([cart(SHOP.item_ids[4])], 5).row(0)
    assert model.recommend([cart("never seen", history=lately)], 5).row(0) == []


def test_what_the_page_shows_is_told_as_the_reason() -> None:
    """The serving side appends the page's products to the history as of now."""
    model = BoughtTogether().fit(SHOP)
    ids = [SHOP.item_ids[3], SHOP.item_ids[1], SHOP.item_ids[3]]
    asked = replace(query(ids, days=np.array([UNTIL - 30, UNTIL - 2, UNTIL])), context_ids=(SHOP.item_ids[3],))
    answer = model.recommend([asked], 5).row(0)
    added = model.contributions(asked, [id_ for id_, _, _ in answer])
    assert added[2] == pytest.approx([score for _, score, _ in answer])
    assert not added[:2].any()


def test_no_variant_of_what_is_in_the_cart_is_offered() -> None:
    groups = np.array(["tea", "tea", None, None, "", "", "cup", "cup", "cup", None, None, None], object)
    data = replace(SHOP, catalogue=Catalogue(UNTIL, SHOP.item_ids, texts={"group_id": groups}))
    model, free = BoughtTogether().fit(data), BoughtTogether().fit(SHOP)
    plain = {id_: score for id_, score, _ in free.recommend([cart(SHOP.item_ids[0], SHOP.item_ids[6])], 12).row(0)}
    answer = {id_: score for id_, score, _ in model.recommend([cart(SHOP.item_ids[0], SHOP.item_ids[6])], 12).row(0)}
    variants = set(SHOP.item_ids[[0, 1, 6, 7, 8]])
    assert variants & plain.keys()
    assert answer == {id_: score for id_, score in plain.items() if id_ not in variants}
    for code in (2, 4):  # none and an empty text are no group
        near = model.similar([SHOP.item_ids[code]], 12).row(0)
        assert near == free.similar([SHOP.item_ids[code]], 12).row(0)
    assert not {id_ for id_, _, _ in model.similar([SHOP.item_ids[7]], 12).row(0)} & variants - set(SHOP.item_ids[:2])


def test_a_catalogue_of_today_says_what_is_a_variant() -> None:
    model = BoughtTogether().fit(SHOP)
    one, other = (str(id_) for id_ in SHOP.item_ids[:2])
    assert other in {id_ for id_, _, _ in model.similar([one], 12).row(0)}
    today = Catalogue(
        UNTIL + 1, np.array(sorted([one, other, "ä new"]), object), texts={"group_id": np.full(3, "g", object)}
    )
    wider = model.extended(today)
    assert other not in {id_ for id_, _, _ in wider.similar([one], 13).row(0)}
    assert wider.recommend([cart("ä new")], 3).row(0) == []
    tomorrow = Catalogue(UNTIL + 2, np.array(["ö newer"], object))
    assert other not in {id_ for id_, _, _ in wider.extended(tomorrow).similar([one], 13).row(0)}


def test_views_make_no_basket() -> None:
    assert SHOP.orders is not None
    model = BoughtTogether().fit(replace(SHOP, orders=np.full(len(SHOP.items), -1, np.int32)))
    assert model.similar(list(SHOP.item_ids), 3).ids.tolist() == [[None] * 3] * 12


def test_a_fashion_that_has_passed_counts_less() -> None:
    """Tea went with cake a year ago as often as it goes with jam today; every other product was alone."""
    pairs = [(UNTIL - 365, 0)] * 10 + [(UNTIL - 1, 1)] * 10
    lines = [(order, day, item) for order, (day, other) in enumerate(pairs) for item in (other, 2)]
    lines += [(20 + order, UNTIL - 400 + 20 * order, 3) for order in range(20)]
    orders, days, items = np.array(lines).T
    data = Interactions(
        customers=orders.astype(np.int32),
        items=items.astype(np.int32),
        days=days,
        weights=np.ones(len(lines)),
        item_ids=np.array(["cake", "jam", "tea", "zebra"], object),
        customer_count=40,
        until=UNTIL,
        orders=orders.astype(np.int32),
    )
    assert [id_ for id_, _, _ in BoughtTogether(half_life=90.0).fit(data).similar(["tea"], 2).row(0)] == ["jam", "cake"]
    (cake, jam) = BoughtTogether().fit(data).similar(["tea"], 2).row(0)
    assert cake[1] == pytest.approx(jam[1])


def test_without_neighbours_there_is_nothing_to_offer() -> None:
    with pytest.raises(ValueError, match="at least one"):
        BoughtTogether(neighbours=0)
