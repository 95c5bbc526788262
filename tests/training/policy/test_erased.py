"""What policies are compared by is the same before and after somebody was erased; of whom it was, nothing is left."""

from datetime import timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from features.log import DECISIONS, EVENTS, Log
from features.privacy.events import EventRows
from features.privacy.projections import links
from features.privacy.tombstones import DecisionRows
from tests.training.policy.planted import POINT, START, Planted, hours
from training.policy.dataset import History, history
from training.policy.groups import compare

LATER = START + timedelta(days=20)
ERASED_AT = START + timedelta(days=15)
SHARES = {"policy": 0.5, "holdout": 0.5}
ARRAYS = ("values", "own", "matured", "settled", "left_out", "bought", "unsubscribed", "complained", "discounts")


def shop(seed: int) -> Planted:
    """Forty customers with series of decisions, some of which were sent, and orders, clicks and farewells."""
    rng, planted = np.random.default_rng(seed), Planted()
    for number in range(40):
        who, holdout = f"customer-{number}", number % 3 == 0
        arm = "holdout" if holdout else "policy"
        at = START + timedelta(minutes=17 * number, microseconds=number)
        for step in range(1, int(rng.integers(2, 4))):
            key, sends = f"dec-{number}-{step}", not holdout and rng.random() < 0.7
            moment = at + hours(30.0 * (step - 1))
            context = {"cart_value": float(rng.integers(10, 90))}
            planted.decided(key, who, moment, send=sends, arm=arm, learnable=not holdout, step=step, context=context)
            if sends:
                planted.sent(key, who, moment + hours(24))
                if rng.random() < 0.4:
                    said = {"channel": "email", "decision_id": key}
                    planted.happened("message_clicked", who, moment + hours(25), **said)
                if rng.random() < 0.1:
                    planted.happened("unsubscribed", who, moment + hours(26), channel="email")
        if rng.random() < 0.5:
            planted.ordered(who, at + hours(float(rng.integers(1, 100))), "20", "2")
    return planted


def erase(planted: Planted, who: str) -> None:
    kept = planted.logs
    person = kept.identities.person(who, None)
    DecisionRows(kept.events.engine, ERASED_AT).erase(person)
    EventRows(kept.events.engine).erase(person)
    links(kept.events.engine).erase(person)


def seen(planted: Planted) -> History:
    """By somebody who opens the database anew."""
    engine = planted.logs.events.engine
    kept = planted.logs
    return history(type(kept)(Log(engine, EVENTS), Log(engine, DECISIONS), kept.identities), [POINT], LATER)


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000), gone=st.sets(st.integers(0, 39), min_size=1, max_size=12))
def test_every_number_that_estimates_are_made_of_stays(seed: int, gone: set[int]) -> None:
    planted = shop(seed)
    before = seen(planted)
    for number in gone:
        erase(planted, f"customer-{number}")
    after = seen(planted)
    assert len(after) == len(before) > 40
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(after.rewards, name), getattr(before.rewards, name), name)
    one, other = before.log(before.teaches), after.log(after.teaches)
    for name in ("propensities", "rewards", "matured", "chosen", "steps"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name), name)
    np.testing.assert_array_equal(other.contexts.values, one.contexts.values)
    np.testing.assert_array_equal(after.journal.logging, before.journal.logging)
    np.testing.assert_array_equal(after.journal.waits, before.journal.waits)
    same = [of.customers[:, None] == of.customers[None, :] for of in (one, other)]
    np.testing.assert_array_equal(*same)
    table, was = compare(after, SHARES).table(), compare(before, SHARES).table()
    pd.testing.assert_frame_equal(table, was, rtol=1e-12)  # sums over customers in another order


def test_a_tombstone_holds_no_id_no_product_and_no_moment_of_a_person() -> None:
    planted = Planted()
    planted.decided("dec-1", "customer-1", START + timedelta(microseconds=7), item_ids=("milk",), timezone="Asia/Tokyo")
    planted.sent("dec-1", "customer-1", START + hours(24))
    erase(planted, "customer-1")
    (record,) = planted.logs.decisions.read()
    text = f"{record.key} {record.user_id} {record.payload}"
    for told in ("customer-1", "dec-1", "cart-of", "milk", "Tokyo", ".000007"):
        assert told not in text
    assert record.occurred_at % 3_600_000_000 == 0
    assert START - hours(1) < seen(planted).outcomes[0].decided_at <= START


def test_whoever_leaves_before_the_window_closes_counts_as_far_as_is_known() -> None:
    planted = Planted()
    planted.decided("dec-1", "customer-1", ERASED_AT - hours(30), send=False)
    planted.ordered("customer-1", ERASED_AT - hours(20), "20")
    before = planted.history(ERASED_AT).rewards.values
    erase(planted, "customer-1")
    after = planted.history(LATER)
    assert after.rewards.values.tolist() == before.tolist() == [10.0]
    assert after.rewards.matured.all()
