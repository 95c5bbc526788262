"""EASE is Steck's closed form, and refuses before it takes memory that it was not given."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from models.recommenders import ease
from models.recommenders.base import Interactions
from models.recommenders.ease import EASE, _largest
from models.recommenders.interaction_matrix import interaction_matrix
from models.recommenders.linear import FittedLinear
from tests.models.recommenders.world import checkerboard, query, random_shop

SHOP = random_shop(size=900, items=30)
WHOLE = EASE(min_customers=1, neighbours=30)


def dense(model: FittedLinear) -> Any:
    found = np.zeros((len(model.item_ids), len(model.item_ids)))
    for row, (start, end) in enumerate(zip(model.rows.indptr, model.rows.indptr[1:], strict=False)):
        found[row, model.rows.indices[start:end]] = model.rows.weights[start:end]
    return found


def closed_form(recipe: EASE, data: Interactions) -> Any:
    """As in the paper's listing: P = inverse(X'X + lambda), B = P / -diag(P), diag(B) = 0."""
    wanted = interaction_matrix(data, recipe.half_life, recipe.power).toarray()
    wanted /= np.maximum(wanted.sum(axis=1, keepdims=True), 1e-9) ** recipe.activity
    inverse = np.linalg.inv(wanted.T @ wanted + recipe.regularization * np.eye(wanted.shape[1]))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("block", [7, 30, 500])
@pytest.mark.parametrize(
    "recipe",
    [
        WHOLE,
        replace(WHOLE, regularization=100.0, power=1.0, activity=0.0),
        replace(WHOLE, activity=1.0, half_life=50.0),
    ],
    ids=["default", "of the paper", "all speak alike"],
)
def test_it_equals_the_closed_form(recipe: EASE, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "_ROWS", block)
    assert dense(recipe.fit(SHOP)) == pytest.approx(closed_form(recipe, SHOP), rel=1e-3, abs=1e-5)


def test_each_product_is_foretold_as_well_as_by_a_ridge_regression_of_its_own() -> None:
    """What the closed form is to be: no other weights with an empty diagonal have a smaller loss."""
    recipe = replace(WHOLE, regularization=5.0, activity=0.0)
    wanted = interaction_matrix(SHOP, recipe.half_life, recipe.power).toarray()
    found = dense(recipe.fit(SHOP))
    for item in range(0, 30, 7):
        others = np.delete(np.arange(30), item)
        gram = wanted[:, others].T @ wanted[:, others] + 5 * np.eye(29)
        expected = np.linalg.solve(gram, wanted[:, others].T @ wanted[:, item])
        assert found[others, item] == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_the_largest_weights_stay_whatever_their_sign() -> None:
    full, pruned = dense(WHOLE.fit(SHOP)), dense(replace(WHOLE, neighbours=4).fit(SHOP))
    assert (pruned < 0).any()
    for mine, all_ in zip(pruned, full, strict=True):
        kept = np.flatnonzero(mine)
        assert len(kept) == 4
        assert np.array_equal(mine[kept], all_[kept])
        assert np.abs(np.delete(all_, kept)).max() <= np.abs(mine[kept]).min()


def test_products_that_hardly_anybody_wanted_are_left_out() -> None:
    customers = np.bincount(interaction_matrix(SHOP, None, 1.0).indices, minlength=30)
    least = int(np.sort(customers)[10])
    model = replace(WHOLE, min_customers=least).fit(SHOP)
    known = customers >= least
    assert 0 < known.sum() < 30
    assert not dense(model)[~known].any()
    assert not dense(model)[:, ~known].any()
    assert dense(model)[np.ix_(known, known)].any(axis=1).all()
    (row,) = (model.recommend([query(list(SHOP.item_ids[~known]))], 5).row(0),)
    assert row == []


def test_too_many_products_are_refused_before_any_memory_is_taken() -> None:
    count = 300_000
    data = replace(
        SHOP,
        items=np.tile(np.arange(count, dtype=np.int32), 3),
        customers=np.repeat(np.arange(3, dtype=np.int32), count),
        days=np.full(3 * count, SHOP.until),
        weights=np.ones(3 * count),
        item_ids=np.array([f"{code:06d}" for code in range(count)], object),
    )
    with pytest.raises(ValueError, match=r"300,000 products needs 41\d\.\d GB.*RP3Beta.*min_customers=4.*memory_gb"):
        EASE().fit(data)


def test_the_way_out_that_the_refusal_names_works() -> None:
    tight = replace(WHOLE, memory_gb=1e-6)
    with pytest.raises(ValueError, match="min_customers=") as refusal:
        tight.fit(SHOP)
    named = int(str(refusal.value).partition("min_customers=")[2].partition(",")[0])
    assert len(replace(tight, min_customers=named).fit(SHOP).rows.weights)
    with pytest.raises(ValueError, match="needs"):
        replace(tight, min_customers=1).fit(SHOP)


def test_hidden_taste_is_found_with_any_strength_of_ridge() -> None:
    board, queries = checkerboard(20)
    for regularization in (1.0, 100.0, 10_000.0):
        model = EASE(regularization=regularization).fit(board)
        for customer, one in enumerate(queries):
            allow = ~np.isin(board.item_ids, one.history_ids)
            assert model.recommend([one], 1, allow).row(0)[0][0] == board.item_ids[customer]


@pytest.mark.parametrize(("wrong", "way_out"), [({"regularization": 0.0}, "try 10"), ({"neighbours": 0}, "at least")])
def test_nonsense_is_refused_with_the_way_out(wrong: dict[str, float], way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        EASE(**wrong)  # type: ignore[arg-type]


@given(
    arrays(np.float32, st.tuples(st.integers(0, 6), st.integers(1, 9)), elements=st.integers(-3, 3)), st.integers(1, 9)
)
def test_the_largest_of_each_row_are_those_that_a_sort_finds(weights: NDArray[np.float32], most: int) -> None:
    found = _largest(weights, most)
    for row, values in enumerate(weights):
        order = np.lexsort((np.arange(len(values)), -np.abs(values)))[:most]
        expected = np.sort(order[values[order] != 0])
        place = slice(found.indptr[row], found.indptr[row + 1])
        assert found.indices[place].tolist() == expected.tolist()
        assert found.weights[place].tolist() == values[expected].tolist()
