"""ItemItem is the cosine that its docstring tells, checked against a loop over pairs of interactions."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from models.recommenders.base import Interactions, Query
from models.recommenders.item_item import ItemItem
from tests.models.recommenders.world import UNTIL, query, random_queries, random_shop

SHOP = random_shop(size=400, customers=17, items=12)


def naive_weights(recipe: ItemItem, data: Interactions) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """One customer, one stretch of time, one pair of products after the other."""
    newest, items = data.days.max(), len(data.item_ids)
    views: dict[tuple[object, ...], dict[int, float]] = {}
    shares: dict[tuple[object, ...], float] = {}
    for customer, item, day, weight in zip(data.customers, data.items, data.days, data.weights, strict=True):
        counts = weight * (1 if recipe.half_life is None else 0.5 ** ((newest - day) / recipe.half_life))
        stretches = [("shift", shift, (newest - day) / recipe.window + shift) for shift in (0, 0.5)]
        keys = [(customer, "whole"), *((customer, "cut", shift, int(place)) for _, shift, place in stretches)]
        for key in keys:
            shares[key] = 1.0 if key[1] == "whole" else recipe.together / 2
            views.setdefault(key, {}).setdefault(int(item), 0.0)
            views[key][int(item)] += counts
    common = np.zeros((items, items))
    for key, wanted in views.items():
        shares[key] *= max(len(wanted) - 1, 1) ** -recipe.crowding
        for (one, mine), (other, its) in product(wanted.items(), wanted.items()):
            common[one, other] += shares[key] * (mine * its) ** recipe.power
    lengths = np.sqrt(common.diagonal())
    weights = common / (np.outer(lengths, lengths) + recipe.shrinkage)
    np.fill_diagonal(weights, 0)
    return pruned(weights, recipe.neighbours)


def pruned(
    weights: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", most: int
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    return np.array([np.where(row >= sorted(row, reverse=True)[:most][-1], row, 0) for row in weights])


def with_kin(
    recipe: ItemItem, weights: "np.ndarray[tuple[int, int], np.dtype[np.float64]]"
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    kin = pruned(weights, 20)
    lengths = np.linalg.norm(kin, axis=1)
    near = np.array([row / np.linalg.norm(row) for row in weights])
    for one, other in product(range(len(weights)), range(len(weights))):
        near[one, other] += recipe.kinship * (kin[one] @ kin[other]) / (lengths[one] * lengths[other])
    np.fill_diagonal(near, 0)
    return pruned(near, recipe.neighbours)


def naive_scores(recipe: ItemItem, data: Interactions, asked: Query) -> dict[str, float]:
    weights, gathered = naive_weights(recipe, data), dict.fromkeys(data.item_ids, 0.0)
    now = min(asked.day, max((day for id_, day in zip(asked.history_ids, asked.days, strict=True)), default=0) + 28)
    for id_, day, weight in zip(asked.history_ids, asked.days, asked.weights, strict=True):
        if id_ in gathered:
            gathered[id_] += weight * (1 + max(now - day, 0) / recipe.fade_days) ** -recipe.fade
    factors = np.array([total**recipe.history_power if total else 0 for total in gathered.values()])
    return dict(zip(data.item_ids, factors @ weights, strict=True))


@pytest.mark.parametrize(
    "recipe",
    [
        ItemItem(),
        ItemItem(together=0.0, shrinkage=0.0, power=1.0, history_power=1.0, kinship=0.0, crowding=0.0),
        ItemItem(half_life=40.0, window=30.0, together=5.0),
        ItemItem(neighbours=4, fade=2.0, fade_days=5.0, kinship=0.3),
    ],
    ids=["default", "plain cosine", "fading", "pruned"],
)
def test_it_equals_the_naive_loop(recipe: ItemItem) -> None:
    model = recipe.fit(SHOP)
    for asked in random_queries(SHOP, 8, seed=3):
        answer = {id_: score for id_, score, _ in model.recommend([asked], 12).row(0)}
        expected = naive_scores(recipe, SHOP, asked)
        assert answer == pytest.approx({id_: score for id_, score in expected.items() if score > 0}, rel=1e-5)
    near = with_kin(recipe, naive_weights(recipe, SHOP)) if recipe.kinship else naive_weights(recipe, SHOP)
    for code, id_ in enumerate(SHOP.item_ids):
        answer = {other: score for other, score, _ in model.similar([id_], 12).row(0)}
        expected = dict(zip(SHOP.item_ids, near[code], strict=True))
        assert answer == pytest.approx({other: score for other, score in expected.items() if score > 0}, rel=1e-5)


def test_plain_cosine_is_that_of_the_columns() -> None:
    recipe = ItemItem(half_life=None, power=1.0, together=0.0, shrinkage=0.0, crowding=0.0, kinship=0.0)
    columns = np.zeros((SHOP.customer_count, 12))
    np.add.at(columns, (SHOP.customers, SHOP.items), SHOP.weights)
    columns /= np.linalg.norm(columns, axis=0)
    expected = columns.T @ columns[:, 3]
    for id_, score, _ in recipe.fit(SHOP).similar([SHOP.item_ids[3]], 12).row(0):
        assert score == pytest.approx(expected[np.searchsorted(SHOP.item_ids, id_)])


def test_what_was_wanted_at_the_same_time_comes_before_what_was_wanted_years_apart() -> None:
    """Every customer has all three; tea goes with cake on the day, with coffee never."""
    customers = np.repeat(np.arange(9, dtype=np.int32), 3)
    items = np.tile(np.array([0, 1, 2], np.int32), 9)
    days = np.where(items == 1, UNTIL - 300, UNTIL - 1) - np.repeat(np.arange(9) * 3.0, 3)
    data = Interactions(
        customers, items, days, np.ones(27), np.array(["cake", "coffee", "tea"], object), customer_count=9, until=UNTIL
    )
    row = ItemItem(kinship=0.0).fit(data).similar(["tea"], 2).row(0)
    assert [id_ for id_, _, _ in row] == ["cake", "coffee"]
    assert row[0][1] > 1.3 * row[1][1]
    flat = ItemItem(together=0.0, kinship=0.0).fit(data).similar(["tea"], 2).row(0)
    assert flat[0][1] == pytest.approx(flat[1][1])


def test_one_customer_makes_no_resemblance() -> None:
    """b and c were wanted by one and the same customer, a and d by eight."""
    customers = np.array([0, 0, *np.repeat(np.arange(1, 9), 2)], np.int32)
    items = np.array([1, 2, *[0, 3] * 8], np.int32)
    days = np.full(18, UNTIL - 5)
    data = Interactions(customers, items, days, np.ones(18), np.array(list("abcd"), object), 9, UNTIL)
    plain = ItemItem(kinship=0.0)
    model, trusting = plain.fit(data), replace(plain, shrinkage=0.0).fit(data)
    pairs = [model.similar([id_], 1).row(0)[0] for id_ in "ab"]
    assert [id_ for id_, _, _ in pairs] == ["d", "c"]
    assert pairs[0][1] > 2 * pairs[1][1]
    assert trusting.similar(["b"], 1).row(0)[0][1] == pytest.approx(1)


def test_products_that_nobody_wants_together_are_kin_when_they_go_with_the_same_things() -> None:
    """Half of the customers take oat milk to coffee and sugar, half cow milk; rope goes with neither."""
    baskets = [(0, 1, 2), (0, 1, 3)] * 6 + [(4, 5)] * 6
    lines = [(customer, item) for customer, basket in enumerate(baskets) for item in basket]
    customers, items = np.array(lines, np.int32).T
    names = np.array(["coffee", "coffee sugar", "milk cow", "milk oat", "rope", "rope hook"], object)
    data = Interactions(customers, items, np.full(len(lines), UNTIL - 5), np.ones(len(lines)), names, 18, UNTIL)
    oat = {id_: score for id_, score, _ in ItemItem().fit(data).similar(["milk oat"], 6).row(0)}
    assert oat["milk cow"] > 0.5
    assert not any(id_.startswith("rope") for id_ in oat)
    assert "milk cow" not in {id_ for id_, _, _ in ItemItem(kinship=0.0).fit(data).similar(["milk oat"], 6).row(0)}


def test_a_day_later_the_same_history_gives_the_same_model() -> None:
    later = replace(SHOP, days=SHOP.days + 1.25, until=UNTIL + 1.25)
    mine, its = ItemItem().fit(SHOP).arrays(), ItemItem().fit(later).arrays()
    assert np.array_equal(mine["indices"], its["indices"])
    assert mine["weights"] == pytest.approx(its["weights"])


def test_a_product_has_no_part_in_its_own_score() -> None:
    model = ItemItem().fit(SHOP)
    for code, id_ in enumerate(SHOP.item_ids):
        asked = query([id_])
        assert model.contributions(asked, [id_]).tolist() == [[0.0]]
        assert code not in model.rows.indices[model.rows.indptr[code] : model.rows.indptr[code + 1]]


@pytest.mark.parametrize(
    ("wrong", "way_out"),
    [({"neighbours": 0}, "at least one"), ({"window": 0.0}, "has a length"), ({"shrinkage": -1.0}, "at 0")],
)
def test_nonsense_is_refused_with_the_way_out(wrong: dict[str, float], way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        ItemItem(**wrong)  # type: ignore[arg-type]
