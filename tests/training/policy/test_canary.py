"""The canary: promotes what is better, rolls back what is worse, and is seldom wrong however often one looks."""

import numpy as np
import pytest

from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions
from tests.models.off_policy.world import floored, shop
from training.policy.canary import Canary
from training.policy.power import of_comparison, of_log, provable
from training.policy.value import Compared, value


def _trial(seed, lift, customers=4_000, share=0.3, each=2):
    """A log of customers who come every few minutes, decide twice, and the candidate's among them."""
    rng = np.random.default_rng(seed)
    treated = rng.random(customers) < share
    who = np.repeat(np.arange(customers), each)
    n = len(who)
    eligible = Eligible.of([[({}, {})]]).take(np.zeros(n, np.int64))
    rewards = (rng.random(n) < 0.1 + lift * treated[who]).astype(float)
    log = LoggedDecisions(
        Contexts.of([{}] * n),
        eligible,
        np.arange(n),
        np.ones(n),
        rewards,
        np.ones(n, bool),
        who,
        who,
        np.tile(np.arange(1, each + 1), customers),
        who * 0.01 + np.tile(np.arange(each), customers) * 2.0,
    )
    return log, treated[who]


def test_better_is_promoted_worse_is_rolled_back_and_the_rest_goes_on():
    canary = Canary(share=0.3)
    impatient = Canary(share=0.3, patience=3_000)
    for judge, effect, outcome, code in (
        (canary, 0.06, "promote", "canary_better"),
        (canary, -0.06, "roll back", "canary_worse"),
        (canary, 0.0, "go on", "canary_open"),
        (impatient, 0.0, "roll back", "canary_alike"),
    ):
        found = judge.judge(*_trial(0, effect), now=100.0)
        assert (found.outcome, found.finding.code) == (outcome, code)
        assert found.finding.figures["customers"] == found.customers


def test_looking_at_it_each_day_promotes_what_is_no_better_seldom():
    wrong = 0
    for seed in range(40):
        log, candidate = _trial(seed, 0.0, customers=2_000)
        looks = [Canary(share=0.3).judge(log, candidate, now).outcome for now in range(14, 38, 3)]
        wrong += any(outcome != "go on" for outcome in looks)
    assert wrong <= 5


def test_customers_count_once_their_days_are_over_and_never_change_after():
    log, candidate = _trial(1, 0.1)
    early = Canary(share=0.3).judge(log, candidate, 20.0)
    assert early.customers == ((log.at[::2] + 14.0) <= 20.0).sum()
    later = log.rewards.copy()
    later[log.at > 20.0] = 99.0
    changed = LoggedDecisions(**{**log.__dict__, "rewards": later})
    assert Canary(share=0.3).judge(changed, candidate, 20.0).difference == early.difference
    nobody = Canary(share=0.3).judge(log, candidate, 1.0)
    assert (nobody.outcome, nobody.finding.code) == ("go on", "canary_nobody")
    open_ = LoggedDecisions(**{**log.__dict__, "matured": log.at > 3.0})
    assert Canary(share=0.3).judge(open_, candidate, 20.0).customers < early.customers


def test_nobody_overtakes_a_customer_who_does_not_count_yet():
    """Or what was seen at one look would not be the beginning of what the next one sees."""
    log, candidate = _trial(1, 0.1)
    late = log.customers != 500
    waiting = Canary(share=0.3).judge(LoggedDecisions(**{**log.__dict__, "matured": late}), candidate, 40.0)
    assert waiting.customers == 500
    before = log.customers < 500
    assert waiting.difference == Canary(share=0.3).judge(log.take(before), candidate[before], 40.0).difference
    assert Canary(share=0.3).judge(log, candidate, 40.0).customers > 500


def test_groups_of_the_wrong_size_are_never_promoted():
    log, candidate = _trial(2, 0.2)
    verdict = Canary(share=0.1).judge(log, candidate, 100.0)
    assert verdict.outcome == "roll back"
    assert "were to" in verdict.words
    assert verdict.finding.code == "canary_unequal"


def test_a_customer_in_both_groups_is_an_error():
    log, candidate = _trial(3, 0.0)
    mixed = candidate.copy()
    mixed[0] = ~mixed[0]
    with pytest.raises(ValueError, match="both groups"):
        Canary(share=0.3).judge(log, mixed, 100.0)


def test_what_can_be_proven_shrinks_with_the_root_of_the_traffic():
    found = provable(0.004, 20_000, 0.05)
    assert found.share == pytest.approx(0.199, abs=0.001)
    assert found.after(80_000).uplift == pytest.approx(found.uplift / 2)
    with pytest.raises(ValueError, match="at least one"):
        provable(0.1, 0, 1.0)


def test_power_is_what_the_gate_then_has():
    """An uplift of the size that is said to be provable is found about four times in five."""
    sizes, found = [], []
    for seed in range(24):
        values, logging, log = shop(np.random.default_rng(seed), 1_200)
        target = floored(values, log.eligible)
        valued = value(Compared(log, target, None, logging))
        truth = log.eligible.total((target - logging) * values).mean()
        sizes.append(of_comparison(valued, 1_200).uplift)
        least = valued.chosen.least - truth + sizes[-1]
        found.append(least > 0)
    assert 0.54 <= np.mean(found) <= 0.97


def test_before_any_candidate_a_log_says_what_it_can_prove():
    _, _, log = shop(np.random.default_rng(7), 4_000)
    half = log.take(np.arange(1_000))
    assert of_log(half).uplift == pytest.approx(2 * of_log(log).uplift, rel=0.35)
