import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.rules.relevance import never_rising, share_of_best

scored = st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from(["a", "b"])), max_size=15)


@given(scored)
def test_a_share_lies_between_nothing_and_the_best_of_its_source(scored):
    scores, sources = np.array([score for score, _ in scored]), [source for _, source in scored]
    share = share_of_best(scores, sources)
    assert ((share >= 0) & (share <= 1)).all()
    for name in set(sources):
        own = np.array([source == name for source in sources])
        assert share[own].max() == 1
        order = np.argsort(scores[own])
        assert (np.diff(share[own][order]) >= 0).all()


@given(scored)
def test_the_order_of_the_models_stands_and_nothing_is_nothing(scored):
    share = share_of_best(np.array([score for score, _ in scored]), [source for _, source in scored])
    found = never_rising(share)
    assert (np.diff(found) <= 0).all()
    assert (found > 0).all()
