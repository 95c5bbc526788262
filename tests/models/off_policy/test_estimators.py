"""Estimators: without bias over every log there can be, and what clipping and models make of that."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.off_policy.base import Evidence
from models.off_policy.direct import Direct
from models.off_policy.doubly_robust import DoublyRobust
from models.off_policy.ips import IPS
from models.off_policy.marginalised import MarginalisedIPS, marginal_weights
from models.off_policy.snips import SNIPS
from models.off_policy.switch import SwitchDR
from models.policies.eligible import Eligible
from tests.models.off_policy.world import MESSAGES, SILENCE, every_log, shop

_EVERY = (IPS(), SNIPS(), Direct(), DoublyRobust(), DoublyRobust(10.0), SwitchDR(), MarginalisedIPS())


def _small(rng):
    eligible = Eligible.of([[SILENCE, *MESSAGES[:2]], [SILENCE, MESSAGES[2]], [*MESSAGES[:3]]])
    rows = len(eligible.codes)
    share = [weights / np.repeat(eligible.total(weights), eligible.counts) for weights in rng.random((2, rows)) + 0.05]
    return eligible, share[0], share[1], rng.normal(size=rows), rng.normal(size=rows)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_ips_and_dr_are_right_on_average_over_every_log_whatever_the_model(seed):
    eligible, logging, target, values, predicted = _small(np.random.default_rng(seed))
    truth = eligible.total(target * values).mean()
    logs = list(every_log(eligible, logging, values))
    assert sum(chance for chance, _ in logs) == pytest.approx(1)
    for estimator in (IPS(), DoublyRobust()):
        found = sum(chance * estimator.scores(Evidence(log, target, predicted)).value for chance, log in logs)
        assert found == pytest.approx(truth)


def test_dr_with_the_right_model_says_the_truth_of_every_log():
    eligible, logging, target, values, _ = _small(np.random.default_rng(1))
    for _, log in every_log(eligible, logging, values):
        for estimator in (DoublyRobust(), DoublyRobust(2.0), Direct(), SwitchDR(1.0)):
            found = estimator.scores(Evidence(log, target, values)).value
            assert found == pytest.approx(eligible.total(target * values).mean())


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_clips_end_at_the_direct_method_and_at_dr(seed):
    eligible, logging, target, values, predicted = _small(np.random.default_rng(seed))
    _, log = next(iter(every_log(eligible, logging, values)))
    evidence = Evidence(log, target, predicted)
    dm, dr = Direct().scores(evidence).value, DoublyRobust().scores(evidence).value
    large = float(evidence.weights.max()) + 1
    assert DoublyRobust(0.0).scores(evidence).value == pytest.approx(dm)
    assert SwitchDR(0.0).scores(evidence).value == pytest.approx(dm)
    assert DoublyRobust(large).scores(evidence).value == pytest.approx(dr)
    assert SwitchDR(large).scores(evidence).value == pytest.approx(dr)


@given(st.integers(0, 10_000), st.floats(-5, 5))
@settings(max_examples=25, deadline=None)
def test_snips_moves_with_a_constant_and_stays_within_the_rewards(seed, constant):
    eligible, logging, target, values, _ = _small(np.random.default_rng(seed))
    _, log = next(iter(every_log(eligible, logging, values)))
    _, moved = next(iter(every_log(eligible, logging, values + constant)))
    found = SNIPS().scores(Evidence(log, target)).value
    assert SNIPS().scores(Evidence(moved, target)).value == pytest.approx(found + constant)
    assert log.rewards.min() - 1e-9 <= found <= log.rewards.max() + 1e-9


def test_who_decided_is_worth_what_it_earned_and_contributions_average_to_the_value():
    _, logging, log = shop(np.random.default_rng(2), 400)
    evidence = Evidence(log, logging, np.zeros(len(logging)), logging)
    for estimator in (IPS(), SNIPS(), DoublyRobust(), DoublyRobust(10.0), MarginalisedIPS()):
        assert estimator.scores(evidence).value == pytest.approx(log.rewards.mean())
    uniform = Evidence(log, np.full(len(logging), 1 / 9), np.full(len(logging), 0.1), logging)
    for estimator in _EVERY:
        scores = estimator.scores(uniform)
        assert scores.contributions.mean() == pytest.approx(scores.value)


def test_what_does_nothing_may_be_marginalised_out_without_bias_and_makes_weights_smaller():
    rng = np.random.default_rng(3)
    eligible, logging, target, *_ = _small(rng)
    values = np.where(eligible.silent, 0.0, 1.0 + eligible.codes[:, 0])
    truth = eligible.total(target * values).mean()
    found = full = part = 0.0
    for chance, log in every_log(eligible, logging, values):
        evidence = Evidence(log, target, logging=logging)
        found += chance * MarginalisedIPS(("channel",)).scores(evidence).value
        full += chance * evidence.weights.var()
        part += chance * marginal_weights(evidence, ("channel",)).var()
    assert found == pytest.approx(truth)
    assert part < full


def test_all_factors_marginalise_nothing():
    _, logging, log = shop(np.random.default_rng(4), 50)
    evidence = Evidence(log, np.full(len(logging), 1 / 9), logging=logging)
    assert marginal_weights(evidence, ("channel", "delay", "hour")) == pytest.approx(evidence.weights)


@pytest.mark.parametrize("broken", [np.full(9, 0.2), np.r_[-0.1, 1.1, np.zeros(7)], np.ones(8) / 8])
def test_what_is_not_a_policy_is_refused(broken):
    _, _, log = shop(np.random.default_rng(5), 1)
    with pytest.raises(ValueError, match="target"):
        Evidence(log, broken)


def test_what_is_missing_is_said():
    _, logging, log = shop(np.random.default_rng(6), 5)
    with pytest.raises(ValueError, match="reward model"):
        Direct().scores(Evidence(log, logging))
    with pytest.raises(ValueError, match="logging"):
        MarginalisedIPS().scores(Evidence(log, logging))
    with pytest.raises(ValueError, match="no factor"):
        MarginalisedIPS(("colour",))
    with pytest.raises(ValueError, match="clipped"):
        DoublyRobust(-1.0)
