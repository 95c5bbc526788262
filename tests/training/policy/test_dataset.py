"""The join of both logs: what was shown is what is learned from, whatever came late, twice or under another id."""

from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from features.decisions import Option
from tests.training.policy.planted import MAIL, SILENCE, START, WINDOW, Planted, hours
from training.policy.dataset import history

LATER = START + timedelta(days=20)


def shop() -> Planted:
    """Ann got a message and bought; Bob nothing, and bought; Cleo a message, and bought nothing."""
    planted = Planted()
    planted.decided("ann-1", "ann", context={"cart_value": 80.0, "step": 1.0})
    planted.decided("bob-1", "bob", START + hours(1), send=False, context={"recency_days": 4.0})
    planted.decided("cleo-1", "cleo", START + hours(2))
    planted.sent("ann-1", "ann", START + hours(24))
    planted.sent("cleo-1", "cleo", START + hours(26))
    planted.ordered("ann", START + hours(30), "80", "4")
    planted.ordered("bob", START + hours(30), "20")
    return planted


def test_rewards_are_exact() -> None:
    seen = shop().history(LATER)
    log = seen.log(seen.teaches)
    assert log.rewards.tolist() == pytest.approx([0.5 * 80 - 4 - 0.1, 10.0, -0.1])
    assert log.matured.all()
    assert log.propensities.tolist() == [0.75, 0.25, 0.75]
    assert log.steps.tolist() == [1, 1, 1]
    assert np.diff(log.at * 24).tolist() == pytest.approx([1.0, 1.0])


def test_contexts_and_actions_are_those_of_the_record() -> None:
    seen = shop().history(LATER)
    log = seen.log(seen.teaches)
    assert log.contexts.columns(["cart_value"])[:, 0].tolist() == pytest.approx([80.0, np.nan, 40.0], nan_ok=True)
    assert log.eligible.counts.tolist() == [2, 2, 2]
    assert log.eligible.silent[log.chosen].tolist() == [False, True, False]
    assert log.eligible.labels[0] == ("email",)
    assert seen.logging(seen.teaches).tolist() == [0.25, 0.75] * 3


def test_a_part_of_the_decisions_is_that_part_of_all_of_them() -> None:
    planted = shop()
    three = [SILENCE, MAIL, Option(probability=0.0, channel="sms", delay="1h", cost=0.4)]
    planted.decided("dan-1", "dan", START + hours(3), send=False, options=three)
    seen = planted.history(LATER)
    whole, part = seen.log(seen.teaches), seen.log(seen.arms == "policy").take(np.array([1, 3]))
    some = seen.log(np.array([False, True, False, True]))
    for log in (whole.take(np.array([1, 3])), part, some):
        assert log.rewards.tolist() == [10.0, 0.0]
        assert log.eligible.counts.tolist() == [2, 3]
        assert log.eligible.silent[log.chosen].all()
    assert seen.logging(np.array([False, True, False, True])).tolist() == [0.25, 0.75, 0.25, 0.75, 0.0]


def test_what_is_told_twice_late_or_in_another_order_counts_once() -> None:
    once, again = shop(), Planted()
    again.ordered("bob", START + hours(30), "20", key="b")
    again.ordered("ann", START + hours(30), "80", "4", key="a")
    again.ordered("ann", START + hours(30), "80", "4", key="a")
    again.happened("order_completed", "ann", START + hours(31), "a report of a", order_id="a", currency="EUR")
    again.sent("ann-1", "ann", START + hours(24))
    again.decided("ann-1", "ann", context={"cart_value": 80.0, "step": 1.0})
    again.decided("ann-1", "ann", START + hours(9))
    again.decided("bob-1", "bob", START + hours(1), send=False, context={"recency_days": 4.0})
    again.decided("cleo-1", "cleo", START + hours(2))
    again.sent("ann-1", "ann", START + hours(25))
    again.sent("cleo-1", "cleo", START + hours(26))
    expected, found = once.history(LATER), again.history(LATER)
    assert found.log(found.teaches).rewards.tolist() == expected.log(expected.teaches).rewards.tolist()


def test_what_is_outside_of_the_window_does_not_count() -> None:
    planted = shop()
    planted.ordered("cleo", START + hours(2 + WINDOW), "500")
    planted.ordered("cleo", START + hours(1), "500")
    seen = planted.history(LATER)
    assert seen.rewards.values.tolist() == pytest.approx([35.9, 10.0, -0.1])


def test_a_visitor_who_logged_in_since_is_one_customer_with_what_the_customer_bought() -> None:
    planted = Planted()
    planted.decided("d1", "visitor", send=False, anonymous=True)
    planted.decided("d2", "ann", START + hours(1), send=False)
    planted.ordered("ann", START + hours(5), "10")
    apart = planted.history(LATER)
    assert len(set(apart.journal.customers.tolist())) == 2
    assert apart.rewards.values.tolist() == [0.0, 5.0]
    planted.happened("identified", "ann", START + hours(9), anonymous_id="visitor")
    joined = planted.history(LATER)
    assert len(set(joined.journal.customers.tolist())) == 1
    assert joined.rewards.values.tolist() == [5.0, 5.0]


def test_nothing_that_happened_later_is_seen() -> None:
    planted = shop()
    now = START + hours(28)
    before = planted.history(now).rewards.values.tolist()
    planted.ordered("cleo", START + hours(40), "900")
    after = planted.history(now)
    assert after.rewards.values.tolist() == pytest.approx(before, nan_ok=True)
    assert not after.rewards.matured.any()


def test_chance_and_the_policy_judge_the_rule_only_teaches_and_the_holdout_does_neither() -> None:
    planted = Planted()
    certain = [msgspec.structs.replace(SILENCE, probability=1.0), msgspec.structs.replace(MAIL, probability=0.0)]
    kinds: dict[str, dict[str, Any]] = {
        "policy": {},
        "chance": {"arm": "random", "policy": "uniform"},
        "baseline": {"arm": "baseline", "policy": "rule", "options": certain},
        "apprentice": {"mode": "apprentice", "policy": "rule", "options": certain},
        "holdout": {"arm": "holdout", "policy": "none", "learnable": False, "options": certain[:1]},
    }
    for key, more in kinds.items():
        planted.decided(key, key, send=False, **more)
    seen = planted.history(LATER)
    assert seen.teaches.tolist() == [True, True, True, True, False]
    assert seen.judges.tolist() == [True, True, False, False, False]
    assert seen.left_out["holdout"] == 1


def test_reading_in_two_parts_is_reading_all() -> None:
    planted = shop()
    whole = planted.history(LATER)
    first = int(whole.journal.positions[0])
    rest = planted.history(LATER, after=first)
    assert rest.rewards.values.tolist() == whole.rewards.values[1:].tolist()
    upto = history(planted.logs, ["cart_recovery"], LATER, upto=first)
    assert upto.rewards.values.tolist() == whole.rewards.values[:1].tolist()
    assert len(history(planted.logs, ["browse"], LATER)) == 0


def test_settled_are_those_before_the_first_that_may_change() -> None:
    planted = shop()
    planted.decided("new", "eve", LATER - hours(10), send=False)
    planted.decided("old", "fay", START, send=False)
    assert planted.history(LATER).settled == 3
    assert planted.history(LATER + timedelta(days=9)).settled == 5
