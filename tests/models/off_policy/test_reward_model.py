"""The reward model: it sees no customer whom it is asked about, learns what is there, and knows how sure it is."""

import numpy as np
import pytest

from models.off_policy.base import Evidence
from models.off_policy.direct import Direct
from models.off_policy.doubly_robust import DoublyRobust
from models.off_policy.reward_model import RewardModel
from models.policies.logged import LoggedDecisions
from tests.models.off_policy.world import floored, shop


def _changed(log, **parts):
    return LoggedDecisions(**{**log.__dict__, **parts})


def test_predictions_of_a_fold_do_not_follow_its_own_rewards():
    values, _, log = shop(np.random.default_rng(0), 3_000)
    target, folds = floored(values, log.eligible), np.arange(3_000) % 3
    rewards = log.rewards.copy()
    before = RewardModel().cross_fitted(log, target, folds).predicted
    inside = np.repeat(folds == 0, 9)
    order = np.flatnonzero(folds == 0)
    rewards[order] = rewards[np.random.default_rng(1).permutation(order)]
    after = RewardModel().cross_fitted(_changed(log, rewards=rewards), target, folds).predicted
    moved = np.abs(after - before)
    assert moved[inside].mean() < 0.2 * moved[~inside].mean()


def test_it_finds_what_was_planted_and_errs_less_than_the_mean():
    values, _, log = shop(np.random.default_rng(2), 12_000)
    target = floored(values, log.eligible)
    found = RewardModel().cross_fitted(log, target, np.arange(12_000) % 4)
    assert np.corrcoef(found.predicted, values)[0, 1] > 0.9
    flat = log.rewards.mean() - values
    assert np.abs(found.predicted - values).mean() < 0.5 * np.abs(flat).mean()
    assert abs(log.eligible.total(target * (found.predicted - values)).mean()) < 0.02


def test_its_own_error_is_part_of_the_interval():
    """The direct method taken for the truth is far too sure of itself; with what the model carries it is not."""
    apart, bare, whole = [], [], []
    for seed in range(40):
        values, _, log = shop(np.random.default_rng(100 + seed), 1_200)
        target = floored(values, log.eligible)
        fitted = RewardModel().cross_fitted(log, target, np.arange(1_200) % 3)
        for estimator in (Direct(), DoublyRobust(2.0)):
            scores = estimator.scores(Evidence(log, target, fitted.predicted))
            full = scores.contributions + fitted.carried(scores.corrections)
            apart.append(scores.value - log.eligible.total(target * values).mean())
            bare.append(scores.contributions.std() / np.sqrt(1_200))
            whole.append(full.std() / np.sqrt(1_200))
    apart, bare, whole = (np.array(each).reshape(-1, 2) for each in (apart, bare, whole))
    assert (np.abs(apart[:, 0]) < 1.96 * bare[:, 0]).mean() < 0.6
    covered = (np.abs(apart) < 1.96 * whole).mean(axis=0)
    assert (covered > 0.85).all()
    assert (whole.mean(axis=0) < 1.6 * apart.std(axis=0)).all()


def test_what_shrinkage_may_miss_is_less_the_less_a_value_leans_on_the_model_and_the_more_is_known():
    doubts = []
    for customers in (1_000, 8_000):
        values, _, log = shop(np.random.default_rng(7), customers)
        target = floored(values, log.eligible)
        fitted = RewardModel().cross_fitted(log, target, np.arange(customers) % 4)
        weights = target[log.chosen] / log.propensities
        doubts.append([np.linalg.norm(fitted.doubt(np.minimum(weights, clip))) for clip in (0.0, 2.0, 5.0)])
    few, many = np.array(doubts)
    assert (np.diff(few) < 0).all()
    assert (np.diff(many) < 0).all()
    assert (many < 0.5 * few).all()


def test_what_chance_does_and_what_shrinkage_may_miss_are_the_posterior_variance():
    values, _, log = shop(np.random.default_rng(8), 3_000)
    fitted = RewardModel().cross_fitted(log, floored(values, log.eligible), np.arange(3_000) % 10)
    nothing = np.zeros(3_000)
    lean, inverse = fitted.asked.sum(axis=0), np.mean(fitted.inverses, axis=0)
    posterior = (fitted.residuals**2 / fitted.means).mean() * lean @ inverse @ lean
    chance, missed = (fitted.carried(nothing) ** 2).sum(), ((3_000 * fitted.doubt(nothing)) ** 2).sum()
    assert chance + missed == pytest.approx(posterior, rel=0.3), "the noise is not the same everywhere"
    assert missed > 0.03 * posterior


def test_rewards_that_are_not_positive_on_average_get_a_plain_mean():
    values, _, log = shop(np.random.default_rng(3), 300)
    poor = _changed(log, rewards=log.rewards - 5.0)
    found = RewardModel().cross_fitted(poor, floored(values, log.eligible), np.arange(300) % 2)
    costs = log.eligible.numbers[:, 2]
    assert found.predicted + costs == pytest.approx(poor.rewards.mean(), abs=0.2)
    assert (found.carried(np.ones(300)) == 0).all()


def test_other_outcomes_may_be_asked_about():
    values, _, log = shop(np.random.default_rng(4), 4_000)
    left = (np.arange(4_000) % 50 == 0).astype(float)
    found = RewardModel().cross_fitted(log, floored(values, log.eligible), np.arange(4_000) % 2, left)
    assert found.predicted.mean() == pytest.approx(0.02, abs=0.01)


def test_missing_contexts_and_rare_labels_are_answered():
    values, _, log = shop(np.random.default_rng(5), 1_000)
    known = log.contexts.values.copy()
    known[::3, 0] = np.nan
    known[:, 1] = np.nan
    holes = _changed(log, contexts=type(log.contexts)(log.contexts.names, known))
    found = RewardModel().cross_fitted(holes, floored(values, log.eligible), np.arange(1_000) % 2)
    assert np.isfinite(found.predicted).all()


def test_a_customer_in_two_folds_is_refused():
    values, _, log = shop(np.random.default_rng(6), 100, decisions_each=2)
    with pytest.raises(ValueError, match="in two folds"):
        RewardModel().cross_fitted(log, floored(values, log.eligible), np.arange(100) % 2)
    with pytest.raises(ValueError, match="two folds"):
        RewardModel().cross_fitted(log, floored(values, log.eligible), np.zeros(100, np.int64))
