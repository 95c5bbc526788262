from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from features.catalog import Product
from models.catalogue import Catalogue
from serving.rules.arrange import arrange
from serving.rules.candidates import Candidate
from serving.rules.columns import Columns
from serving.rules.exploration import draw, inclusion, positions
from serving.rules.page import Page
from serving.rules.rules import Explore, Pin, Rules
from tests.serving.rules.shop import DAY

DRAWS = 500
weights = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30).map(np.array)


@given(weights, st.just(0.0) | st.floats(1e-6, 40))
def test_probabilities_sum_to_what_is_expected_and_follow_the_weights(weights, expected):
    found = inclusion(weights, expected)
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert found.sum() == pytest.approx(min(expected, len(weights)))
    uncertain = found < 1
    if found[uncertain].any():
        np.testing.assert_allclose(
            found[uncertain] / found[uncertain].max(), weights[uncertain] / weights[uncertain].max()
        )


@given(weights, st.floats(0, 5), st.integers(0, 1_000))
def test_as_many_are_drawn_as_expected_to_the_next_whole_number(weights, expected, seed):
    probabilities = inclusion(weights, expected)
    drawn = draw(probabilities, np.random.default_rng(seed))
    total = probabilities.sum()
    assert np.floor(total - 1e-9) <= len(drawn) <= np.ceil(total + 1e-9)
    assert len(set(drawn.tolist())) == len(drawn)


@given(st.integers(1, 30), st.integers(1, 30))
def test_positions_are_free_and_different_and_in_the_lower_half_if_it_has_room(count, size):
    free = [2 * place for place in range(1, size + 1)]
    found = positions(min(count, size), free)
    assert len(set(found)) == min(count, size)
    assert set(found) <= set(free)
    if count <= size // 2:
        assert min(found) > size


@pytest.mark.parametrize(
    ("rules", "limit"),
    [
        (Rules(explore=Explore(0.05)), 10),
        (Rules(explore=Explore(0.25)), 10),
        (Rules(explore=Explore(0.9)), 10),
        (Rules(explore=Explore(0.3), caps={"brand": 1}), 10),
        (Rules(explore=Explore(0.3), pin=(Pin(9, "new03"),), diversity=0.5), 10),
    ],
)
def test_logged_propensities_are_the_frequencies_of_being_explored(rules, limit):
    columns, found = _shop()
    times, logged = Counter[str](), {}
    for seed in range(DRAWS):
        page = Page(DAY, seed=seed)
        for slot in arrange(rules, page, columns, found, limit):
            if slot.explored:
                times[slot.item_id] += 1
                assert logged.setdefault(slot.item_id, slot.propensity) == slot.propensity
    surprise, freedom = 0.0, 0
    for id_, propensity in logged.items():
        if propensity > 1 - 1e-9:
            assert times[id_] == DRAWS
            continue
        deviation = times[id_] - DRAWS * propensity
        surprise += deviation**2 / (DRAWS * propensity * (1 - propensity))
        freedom += 1
    assert freedom or rules.explore.share == 0.9
    assert surprise < chi2.ppf(1 - 1e-5, max(freedom, 1))
    expected = min(rules.explore.share * limit, 1.0 if rules.caps else np.inf)
    assert sum(logged.values()) == pytest.approx(min(expected, len(logged)))
    assert all(id_.startswith("new") for id_ in logged)


def test_what_would_stand_there_anyway_and_what_is_not_new_is_not_explored():
    columns, found = _shop()
    leading = [Candidate("new00", 9.0, "als"), *found]
    explored = set()
    for seed in range(200):
        slots = arrange(Rules(explore=Explore(0.3)), Page(DAY, seed=seed), columns, leading, 5)
        explored |= {slot.item_id for slot in slots if slot.explored}
    assert explored == {f"new{code:02d}" for code in range(1, 8)}


def test_a_department_that_the_candidates_come_from_is_explored_more_and_none_is_left_out():
    columns, found = _shop()
    slots = [
        slot
        for seed in range(300)
        for slot in arrange(Rules(explore=Explore(0.1)), Page(DAY, seed=seed), columns, found, 10)
    ]
    chances = {slot.item_id: slot.propensity for slot in slots if slot.explored}
    assert len(chances) == 8
    assert min(chances["new00"], chances["new02"]) > 2 * max(chances["new01"], chances["new03"]) > 0


def _shop():
    """20 old products of tea, and 8 new ones of tea and of tyres by turns, two of each brand; two not yet sold."""
    old = [Product(product_id=f"old{code:02d}", category="tea", brand=f"b{code}") for code in range(20)]
    new = [
        Product(product_id=f"new{code:02d}", category=("tea", "tyres")[code % 2], brand=f"n{code // 2}")
        for code in range(10)
    ]
    ids = np.array([product.product_id for product in (*new, *old)], object)
    since = np.array([*np.full(8, DAY - 3), DAY + 1, DAY - 31, *np.full(20, DAY - 500)])
    columns = Columns.build(
        ids, {product.product_id: product for product in (*new, *old)}, Catalogue(DAY, ids, numbers={"since": since})
    )
    return columns, [Candidate(product.product_id, 9.0 - place / 9, "als") for place, product in enumerate(old)]
