"""The report's values are those of `training.policy`, and on a planted shop they are the truth."""

from datetime import timedelta

import msgspec
import numpy as np
import pytest

from features.decisions import Option
from features.reports.interval import Interval
from features.reports.policy_value import PolicyValue
from models.policies.rule import Message, Rule
from tests.training.policy.planted import MAIL, POINT, START, Planted, hours
from training.policy.dataset import History
from training.policy.power import of_log
from training.policy.value import Compared, value
from training.reports.policy_value import FEWEST, policy_value

LATER = START + timedelta(days=140)
RULE = Rule((Message("email", "24h", "reminder"),)).fit()
SPARE, MAILED = 0.1, 0.4
"""How often a customer buys without and with a mail; an order earns 10, a mail costs 0.1."""


def planted(count: int, seed: int = 0) -> History:
    """The policy mails half of its customers, the rule all, chance half: their values are known."""
    rng, shop = np.random.default_rng(seed), Planted()
    for number in range(count):
        at, key, who = START + hours(number), f"d{number}", f"c{number}"
        arm = ("policy", "policy", "policy", "random", "baseline")[number % 5]
        mail = msgspec.structs.replace(MAIL, send_at=at + hours(24), probability=0.5)
        options = (Option(probability=0.5), mail)
        send = bool(rng.random() < 0.5) or arm == "baseline"
        more = {"policy": "rule", "propensity": 1.0} if arm == "baseline" else {}
        shop.decided(key, who, at, send, options, arm=arm, explored=not send, **more)
        if send:
            shop.sent(key, who, at + hours(24))
        if rng.random() < (MAILED if send else SPARE):
            shop.ordered(who, at + hours(30), "20")
    return shop.history(LATER)


def near(found: Interval, truth: float) -> bool:
    """Within four standard errors: many intervals are looked at here, and each is to hold only 95 times in 100."""
    assert found.mean is not None
    assert found.low is not None
    assert found.high is not None
    return abs(found.mean - truth) < found.high - found.low


@pytest.fixture(scope="module")
def seen() -> History:
    return planted(3_000, seed=1)


@pytest.fixture(scope="module")
def found(seen: History) -> PolicyValue:
    return policy_value(seen, POINT, "cart-policy", "3", RULE, (), LATER)


def test_it_finds_what_the_rule_and_chance_are_worth(found: PolicyValue) -> None:
    rule, chance, live = found.against("rule"), found.against("random"), found.live
    assert rule is not None
    assert chance is not None
    assert live is not None
    truth = {"rule": 10 * MAILED - 0.1, "random": 10 * (MAILED + SPARE) / 2 - 0.05}
    for one in (rule, chance):
        for estimate in one.estimates:
            assert near(estimate.value, truth[one.name])
        assert one.own is not None
        assert near(one.own, truth[one.name])
    assert near(live.value, truth["random"])
    assert rule.estimates[0].policy_above.below
    assert not chance.estimates[0].policy_above.above
    assert rule.share is not None
    assert rule.share.mean == pytest.approx(truth["random"] / truth["rule"] - 1, abs=0.12)
    assert live.explored == pytest.approx(0.5, abs=0.05)
    assert rule.largest == 2
    assert rule.effective == pytest.approx(live.decisions / 2, rel=0.1)


def test_numbers_are_those_of_the_gates_own_functions(seen: History, found: PolicyValue) -> None:
    which = seen.by_champion
    log = seen.log(which)
    target = RULE.probabilities(log.contexts, log.eligible)
    there, rule = value(Compared(log, target, None, seen.logging(which))), found.against("rule")
    assert rule is not None
    for mine, its in zip(rule.estimates, (there.chosen, *there.beside), strict=True):
        assert (mine.estimator, mine.value.mean) == (its.name, its.value.mean)
        assert mine.policy_above.mean == -its.difference.mean
        assert (mine.policy_above.low, mine.policy_above.high) == (-its.difference.high, -its.difference.low)
    assert rule.clip in (there.clip, None)
    days = float(np.ptp(seen.journal.at[which]))
    month = of_log(log).after(round(len(log) * 30 / days))
    assert found.provable is not None
    assert (found.provable.decisions, found.provable.uplift) == (month.decisions, month.uplift)


def test_everything_that_was_decided_is_counted(seen: History, found: PolicyValue) -> None:
    assert found.decisions == len(seen) == 3_000
    assert sum(week.decisions for week in found.weeks) == 3_000
    assert found.harms.sent == sum(one.activated_at is not None for one in seen.outcomes)
    assert found.harms.cost == pytest.approx(0.1 * found.harms.sent)
    assert (found.currency, found.version, found.since) == ("EUR", "3", START)
    assert msgspec.json.decode(msgspec.json.encode(found), type=PolicyValue) == found


@pytest.mark.parametrize("count", [0, 1, FEWEST])
def test_too_little_is_said_and_not_estimated(count: int) -> None:
    few = policy_value(planted(count), POINT, "cart-policy", None, RULE, (), LATER)
    assert few.decisions == count
    assert (few.live, few.alternatives, few.provable) == (None, (), None)
    assert msgspec.json.decode(msgspec.json.encode(few), type=PolicyValue) == few


def test_a_rule_that_the_log_never_followed_is_left_out() -> None:
    shop = Planted()
    for number in range(400):
        at = START + hours(number)
        shop.decided(
            f"d{number}",
            f"c{number}",
            at,
            send=False,
            options=(Option(1.0), msgspec.structs.replace(MAIL, probability=0.0)),
        )
    report = policy_value(shop.history(LATER), POINT, "cart-policy", "1", RULE, (), LATER)
    assert report.live is not None
    assert report.against("rule") is None


def test_open_decisions_hide_none_behind_them_and_a_canary_is_not_counted() -> None:
    shop = Planted()
    shop.decided("open", "ann", LATER - hours(2))
    for number in range(5):
        shop.decided(f"d{number}", f"c{number}", send=False)
    shop.decided("trial", "eve", send=False, policy_alias="canary")
    late = shop.history(LATER)
    assert late.by_champion.tolist() == [False, *[True] * 5, False]
