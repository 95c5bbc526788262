"""The gate: each refusal follows from its cause and from nothing else, and what is worse does not come in."""

import numpy as np
import pytest

from features.reports.finding import Finding
from models.off_policy.intervals import Bounds
from models.policies.logged import LoggedDecisions
from tests.models.off_policy.world import floored, shop
from training.policy.folds import folds_of
from training.policy.gate import Candidate, Harm, Rules, _of_the_estimates, judge
from training.policy.value import Compared, Estimate, Valued

_FRESH = Candidate("fresh", frozen=-1, learned=-1)
_N = 6_000


def _changed(log, **parts):
    return LoggedDecisions(**{**log.__dict__, **parts})


@pytest.fixture(scope="module")
def world():
    """A log, and a policy that is clearly better."""
    values, logging, log = shop(np.random.default_rng(0), _N)
    return values, logging, log, floored(values, log.eligible)


def _judged(world, candidate=_FRESH, log=None, target=None, logging=None, positions=None, **more):
    _, known, itself, better = world
    asked = Compared(log or itself, better if target is None else target, None, known if logging is None else logging)
    verdict = judge(candidate, asked, np.arange(_N) if positions is None else positions, **more)
    assert set(verdict.codes) <= {one.code for one in verdict.findings}, "each refusal has a code with its figures"
    return verdict


def test_what_is_better_is_admitted_and_says_by_how_much(world):
    values, logging, log, target = world
    verdict = _judged(world)
    assert verdict.passed, verdict.words
    assert verdict.codes == ()
    truth = log.eligible.total((target - logging) * values).mean()
    assert verdict.valued.chosen.difference.low < truth < verdict.valued.chosen.difference.high
    assert "admitted to a canary" in verdict.words
    assert [one.code for one in verdict.findings] == ["valued", "admitted"]


def test_a_candidate_that_saw_the_window_is_refused_and_not_even_judged(world):
    verdict = _judged(world, Candidate("leaky", frozen=-1, learned=_N // 2))
    assert verdict.codes == ("candidate_saw_window",)
    assert verdict.valued is None


def test_decisions_from_before_the_freezing_do_not_count(world):
    log = world[2]
    verdict = _judged(world, Candidate("late", frozen=_N // 2, learned=_N // 2))
    assert verdict.decisions == _N - _N // 2 - 1
    rewards = log.rewards.copy()
    rewards[: _N // 2 + 1] = 1000.0
    again = _judged(world, Candidate("late", _N // 2, _N // 2), log=_changed(log, rewards=rewards))
    assert again.valued.chosen == verdict.valued.chosen
    nothing = _judged(world, Candidate("too late", _N, _N))
    assert "too_few_decisions" in nothing.codes


def test_immature_rewards_are_refused_and_never_counted(world):
    log = world[2]
    matured = np.arange(_N) % 10 > 0
    rewards = np.where(matured, log.rewards, 50.0)
    verdict = _judged(world, log=_changed(log, matured=matured, rewards=rewards))
    assert verdict.codes == ("rewards_immature",)
    assert verdict.valued.chosen.value.mean < 1.0
    assert _judged(world, log=_changed(log, matured=matured), rules=Rules(matured=0.85)).passed


def test_propensities_that_were_not_used_are_refused(world):
    log, logging = world[2], world[1]
    told = 0.6 * logging + 0.4 * np.repeat(log.eligible.counts, log.eligible.counts) ** -1.0
    verdict = _judged(world, log=_changed(log, propensities=told[log.chosen]), logging=told)
    assert "propensities_mismatch" in verdict.codes


def test_weights_that_are_not_one_on_average_are_refused(world):
    log = world[2]
    wrong = _changed(log, propensities=np.minimum(1.0, 1.5 * log.propensities))
    asked = Compared(wrong, world[3])
    verdict = judge(_FRESH, asked, np.arange(_N))
    assert "weights_off" in verdict.codes


def test_a_small_effective_sample_is_refused_and_only_that(world):
    assert _judged(world, rules=Rules(effective=_N)).codes == ("small_effective_sample",)


def test_much_clipping_is_refused_and_only_that(world):
    assert _judged(world, rules=Rules(clipped=0.0)).codes == ("clipped_mass",)


def test_harm_is_refused_unless_allowed_and_only_that(world):
    log, target = world[2], world[3]
    liked = target[log.chosen] > 0.5
    left = (liked & (np.arange(_N) % 20 == 0)).astype(float)
    verdict = _judged(world, harms=[Harm("unsubscribed", left, allowed=0.005)])
    assert verdict.codes == ("harm_unsubscribed",)
    assert verdict.harms["unsubscribed"].chosen.difference.low > 0
    assert _judged(world, harms=[Harm("unsubscribed", left, allowed=0.2)]).passed


def test_estimates_of_another_sign_are_refused():
    """The reward model cannot know that a few decisions went badly; plain doubly robust does."""
    values, logging, log = shop(np.random.default_rng(3), _N, sharp=12.0)
    target = floored(values, log.eligible)
    weights = target[log.chosen] / log.propensities
    bad = log.rewards - np.where(weights > 15.0, 4.0, 0.0)
    found = judge(_FRESH, Compared(_changed(log, rewards=bad), target, None, logging), np.arange(_N))
    assert not found.passed
    assert found.valued.of("dr").difference.mean < 0


def test_estimates_that_disagree_by_more_than_chance_are_named_with_the_lowest():
    def said(name: str, mean: float, apart: float = 0.0) -> Estimate:
        bounds = Bounds(mean, mean - 0.01, mean + 0.01)
        return Estimate(name, bounds, bounds, mean - 0.005, apart)

    beside = (said("dr", -0.1, -3.0), said("snips", -0.2, -2.0), said("dm", -0.3, -1.0))
    (refusal,) = _of_the_estimates(Valued(10.0, {}, said("clipped dr", 0.1), beside, 1.0), Rules())
    assert "clipped dr +0.1000, dr -0.1000, snips -0.2000" in refusal.words
    found = Finding.of(refusal.code, refusal.figures, **refusal.names)
    assert (found.code, found.names, found.figures["other"]) == ("estimates_disagree", {"estimator": "snips"}, -0.2)


def test_who_decided_is_no_better_than_itself(world):
    logging = world[1]
    verdict = _judged(world, target=logging)
    assert "not_better" in verdict.codes
    assert abs(verdict.share) < 0.02


def test_the_worse_is_refused_nineteen_times_in_twenty_even_where_it_learned_from_the_log():
    """It likes, in each context, what happened to go well in the very log; half of the times it hides that."""
    passed = hidden = 0
    for seed in range(40):
        rng = np.random.default_rng(500 + seed)
        values, logging, log = shop(rng, 2_000)
        liked = 0.3 * rng.normal(size=len(values)) - 8 * values
        liked[log.chosen] += np.where(log.rewards > 0, 0.5, -0.5)
        target = floored(liked, log.eligible)
        assert log.eligible.total((target - logging) * values).mean() < 0
        learned = 1_999 if seed % 2 else -1
        verdict = judge(Candidate("worse", -1, learned), Compared(log, target, None, logging), np.arange(2_000))
        passed += verdict.passed
        hidden += learned < 0
    assert hidden == 20
    assert passed <= 1


def test_another_opponent_than_who_decided(world):
    _, logging, log, target = world
    verdict = judge(_FRESH, Compared(log, target, target, logging), np.arange(_N))
    assert verdict.codes == ("not_better",)
    assert verdict.valued.chosen.difference.mean == pytest.approx(0.0, abs=1e-12)


def test_the_same_log_gets_the_same_verdict(world):
    assert _judged(world).words == _judged(world).words


def test_folds_are_of_customers_and_about_equal():
    customers = np.random.default_rng(1).integers(0, 300, 2_000)
    folds = folds_of(customers, 5)
    assert len(np.unique(np.column_stack([customers, folds]), axis=0)) == len(np.unique(customers))
    sizes = np.bincount(folds[np.unique(customers, return_index=True)[1]])
    assert sizes.max() - sizes.min() <= 1
    assert (folds_of(customers[::-1], 5)[::-1] == folds).all()
