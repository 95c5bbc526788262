"""What the ranker sees: named columns that do not depend on who else is a candidate."""

from dataclasses import replace

import numpy as np
import pytest

from models.arrays import Floats
from models.catalogue import Catalogue
from models.recommenders.base import Query
from models.recommenders.candidates import Candidates
from models.recommenders.own_history import OwnHistories
from models.recommenders.product_facts import FACTS as FACT_NAMES
from models.recommenders.product_facts import ProductFacts
from models.recommenders.ranker_features import Columns, Matrix, names
from tests.models.recommenders.world import ITEMS, UNTIL, query, random_queries, random_shop

SHOP = random_shop()
FACTS = ProductFacts.of(SHOP)
CODES = {id_: code for code, id_ in enumerate(SHOP.item_ids)}
RNG = np.random.default_rng(0)
SCORES = [np.where(RNG.random(ITEMS) < 0.7, RNG.random(ITEMS), -np.inf) for _ in range(2)]
NAMES = names(("walk", "popular"))


ASKED = [one for one in random_queries(SHOP, 12) if len(one.history_ids) > 3]


def histories(queries: list[Query], width: int = ITEMS) -> OwnHistories:
    codes = [np.array([CODES.get(id_, -1) for id_ in one.history_ids], np.int32) for one in queries]
    return OwnHistories.of(queries, codes, width)


def seen(
    codes: list[int], index: int = 0, scores: list[Floats] = SCORES, facts: ProductFacts = FACTS, width: int = ITEMS
) -> Matrix:
    """The rows of one customer's candidates."""
    return Columns(facts, len(scores)).matrix(candidates([codes], scores), histories([ASKED[index]], width))


def candidates(codes: list[list[int]], scores: list[Floats] = SCORES) -> Candidates:
    owners = np.repeat(np.arange(len(codes)), [len(each) for each in codes])
    together = np.concatenate([np.array(each, np.int64) for each in codes])
    highest = np.array([[each.max()] * len(codes) for each in scores])
    return Candidates(owners, together, np.stack([each[together] for each in scores]), highest)


ALL = list(range(ITEMS))


def test_every_column_has_a_name_of_its_own() -> None:
    rows = seen(ALL)
    assert rows.shape == (ITEMS, len(NAMES))
    assert len(set(NAMES)) == len(NAMES)


def test_a_row_is_the_same_whoever_else_is_a_candidate() -> None:
    whole = seen(ALL, 1)
    for chosen in ([3], [0, 5, 7], [ITEMS - 1]):
        assert np.array_equal(seen(chosen, 1), whole[chosen], equal_nan=True)


def test_a_row_is_the_same_whoever_else_asks() -> None:
    chosen = [[3], ALL, [0, 5, 7], [ITEMS - 1]]
    together = Columns(FACTS, 2).matrix(candidates(chosen), histories(ASKED[:4]))
    alone = [seen(codes, index) for index, codes in enumerate(chosen)]
    assert np.array_equal(together, np.concatenate(alone), equal_nan=True)


def test_a_source_that_says_nothing_leaves_its_columns_open() -> None:
    rows = seen(ALL)
    assert np.array_equal(np.isnan(rows[:, NAMES.index("walk_score")]), np.isneginf(SCORES[0]))
    assert np.nanmax(rows[:, NAMES.index("popular_relative")]) == pytest.approx(1, rel=1e-3)


def test_the_last_digits_of_a_score_decide_nothing() -> None:
    noisy = [scores * (1 + 1e-7) for scores in SCORES]
    one, other = (seen(ALL, scores=scores) for scores in (SCORES, noisy))
    assert (one == other)[~np.isnan(one)].mean() > 0.999


def test_categories_tell_of_purchases_of_other_products_in_them() -> None:
    """Products 0, 3, 6 ... are of one leaf, 1, 4, 7 ... of another below the same branch."""
    rows = Columns(FACTS, 2).matrix(candidates([[1, 2, 6]]), histories([query(SHOP.item_ids[[0, 3]])]))
    leaf, branch = NAMES.index("leaf_products"), NAMES.index("branch_products")
    assert rows[:, leaf].tolist() == [0, 0, 2]
    assert rows[:, branch].tolist() == [2, 0, 2]
    assert np.isnan(rows[1, NAMES.index("leaf_since")])
    assert rows[2, NAMES.index("leaf_since")] == pytest.approx(1, abs=1)


def test_a_shop_without_categories_leaves_them_open() -> None:
    facts = ProductFacts.of(replace(SHOP, catalogue=type(SHOP.catalogue).bare()))
    rows = seen(ALL, facts=facts)
    columns = [place for place, name in enumerate(NAMES) if name.startswith(("leaf_", "branch_"))]
    assert np.isnan(rows[:, columns]).all()


def test_what_is_not_known_of_a_product_is_open() -> None:
    wide = FACTS.extended(SHOP.item_ids, Catalogue(UNTIL, np.array(["яяя"], object)))
    scores = [np.append(each, 1.0) for each in SCORES]
    row = seen([ITEMS], scores=scores, facts=wide, width=ITEMS + 1)[0]
    assert np.isnan(row[[NAMES.index(name) for name in FACT_NAMES]]).all()
    assert not np.isinf(row).any()
