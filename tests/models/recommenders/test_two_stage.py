"""The ranker learns what no source knows, and asks nothing of the future."""

from dataclasses import replace

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query
from models.recommenders.buy_again import BuyAgain
from models.recommenders.fallback import Fallback
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.two_stage import FittedTwoStage, TwoStage
from tests.models.recommenders.world import UNTIL, of_lines, random_queries, random_shop

CYCLE = 40
CUSTOMERS, ITEMS = 150, 20
SMALL = TwoStage(horizon=5.0, windows=4, trees=40, leaves=7, smallest_leaf=20)


def punctual() -> Interactions:
    """Everybody takes each of five own products every 40 days, each on a day of its own, and nothing else."""
    rng = np.random.default_rng(3)
    lines = []
    for customer in range(CUSTOMERS):
        products = rng.choice(ITEMS, 5, replace=False)
        phases = rng.integers(CYCLE, size=5)
        lines += [
            (customer, product, UNTIL - 0.5 - age)
            for product, phase in zip(products, phases, strict=True)
            for age in range(phase, 240, CYCLE)
        ]
    return of_lines(lines, np.array([f"{code:02d}" for code in range(ITEMS)], object), CUSTOMERS)


SHOP = punctual()


def asked(customer: int) -> tuple[Query, set[str]]:
    """A customer's question, and the products that fall due within the five days after it."""
    mine = SHOP.customers == customer
    ids, days = SHOP.item_ids[SHOP.items[mine]], SHOP.days[mine]
    due = {id_ for id_ in ids if days[ids == id_].max() < UNTIL + 4.5 - CYCLE}
    return Query(UNTIL, ids, days, np.ones(len(ids))), due


def test_it_learns_that_what_is_due_comes_next_which_its_sources_have_upside_down() -> None:
    model, chain = SMALL.fit(SHOP), Fallback(SMALL.sources).fit(SHOP)
    questions = [(question, due) for question, due in map(asked, range(CUSTOMERS)) if due]
    assert len(questions) > 50
    ranked = sum(model.recommend([question], 1).ids[0, 0] in due for question, due in questions)
    chained = sum(chain.recommend([question], 1).ids[0, 0] in due for question, due in questions)
    assert ranked > 0.9 * len(questions)
    assert chained < 0.3 * len(questions)


def test_the_source_named_is_one_that_speaks_for_the_product_and_its_reasons_are_given() -> None:
    data = random_shop()
    model = TwoStage().fit(data)
    assert isinstance(model, FittedTwoStage)
    walks, popular = model.sources
    for one in random_queries(data, 8):
        for id_, _, source in model.recommend([one], 10).row(0):
            spoken = {entry[0] for entry in walks.recommend([one], 99).row(0)}
            assert source == (walks.name if id_ in spoken else popular.name)
        shown = [id_ for id_, _, _ in model.recommend([one], 5).row(0)]
        if len(one.history_ids):
            assert np.array_equal(model.contributions(one, shown), model.chain.contributions(one, shown))


def test_scores_of_a_source_do_not_move_with_what_else_is_a_candidate() -> None:
    data = random_shop()
    wide, narrow = (TwoStage(depth=depth, others=2).fit(data) for depth in (24, 3))
    assert isinstance(wide, FittedTwoStage)
    assert isinstance(narrow, FittedTwoStage)
    same = replace(narrow, booster=wide.booster)
    for one in random_queries(data, 8):
        known = {id_: score for id_, score, _ in wide.recommend([one], 24).row(0)}
        few = same.recommend([one], 24).row(0)
        assert len(few) <= 5 or not len(one.history_ids)
        for id_, score, _ in few:
            assert score == known[id_]


def test_a_batch_of_known_and_unknown_customers_each_under_a_mask_of_his_own() -> None:
    data = random_shop()
    model = TwoStage().fit(data)
    queries = [*random_queries(data, 50, seed=4), Query(UNTIL)]
    masks = np.random.default_rng(2).random((len(queries), len(data.item_ids))) < 0.5
    masks[3] = False
    together = model.recommend(queries, 6, masks)
    assert any(model.ranks(one) for one in queries)  # type: ignore[attr-defined]
    for row, one in enumerate(queries):
        assert model.recommend([one], 6, masks[row]).row(0) == together.row(row)
    assert together.row(3) == []


def test_without_a_past_the_sources_answer_one_after_another() -> None:
    data = random_shop()
    today = replace(data, days=np.full(len(data.days), UNTIL - 0.5))
    model, chain = TwoStage().fit(today), Fallback().fit(today)
    assert isinstance(model, FittedTwoStage)
    assert model.booster is None
    for one in random_queries(data, 6):
        assert model.recommend([one], 9).row(0) == chain.recommend([one], 9).row(0)


def test_an_import_that_ended_long_ago_is_learned_from_all_the_same() -> None:
    data = random_shop()
    fresh, stale = TwoStage().fit(data), TwoStage().fit(replace(data, until=UNTIL + 3_000))
    assert isinstance(fresh, FittedTwoStage)
    assert isinstance(stale, FittedTwoStage)
    assert fresh.booster is not None
    assert stale.booster is not None
    assert np.array_equal(fresh.booster.text, stale.booster.text)


def test_fewer_questions_are_another_lesson_and_the_same_one_each_time() -> None:
    data = random_shop()
    few = TwoStage(questions=40)
    one, two, all_of_them = few.fit(data), few.fit(data), TwoStage().fit(data)
    for model in (one, two, all_of_them):
        assert isinstance(model, FittedTwoStage)
        assert model.booster is not None
    assert np.array_equal(one.booster.text, two.booster.text)  # type: ignore[attr-defined]
    assert not np.array_equal(one.booster.text, all_of_them.booster.text)  # type: ignore[attr-defined]


def test_a_product_added_later_can_be_ranked_when_a_source_speaks_for_it() -> None:
    """And without one it never shows."""
    data = random_shop()
    text = np.array(["Black tea 3"], object)
    catalogue = Catalogue(
        UNTIL, np.array(["new"], object), {"title": text, "category": np.array(["drinks/tea"], object)}
    )
    plain = TwoStage().fit(data).extended(catalogue)
    assert "new" in plain.item_ids
    assert all("new" not in plain.recommend([one], 30).ids for one in random_queries(data, 8))


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"others": 0}, {"windows": 0}, {"horizon": 0.0}, {"questions": 0}])
def test_settings_that_leave_nothing_to_learn_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="use Fallback to do without"):
        TwoStage(**wrong)  # type: ignore[arg-type]


def test_no_sources_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one source"):
        TwoStage(())


def test_a_source_that_scores_only_its_best_is_refused() -> None:
    data = random_shop()
    with pytest.raises(ValueError, match="scores only its best products"):
        TwoStage((RP3Beta(), Fallback((BuyAgain(), Popularity())))).fit(data)
