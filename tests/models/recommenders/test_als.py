"""ALS folds a visitor in exactly as `implicit` recalculates a customer, and a seed repeats it."""

from dataclasses import replace

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from models.arrays import codes_of
from models.recommenders.als import ALS
from models.recommenders.history import Forgetting, History
from tests.models.recommenders.world import ITEMS, UNTIL, query, random_queries, random_shop

SHOP = random_shop()


@pytest.mark.parametrize("recipe", [ALS(factors=8), ALS(factors=16, confidence=40.0, regularization=0.5, power=1.0)])
def test_fold_in_equals_implicits_recalculate_user(recipe: ALS) -> None:
    model = recipe.fit(SHOP)
    with threadpool_limits(1, "blas"):
        peer = AlternatingLeastSquares(factors=recipe.factors, regularization=recipe.regularization, alpha=1.0)
    peer.item_factors = model.factors
    for asked in random_queries(SHOP, 10):
        codes = codes_of(list(asked.history_ids), SHOP.item_ids)
        history = History.of(asked, codes, Forgetting(recipe.fade_days, recipe.fade))
        if not len(history.products):
            continue
        beliefs = 1 + recipe.confidence * history.totals**recipe.power
        cells = (beliefs.astype(np.float32), (np.zeros(len(beliefs), np.int32), history.products))
        row = csr_matrix(cells, shape=(1, ITEMS))
        assert model.visitor(asked) == pytest.approx(peer.recalculate_user(0, row), rel=1e-3, abs=1e-4)


def test_the_seed_draws_the_start_and_nothing_else_does() -> None:
    first, again, other = (ALS(factors=6, seed=seed).fit(SHOP).factors for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_product_that_nobody_wanted_is_neither_recommended_nor_similar() -> None:
    known = SHOP.items != 3
    data = replace(
        SHOP,
        customers=SHOP.customers[known],
        items=SHOP.items[known],
        days=SHOP.days[known],
        weights=SHOP.weights[known],
    )
    model = ALS(factors=6).fit(data)
    answer = model.recommend([query(SHOP.item_ids[:2])], ITEMS)
    assert SHOP.item_ids[3] not in answer.ids
    assert len(answer.row(0)) == ITEMS - 1
    assert SHOP.item_ids[3] not in model.similar([SHOP.item_ids[0]], ITEMS).ids
    assert model.recommend([query([SHOP.item_ids[3]])], 3).row(0) == []


def test_recent_interest_turns_the_visitor() -> None:
    model = ALS(factors=8).fit(SHOP)
    one, other = SHOP.item_ids[:2]
    lately = model.visitor(query([one, other], days=np.array([UNTIL - 1, UNTIL - 300])))
    before = model.visitor(query([one, other], days=np.array([UNTIL - 300, UNTIL - 1])))
    assert not np.allclose(lately, before)


def test_the_start_is_drawn_by_popularity_so_new_names_change_nothing() -> None:
    """One iteration with few factors, as many would forget where they started."""
    recipe = ALS(factors=3, iterations=1)
    turned = replace(SHOP, items=np.int32(ITEMS - 1) - SHOP.items)
    mine, its = recipe.fit(SHOP).factors, recipe.fit(turned).factors[::-1]
    assert mine == pytest.approx(its, rel=1e-3, abs=1e-5)


def test_customers_are_solved_exactly_so_their_order_changes_nothing() -> None:
    """Conjugate gradients would start from a random vector a customer, drawn in the order of customers."""
    recipe = ALS(factors=12, iterations=2, regularization=0.01, confidence=40.0)
    order = np.random.default_rng(4).permutation(SHOP.customer_count).astype(np.int32)
    mine, its = (recipe.fit(data).factors for data in (SHOP, replace(SHOP, customers=order[SHOP.customers])))
    assert mine == pytest.approx(its, rel=1e-3, abs=1e-5)
