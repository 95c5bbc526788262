"""RP3beta is the walk that its docstring tells: checked against a loop that anyone can read."""

import json
from dataclasses import replace

import numpy as np
import pytest

from models.recommenders.base import Interactions, Query
from models.recommenders.family import from_json, to_json
from models.recommenders.item_statistics import loyalty, trend
from models.recommenders.rp3beta import FittedRP3Beta, RP3Beta
from tests.models.recommenders.world import UNTIL, checkerboard, query, random_queries, random_shop, reordered

SHOP = random_shop(size=400, customers=17, items=12)


def naive_scores(recipe: RP3Beta, data: Interactions, asked: Query) -> dict[str, float]:
    """Product to customer to product, one step at a time."""
    customers, items = data.customer_count, len(data.item_ids)
    wanted = np.zeros((customers, items))
    for customer, item, day, weight in zip(data.customers, data.items, data.days, data.weights, strict=True):
        age = data.days.max() - day
        wanted[customer, item] += weight * (1 if recipe.half_life is None else 0.5 ** (age / recipe.half_life))
    wanted = np.where(wanted > 0, wanted, np.nan) ** recipe.power
    wanted = np.nan_to_num(wanted)
    moved, walk = trend(data), np.zeros((items, items))
    for start in range(items):
        steps = (wanted[:, start] / wanted[:, start].sum()) ** recipe.alpha
        through = np.argsort(-steps)[: recipe.customers]
        stand_for = steps.sum() / steps[through].sum()
        for end in range(items):
            for customer in through:
                if start != end and wanted[customer, start] and wanted[customer, end]:
                    back = wanted[customer, end] / wanted[customer].sum()
                    walk[start, end] += stand_for * steps[customer] * back**recipe.alpha
    walk *= wanted.sum(axis=0) ** -recipe.beta * moved**recipe.trend
    for start in range(items):
        weakest = sorted(walk[start], reverse=True)[: recipe.neighbours][-1]
        walk[start][walk[start] < weakest] = 0
    walk /= walk.sum(axis=1)[walk.sum(axis=1) > 0].mean()
    gathered: dict[str, float] = {}
    now = min(asked.day, asked.days.max() + 28)
    for id_, day, weight in zip(asked.history_ids, asked.days, asked.weights, strict=True):
        fading = (1 + max(now - day, 0) / recipe.fade_days) ** -recipe.fade
        gathered[id_] = gathered.get(id_, 0) + weight * fading
    scores = dict.fromkeys(data.item_ids, 0.0)
    loyal = loyalty(data) ** recipe.loyalty
    for start, id_ in enumerate(data.item_ids):
        if id_ in gathered:
            scores[id_] += recipe.repeat * loyal[start] * gathered[id_]
            for end, other in enumerate(data.item_ids):
                scores[other] += gathered[id_] ** recipe.history_power * walk[start, end]
    return scores


@pytest.mark.parametrize(
    "recipe",
    [
        RP3Beta(),
        RP3Beta(half_life=None, power=1.0, alpha=1.0, beta=0.0, trend=0.0),
        RP3Beta(neighbours=4, alpha=0.5, beta=0.6, history_power=1.0),
        RP3Beta(repeat=0.0, fade=2.0, fade_days=5.0),
        RP3Beta(customers=3),
    ],
    ids=["default", "plain P3", "pruned", "new only", "through three"],
)
def test_it_equals_the_naive_walk(recipe: RP3Beta) -> None:
    model = recipe.fit(SHOP)
    for asked in random_queries(SHOP, 8, seed=3):
        if not len(asked.days):
            continue
        expected = naive_scores(recipe, SHOP, asked)
        answer = {id_: score for id_, score, _ in model.recommend([asked], 12).row(0)}
        assert answer == pytest.approx({id_: score for id_, score in expected.items() if score > 0}, rel=1e-5)


def test_buying_again_grows_with_repeat_and_is_left_out_at_zero() -> None:
    asked = query([SHOP.item_ids[7]])
    scores = []
    for repeat in (0.0, 1.0, 3.0):
        model = RP3Beta(repeat=repeat).fit(SHOP)
        found = {id_: score for id_, score, _ in model.recommend([asked], 12).row(0)}
        scores.append(found.get(SHOP.item_ids[7], 0.0))
    assert scores[0] == 0
    assert scores[2] == pytest.approx(3 * scores[1])


def test_the_latest_purchases_weigh_most() -> None:
    model = RP3Beta().fit(SHOP)
    long_ago, lately = SHOP.item_ids[8:10]
    asked = query([long_ago, lately], days=np.array([UNTIL - 200, UNTIL - 1]))
    assert model.recommend([asked], 1).row(0)[0][0] == lately
    turned = replace(asked, days=asked.days[::-1].copy())
    assert model.recommend([turned], 1).row(0)[0][0] == long_ago


def test_a_product_that_sells_better_lately_comes_before_its_equal() -> None:
    board, queries = checkerboard(20)
    fresh = 4
    week = np.where(board.items == fresh, UNTIL - 1, UNTIL - 100)
    model = RP3Beta(repeat=0.0, half_life=None).fit(replace(board, days=week))
    assert model.recommend([queries[0]], 1).row(0)[0][0] == board.item_ids[fresh]
    without = RP3Beta(repeat=0.0, half_life=None, trend=0.0).fit(replace(board, days=week))
    assert without.recommend([queries[0]], 1).row(0)[0][0] != board.item_ids[fresh]


def test_no_product_keeps_more_neighbours_than_asked_for_nor_itself() -> None:
    model: FittedRP3Beta = RP3Beta(neighbours=5).fit(SHOP)
    assert np.diff(model.rows.indptr).max() == 5
    for row in range(len(SHOP.item_ids)):
        assert row not in model.rows.indices[model.rows.indptr[row] : model.rows.indptr[row + 1]]


def test_where_no_product_has_more_customers_than_asked_for_nothing_changes() -> None:
    most = max(len(set(SHOP.customers[SHOP.items == item].tolist())) for item in range(len(SHOP.item_ids)))
    whole, cut = (RP3Beta(customers=count).fit(SHOP).arrays() for count in (most, most - 1))
    for name, array in RP3Beta(customers=10**9).fit(SHOP).arrays().items():
        assert np.array_equal(whole[name], array)
    assert not np.array_equal(whole["weights"], cut["weights"])


def test_which_customers_stand_for_the_rest_does_not_follow_from_the_order_of_interactions() -> None:
    order = np.random.default_rng(5).permutation(len(SHOP.items))
    one, other = (RP3Beta(customers=4).fit(data).arrays() for data in (SHOP, reordered(SHOP, order)))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_model_of_before_there_was_a_most_of_customers_is_read() -> None:
    described = json.loads(to_json(RP3Beta(neighbours=7)))
    del described["customers"]
    assert from_json(json.dumps(described)) == RP3Beta(neighbours=7)


@pytest.mark.parametrize(
    ("wrong", "way_out"),
    [({"neighbours": 0}, "at least one"), ({"customers": 0}, "at least one"), ({"repeat": -1.0}, "use 0")],
)
def test_nonsense_is_refused_with_the_way_out(wrong: dict[str, float], way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        RP3Beta(**wrong)  # type: ignore[arg-type]
