"""Baselines are as strong as they should be: a weak one would flatter every model."""

from dataclasses import replace

import numpy as np
import pytest

from models.recommenders.base import Query, Recommender
from tests.models.recommenders.world import ITEMS, UNTIL, query, random_queries, random_shop
from training.baselines import BASELINES, BuyAgain, PersonalFrequency, RecentlyBought

SHOP = random_shop()


def test_personal_frequency_counts_then_asks_popularity_then_the_id() -> None:
    model = PersonalFrequency().fit(SHOP)
    popular = [id_ for id_, _, _ in model.popularity.recommend([query([])], ITEMS).row(0)]
    twice, once = popular[8], popular[5:7]
    asked = query([once[1], twice, once[0], twice, "never seen"])
    found = [id_ for id_, _, _ in model.recommend([asked], ITEMS).row(0)]
    rest = [id_ for id_ in popular if id_ not in {twice, *once}]
    assert found[:3] == [twice, *once]
    assert found[3:] == rest


def test_popular_windows_are_windows() -> None:
    week, month = (BASELINES[name].fit(SHOP) for name in ("popular 7 d", "popular 30 d"))
    for model, window in ((week, 7.0), (month, 30.0)):
        inside = SHOP.days > SHOP.days.max() - window
        counts = np.bincount(SHOP.items[inside], SHOP.weights[inside], ITEMS)
        answer = model.recommend([query([])], ITEMS).row(0)
        assert answer[0][0] == SHOP.item_ids[counts.argmax()]
        assert len(answer) == (counts > 0).sum()


def test_baselines_keep_the_laws_of_recommenders() -> None:
    queries = random_queries(SHOP, 10)
    allow = np.random.default_rng(0).random((10, ITEMS)) < 0.5
    recipes: list[Recommender] = list(BASELINES.values())
    for recipe in recipes:
        model = recipe.fit(SHOP)
        answer = model.recommend(queries, 6, allow)
        for row, one in enumerate(queries):
            assert answer.row(row) == model.recommend([one], 6, allow[row]).row(0)
            assert {id_ for id_, _, _ in answer.row(row)} <= set(SHOP.item_ids[allow[row]])
        again = recipe.restore(model.arrays())
        assert again.recommend(queries, 6).scores.tolist() == model.recommend(queries, 6).scores.tolist()
        assert recipe.fit(replace(SHOP)).until == SHOP.until


def test_contributions_of_frequency_are_the_entries_themselves() -> None:
    model = PersonalFrequency().fit(SHOP)
    a, b = SHOP.item_ids[:2]
    added = model.contributions(query([a, b, a]), [a, b])
    assert added.tolist() == [[1, 0], [0, 1], [1, 0]]


def test_buy_again_lets_a_product_fade_by_half_in_its_half_life() -> None:
    a, b = SHOP.item_ids[:2]
    model = BuyAgain(half_life=10.0).fit(SHOP)
    asked = Query(UNTIL, np.array([a, a, b], object), UNTIL - np.array([20.0, 10.0, 9.0]), np.ones(3))
    scores = {id_: score for id_, score, _ in model.recommend([asked], ITEMS).row(0)}
    assert scores[a] == pytest.approx(0.25 + 0.5, abs=1e-5)
    assert scores[b] == pytest.approx(2**-0.9, abs=1e-5)
    assert PersonalFrequency().fit(SHOP).recommend([asked], 1).ids[0, 0] == a


def test_recently_bought_goes_by_the_newest_time_then_by_frequency() -> None:
    a, b, c, d = SHOP.item_ids[:4]
    asked = Query(UNTIL, np.array([d, d, d, b, c, c, a], object), UNTIL - np.array([9, 8, 7, 2, 5, 2, 1.0]), np.ones(7))
    assert RecentlyBought().fit(SHOP).recommend([asked], 4).ids[0].tolist() == [a, c, b, d]
