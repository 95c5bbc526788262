"""Choosing: the action and its propensity come together, the draw can be made again, and the floors hold."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from models.policies.base import choose, variates
from models.policies.eligible import Eligible
from models.policies.floor import floored

_MAIL, _SMS = ({"channel": "email"}, {}), ({"channel": "sms"}, {})
_WEIGHTS = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), min_size=1, max_size=8)


def _world(weights: list[list[float]]) -> tuple[Eligible, np.ndarray]:
    eligible = Eligible.of([[({}, {}), *([_MAIL, _SMS] * 2)][: len(row)] for row in weights])
    rows = [np.array(row) if sum(row) > 0 else np.ones(len(row)) for row in weights]
    return eligible, np.concatenate([row / row.sum() for row in rows])


@given(_WEIGHTS, st.floats(0, 1, exclude_max=True))
def test_what_is_chosen_is_possible_and_carries_its_own_probability(weights, at):
    eligible, probabilities = _world(weights)
    choice = choose(probabilities, eligible, np.full(len(eligible), at))
    assert (eligible.decisions[choice.rows] == np.arange(len(eligible))).all()
    assert (choice.propensities > 0).all()
    assert (choice.propensities == probabilities[choice.rows]).all()


@given(_WEIGHTS, st.floats(0, 1, exclude_max=True))
def test_a_batch_is_drawn_as_its_decisions_one_by_one(weights, at):
    eligible, probabilities = _world(weights)
    together = choose(probabilities, eligible, np.full(len(eligible), at)).rows - eligible.starts[:-1]
    for number in range(len(eligible)):
        own = probabilities[eligible.starts[number] : eligible.starts[number + 1]]
        alone = choose(own, eligible.take(np.array([number])), np.array([at]))
        assert alone.rows[0] == together[number]


def test_frequencies_are_the_propensities():
    _, probabilities = _world([[0.1, 0.6, 0.05, 0.25]])
    ids = [f"dec_{number}" for number in range(20_000)]
    many = Eligible.of([[({}, {}), _MAIL, _SMS, _MAIL]]).take(np.zeros(len(ids), np.int64))
    at = variates(ids)
    rows = choose(np.tile(probabilities, len(ids)), many, at).rows - many.starts[:-1]
    counts = np.bincount(rows, minlength=4)
    assert chisquare(counts, probabilities * len(ids)).pvalue > 0.001
    assert (variates(ids) == at).all()
    assert len(np.unique(at)) == len(ids)


@given(_WEIGHTS, st.floats(0.01, 0.5), st.floats(0.0, 0.5))
def test_floors_hold_and_the_sum_stays_one(weights, uniform_share, silence):
    eligible, greedy = _world(weights)
    mixed = floored(greedy, eligible, uniform_share, silence)
    assert np.abs(eligible.total(mixed) - 1).max() < 1e-9
    assert (mixed >= uniform_share * (1 - silence) / eligible.counts[eligible.decisions] - 1e-12).all()
    assert (mixed[eligible.silent] >= min(silence, 1.0) - 1e-12).all()
