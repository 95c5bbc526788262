import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.rules.price_rank import price_rank

rows = st.lists(st.tuples(st.sampled_from([1.0, 2.0, 5.0, np.nan]), st.integers(-1, 2)), max_size=20)


@given(rows)
def test_a_rank_is_the_share_of_its_group_that_costs_less_with_ties_half(rows):
    prices = np.array([price for price, _ in rows])
    groups = np.array([group for _, group in rows], np.int32)
    expected = []
    for price, group in rows:
        peers = [other for other, its in rows if its == group and not np.isnan(other)]
        less, same = sum(other < price for other in peers), sum(other == price for other in peers)
        expected.append(np.nan if np.isnan(price) else (less + same / 2) / len(peers))
    np.testing.assert_allclose(price_rank(prices, groups), expected)
