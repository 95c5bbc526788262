"""Laws that no recommender can dodge: every recipe of the family runs through all of them."""

from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import Catalogue
from models.recommenders.base import FittedRecommender, Interactions, Query, Ranking, Recommender
from models.storage import load, save
from tests.models.recommenders.world import (
    CUSTOMERS,
    ITEMS,
    UNTIL,
    VARIATIONS,
    checkerboard,
    query,
    random_queries,
    random_shop,
    reordered,
)

SHOP = random_shop()
QUERIES = random_queries(SHOP, 12)
LONGEST = max(QUERIES, key=lambda one: len(one.days))
EVERY = pytest.mark.parametrize("recipe", VARIATIONS.values(), ids=list(VARIATIONS))
# Vectors of ALS and SASRec start at random, so twins end up near each other, not equal.
WITHOUT_CHANCE = pytest.mark.parametrize(
    "recipe",
    [recipe for name, recipe in VARIATIONS.items() if not any(part in name for part in ("als", "sasrec", "three"))],
    ids=repr,
)
# Those pruned to fewer neighbours than a taste has products cannot know all of it.
PERSONAL = pytest.mark.parametrize(
    "recipe",
    [
        VARIATIONS[name]
        for name in (
            "rp3beta",
            "als",
            "fallback",
            "rp3beta new only",
            "als small",
            "item_item",
            "ease",
            "bought_together",
            "sequence_rules",
            "session_knn",
            "blend",
        )
    ],
    ids=repr,
)
LINEAR = {
    "sequence_rules",
    "session_knn",
    "recently_viewed",
    "buy_again",
    "content",
    "rp3beta",
    "als",
    "item_item",
    "ease",
    "bought_together",
}
"""Sources whose contributions sum to the score."""
IMPERSONAL = {"popularity", "trending", "new"}
"""Sources in which the history has no part: they answer strangers."""
CHAINED = {"fallback", "suite"}
"""Recipes that ask one source after another, so that scores compare within a source only."""
FOR_STRANGERS = IMPERSONAL | {"category_popularity"}
"""Sources that answer whoever has no history."""
OWN = {"recently_viewed", "buy_again"}
"""Recipes that answer with products of the history alone, and say of no product what is like it."""
RANKED = {"two_stage"}
"""Recipes that answer strangers as their sources do, and give what sources propose a score of their own."""
RELATIVE = CHAINED | {"blend"}
"""Recipes whose scores depend on what else is allowed: a blend's are shares among it."""
_FITTED: dict[Recommender, FittedRecommender] = {}


def fitted(recipe: Recommender) -> FittedRecommender:
    """Fitted on SHOP, once for all laws."""
    if recipe not in _FITTED:
        _FITTED[recipe] = recipe.fit(SHOP)
    return _FITTED[recipe]


def same(one: Ranking, other: Ranking) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))


def close(one: Ranking, other: Ranking, names: dict[str, str] | None = None) -> None:
    """Each row gives the same products the same scores; only where scores are equal may the order differ."""
    for row in range(len(one.ids)):
        mine = {((names or {}).get(id_, id_), source): score for id_, score, source in one.row(row)}
        its = {(id_, source): score for id_, score, source in other.row(row)}
        assert mine.keys() == its.keys()
        for key, score in mine.items():
            assert its[key] == pytest.approx(score, rel=2e-3, abs=2e-5), key


@EVERY
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_what_is_excluded_never_appears_and_filters_come_before_the_top(recipe: Recommender, data: Any) -> None:
    model = fitted(recipe)
    k = data.draw(st.integers(1, ITEMS + 3))
    bits = data.draw(st.lists(st.booleans(), min_size=2 * ITEMS, max_size=2 * ITEMS))
    allow = np.array(bits, bool).reshape(2, ITEMS)
    queries = [LONGEST, QUERIES[0]]
    answer = model.recommend(queries, k, allow)
    assert answer.ids.shape == (2, k)
    for row in range(2):
        assert same(model.recommend([queries[row]], k, allow[row]), model.recommend([queries[row]], k, allow[[row]]))
        mask = dict(zip(model.item_ids, allow[row], strict=True))
        given_ids = [id_ for id_, _, _ in answer.row(row)]
        assert all(mask[id_] for id_ in given_ids)
        assert len(set(given_ids)) == len(given_ids)
    if recipe.name not in RELATIVE:
        full = model.recommend(queries, ITEMS)
        for row in range(2):
            mask = dict(zip(model.item_ids, allow[row], strict=True))
            assert answer.row(row) == [entry for entry in full.row(row) if mask[entry[0]]][:k]


@EVERY
def test_a_batch_answers_as_its_queries_one_by_one(recipe: Recommender) -> None:
    model = fitted(recipe)
    batch = model.recommend(QUERIES, 7)
    for row, one in enumerate(QUERIES):
        assert model.recommend([one], 7).row(0) == batch.row(row)


@EVERY
def test_best_first_and_ties_by_id_within_a_source(recipe: Recommender) -> None:
    board, queries = checkerboard(12)
    for model, asked in ((fitted(recipe), QUERIES), (recipe.fit(board), queries)):
        answer = model.recommend(asked, ITEMS)
        for row in range(len(asked)):
            entries = answer.row(row)
            for (id_, score, source), (next_id, next_score, next_source) in pairwise(entries):
                if source == next_source:
                    assert score > next_score or (score == next_score and id_ < next_id)
            padding = answer.ids[row, len(entries) :]
            assert all(id_ is None for id_ in padding)
            assert np.isneginf(answer.scores[row, len(entries) :]).all()


@WITHOUT_CHANCE
def test_twins_are_answered_in_the_order_of_their_ids(recipe: Recommender) -> None:
    twins = np.tile(np.arange(6, dtype=np.int32), 4)
    data = Interactions(
        customers=np.repeat(np.arange(4, dtype=np.int32), 6),
        items=twins,
        days=np.full(24, UNTIL - 2),
        weights=np.ones(24),
        item_ids=np.array(list("abcdef"), object),
        customer_count=4,
        until=UNTIL,
        catalogue=Catalogue(UNTIL, np.array(list("abcdef"), object), {"title": np.array(["Tea"] * 6, object)}),
    )
    allow = np.array([False, True, True, True, True, True])
    answer = recipe.fit(data).recommend([query(["a"])], 3, allow)
    assert [id_ for id_, _, _ in answer.row(0)] == ([] if recipe.name in OWN else ["b", "c", "d"])


@EVERY
def test_relabelling_the_products_changes_nothing_but_names(recipe: Recommender) -> None:
    rng = np.random.default_rng(5)
    names = dict(zip(SHOP.item_ids, (f"n{place:02d}" for place in rng.permutation(ITEMS)), strict=True))
    item_ids = np.array(sorted(names.values()), object)
    codes = np.array([np.searchsorted(item_ids, names[id_]) for id_ in SHOP.item_ids], np.int32)
    catalogue = replace(
        SHOP.catalogue,
        item_ids=item_ids,
        texts={name: column[np.argsort(codes)] for name, column in SHOP.catalogue.texts.items()},
        numbers={name: column[np.argsort(codes)] for name, column in SHOP.catalogue.numbers.items()},
    )
    relabelled = replace(SHOP, items=codes[SHOP.items], item_ids=item_ids, catalogue=catalogue)
    asked = [
        replace(one, history_ids=np.array([names.get(id_, id_) for id_ in one.history_ids], object)) for one in QUERIES
    ]
    close(fitted(recipe).recommend(QUERIES, ITEMS), recipe.fit(relabelled).recommend(asked, ITEMS), names)


@EVERY
def test_the_order_of_the_interactions_does_not_matter(recipe: Recommender) -> None:
    order = np.random.default_rng(2).permutation(len(SHOP.items))
    mine, its = fitted(recipe).arrays(), recipe.fit(reordered(SHOP, order)).arrays()
    assert mine.keys() == its.keys()
    for name, array in mine.items():
        assert np.array_equal(array, its[name]), name


@EVERY
def test_the_order_of_a_history_does_not_matter(recipe: Recommender) -> None:
    for one in QUERIES:
        order = np.random.default_rng(3).permutation(len(one.days))
        shuffled = replace(one, history_ids=one.history_ids[order], days=one.days[order], weights=one.weights[order])
        assert same(fitted(recipe).recommend([one], 9), fitted(recipe).recommend([shuffled], 9))


@EVERY
def test_no_customer_is_stored(recipe: Recommender) -> None:
    model = fitted(recipe)
    for name, array in model.arrays().items():
        assert CUSTOMERS not in array.shape, name
    permuted = replace(SHOP, customers=np.random.default_rng(4).permutation(CUSTOMERS).astype(np.int32)[SHOP.customers])
    close(model.recommend(QUERIES, ITEMS), recipe.fit(permuted).recommend(QUERIES, ITEMS))


@EVERY
def test_saving_and_loading_changes_nothing(recipe: Recommender, tmp_path: Path) -> None:
    model = fitted(recipe)
    save(recipe, model, tmp_path / "new" / "folder")
    restored, loaded = load(tmp_path / "new" / "folder")
    assert restored == recipe
    assert (loaded.name, loaded.until) == (model.name, model.until)
    assert same(model.recommend(QUERIES, 9), loaded.recommend(QUERIES, 9))
    assert same(model.similar(list(model.item_ids[:5]), 9), loaded.similar(list(model.item_ids[:5]), 9))


@EVERY
def test_over_more_products_the_answers_about_the_old_ones_stay(recipe: Recommender, tmp_path: Path) -> None:
    """Nothing is said about the new ones, so nobody has a reason to show them."""
    model = fitted(recipe)
    new = np.array(["0 before all", "b11 between", "я after all"], object)
    wider = model.extended(Catalogue(UNTIL, new))
    assert wider.item_ids.tolist() == sorted([*model.item_ids, *new])
    close(model.recommend(QUERIES, ITEMS + 3), wider.recommend(QUERIES, ITEMS + 3))
    close(model.similar(list(SHOP.item_ids), ITEMS), wider.similar(list(SHOP.item_ids), ITEMS))
    shown = [id_ for id_, _, _ in model.recommend([LONGEST], 5).row(0)]
    assert wider.contributions(LONGEST, shown) == pytest.approx(model.contributions(LONGEST, shown), rel=1e-6, abs=1e-6)
    save(recipe, wider, tmp_path)
    assert same(load(tmp_path)[1].recommend(QUERIES, 9), wider.recommend(QUERIES, 9))
    again = wider.extended(Catalogue(UNTIL, new[:2]))
    assert same(again.recommend(QUERIES, 9), wider.recommend(QUERIES, 9))


@EVERY
def test_a_refit_equals_a_fresh_fit(recipe: Recommender) -> None:
    recipe.fit(random_shop(seed=9))
    again = type(recipe)(**{field.name: getattr(recipe, field.name) for field in fields(recipe)})  # type: ignore[arg-type]
    for name, array in recipe.fit(SHOP).arrays().items():
        assert np.array_equal(array, again.fit(SHOP).arrays()[name]), name


@EVERY
@pytest.mark.parametrize("history", [[], ["unknown"], ["unknown", "also unknown"]])
def test_a_history_that_says_nothing_gets_an_answer(recipe: Recommender, history: list[str]) -> None:
    answer = fitted(recipe).recommend([query(history)], 5)
    assert answer.ids.shape == (1, 5)
    assert fitted(recipe).contributions(query(history), list(SHOP.item_ids[:3])).shape == (len(history), 3)
    if recipe.name in CHAINED | RANKED | FOR_STRANGERS:
        assert [source in FOR_STRANGERS for _, _, source in answer.row(0)] == [True] * 5
    else:
        assert answer.row(0) == []


@EVERY
def test_a_shop_without_interactions_gets_back_what_the_customer_has_at_most(recipe: Recommender) -> None:
    nobody = replace(
        SHOP,
        customers=SHOP.customers[:0],
        items=SHOP.items[:0],
        days=SHOP.days[:0],
        weights=SHOP.weights[:0],
        customer_count=0,
        catalogue=Catalogue.bare(),
    )
    for data in (nobody, replace(nobody, item_ids=SHOP.item_ids[:0])):
        model = recipe.fit(data)
        answer = model.recommend(QUERIES, 3)
        for row, one in enumerate(QUERIES):
            assert {id_ for id_, _, _ in answer.row(row)} <= set(one.history_ids)
        assert model.similar(["x"], 2).ids.tolist() == [[None, None]]


@EVERY
def test_contributions_sum_to_the_score(recipe: Recommender) -> None:
    model = fitted(recipe)
    answer = model.recommend(QUERIES, ITEMS)
    for row, one in enumerate(QUERIES):
        entries = answer.row(row)
        added = model.contributions(one, [id_ for id_, _, _ in entries])
        assert added.shape == (len(one.history_ids), len(entries))
        assert not added[one.history_ids == "never seen"].any()
        for total, (_, score, source) in zip(added.sum(axis=0), entries, strict=True):
            if source in LINEAR and model.name not in RANKED:
                assert total == pytest.approx(score, rel=1e-4, abs=1e-5)
            elif source in IMPERSONAL:
                assert total == 0


@EVERY
def test_similar_products_leave_out_the_product_itself(recipe: Recommender) -> None:
    model = fitted(recipe)
    asked = [*SHOP.item_ids, "never seen"]
    allow = np.random.default_rng(6).random(ITEMS) < 0.7
    answer = model.similar(asked, ITEMS, allow)
    mask = dict(zip(model.item_ids, allow, strict=True))
    for row, id_ in enumerate(asked):
        near = [other for other, _, _ in answer.row(row)]
        assert id_ not in near
        assert all(mask[other] for other in near)
    assert answer.row(len(asked) - 1) == []
    assert any(answer.row(row) for row in range(ITEMS)) == (recipe.name not in OWN)


@EVERY
def test_asked_years_later_it_still_answers(recipe: Recommender) -> None:
    """Imported history is years old when the service is asked; nothing may fade into nothing."""
    model = fitted(recipe)
    answer = model.recommend([replace(LONGEST, day=UNTIL + 3_650)], 5)
    assert len(answer.row(0)) == (len(model.recommend([LONGEST], 5).row(0)) if recipe.name in OWN else 5)
    assert all(np.isfinite(score) and score != 0 for _, score, _ in answer.row(0))


@EVERY
def test_a_mask_of_another_catalogue_is_refused(recipe: Recommender) -> None:
    with pytest.raises(ValueError, match=f"the model has {ITEMS}"):
        fitted(recipe).recommend([LONGEST], 3, np.ones(ITEMS + 1, bool))


@PERSONAL
def test_the_hidden_product_of_ones_own_taste_comes_first(recipe: Recommender) -> None:
    """Taste is a checkerboard (the oracle of implicit's own tests); the one product not bought must be foreseen."""
    board, queries = checkerboard()
    model = recipe.fit(board)
    for customer, one in enumerate(queries):
        allow = ~np.isin(board.item_ids, one.history_ids)
        (best,) = model.recommend([one], 1, allow).row(0)
        assert best[0] == board.item_ids[customer]


def test_queries_with_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="found 1 ids, 0 days, 0 weights"):
        Query(day=UNTIL, history_ids=np.array(["a"], object))
