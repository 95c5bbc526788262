"""Net rewards to the cent, and who is left out and why; outcomes are given, so only the counting is on trial."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from features.outcomes import Outcome
from tests.training.policy.planted import DELAY, MAIL, SILENCE, START, TERMS, WINDOW, Planted, hours
from training.policy.journal import gathered
from training.policy.rewards import ACTIVATION_HOURS, Rewards, rewards

LATER = START + timedelta(days=30)


def outcome(shop: Planted, key: str, as_of: datetime, **more: Any) -> Outcome:
    """What came of a decision: nothing, but for what is told."""
    record = shop.logs.decisions.find(key)
    assert record is not None
    at = datetime.fromtimestamp(record.occurred_at / 1e6, START.tzinfo)
    given: dict[str, Any] = {
        "decision_id": key,
        "decision_point": "cart_recovery",
        "customer_id": record.user_id,
        "trigger_id": "",
        "step": 1,
        "decided_at": at,
        "window_ends": at + hours(WINDOW),
        "matured": as_of >= at + hours(WINDOW),
        "channel": None,
    }
    return Outcome(**(given | more))


def sent() -> dict[str, Any]:
    """As decided."""
    return {"channel": "email", "activated_at": START + hours(DELAY), "activated_channel": "email"}


def counted(shop: Planted, found: Sequence[Outcome], as_of: datetime = LATER) -> Rewards:
    """The rewards of everything in the log."""
    _, journal = gathered(shop.logs.decisions, ["cart_recovery"], shop.logs.identities.table())
    return rewards(journal, found, as_of)


def one(as_of: datetime = LATER, send: bool = True, decided: dict[str, Any] | None = None, **more: Any) -> Rewards:
    """The rewards of a single decision."""
    shop = Planted()
    shop.decided("d", "ann", send=send, **(decided or {}))
    return counted(shop, [outcome(shop, "d", as_of, **more)], as_of)


def test_margin_less_discount_less_the_message_less_what_was_lost() -> None:
    bought: dict[str, Any] = {"value": Decimal(100), "discount": Decimal(8), "first_order_at": START + hours(30)}
    assert one(**sent(), **bought).values.tolist() == pytest.approx([0.5 * 100 - 8 - 0.1])
    assert one(**sent(), **bought, unsubscribed=True).values.tolist() == pytest.approx([41.9 - 4])
    assert one(**sent(), **bought, unsubscribed=True, complained=True).values.tolist() == pytest.approx([41.9 - 13])


def test_silence_earns_what_is_bought_anyway_and_costs_nothing() -> None:
    found = one(send=False, value=Decimal(100), first_order_at=START + hours(3))
    assert found.values.tolist() == [50.0]
    assert found.left_out.tolist() == [""]


def test_silence_after_which_nothing_came_is_a_zero_once_the_window_has_closed_and_not_before() -> None:
    late = one(send=False)
    assert (late.values.tolist(), late.matured.tolist()) == ([0.0], [True])
    early = one(START + hours(10), send=False)
    assert early.matured.tolist() == [False]
    assert early.left_out.tolist() == ["too_new"]


def test_an_open_window_is_worth_what_is_known_and_what_is_expected() -> None:
    shop, found = Planted(), []
    for number in range(40):
        shop.decided(f"old-{number}", f"old-{number}", START - timedelta(days=10), send=False)
        bought = {"value": Decimal(20), "first_order_at": START - timedelta(days=10) + hours(50)}
        found.append(outcome(shop, f"old-{number}", START, **(bought if number < 10 else {})))
    now = START + hours(20)
    shop.decided("open", "ann", send=False)
    shop.decided("bought", "bob", send=False)
    found += [outcome(shop, "open", now)]
    found += [outcome(shop, "bought", now, value=Decimal(70), first_order_at=START + hours(1))]
    told = counted(shop, found, now)
    assert told.values[-1] == 35.0
    assert told.values[-2] == pytest.approx((10 / 41) * (10 * 10 + 35) / 11, rel=0.05)
    assert told.matured[-2:].tolist() == [False, False]
    assert told.left_out[-2:].tolist() == ["", ""]


def test_a_message_that_the_engine_never_sent_is_left_out_but_only_when_it_is_overdue() -> None:
    due = START + hours(DELAY)
    assert one(due - hours(1), channel="email").left_out.tolist() == ["not_due"]
    assert one(due + hours(ACTIVATION_HOURS - 1), channel="email").left_out.tolist() == ["not_due"]
    assert one(due + hours(ACTIVATION_HOURS + 1), channel="email").left_out.tolist() == ["not_sent"]
    assert one(LATER, channel="email").left_out.tolist() == ["not_sent"]


def test_who_bought_before_the_message_was_due_was_rightly_spared_and_stays_without_its_cost() -> None:
    early = one(channel="email", value=Decimal(60), first_order_at=START + hours(5))
    assert (early.values.tolist(), early.left_out.tolist()) == ([30.0], [""])
    late = one(channel="email", value=Decimal(60), first_order_at=START + hours(DELAY + 1))
    assert late.left_out.tolist() == ["not_sent"]


def test_of_who_was_spared_as_large_a_share_stays_as_the_engine_sends() -> None:
    shop, found = Planted(), []
    for number in range(900):
        key = f"d{number}"
        shop.decided(key, f"c{number}")
        if number < 600:
            found.append(outcome(shop, key, LATER, channel="email", first_order_at=START + hours(2)))
        else:
            found.append(outcome(shop, key, LATER, **(sent() if number % 2 else {"channel": "email"})))
    left_out = counted(shop, found).left_out
    kept = (left_out[:600] == "").mean()
    assert 0.43 < kept < 0.57
    assert (left_out[600:] == "").sum() == 150


def test_a_message_by_another_channel_than_decided_says_nothing_of_this_one() -> None:
    other = sent() | {"activated_channel": "sms"}
    assert one(**other).left_out.tolist() == ["sent_otherwise"]


@pytest.mark.parametrize(
    ("decided", "reason"),
    [
        ({"arm": "holdout", "learnable": False}, "holdout"),
        ({"learnable": False}, "not_learnable"),
        ({"mode": "shadow", "learnable": False}, "not_learnable"),
        ({"mode": "shadow"}, "shadow"),
        ({"arm": "random"}, ""),
        ({"mode": "apprentice"}, ""),
    ],
)
def test_who_decides_says_whether_it_teaches(decided: dict[str, Any], reason: str) -> None:
    assert one(send=False, decided=decided).left_out.tolist() == [reason]


def test_a_later_message_of_the_episode_is_paid_by_the_decision_before_it() -> None:
    shop = Planted()
    shop.decided("first", "ann", trigger="cart")
    shop.decided("second", "ann", START + hours(48), trigger="cart", step=2)
    shop.decided("other", "ann", START + hours(50), trigger="another cart")
    shop.decided("beyond", "ann", START + hours(WINDOW + 40), trigger="cart", step=3)
    found = [outcome(shop, key, LATER, **sent()) for key in ("first", "second", "other", "beyond")]
    assert counted(shop, found).values.tolist() == pytest.approx([-0.2, -0.2, -0.1, -0.1])


def test_whom_a_later_message_drives_away_the_decision_before_it_has_lost_too() -> None:
    shop = Planted()
    shop.decided("first", "ann", trigger="cart", send=False)
    shop.decided("second", "ann", START + hours(48), trigger="cart", step=2)
    found = [outcome(shop, "first", LATER), outcome(shop, "second", LATER, **sent(), unsubscribed=True)]
    assert counted(shop, found).values.tolist() == pytest.approx([-4.1, -4.1])
    assert counted(shop, found).own.tolist() == pytest.approx([0.0, -4.1])


def test_orders_of_an_episode_that_goes_on_after_the_first_of_them_are_one_decisions_own() -> None:
    shop = Planted()
    shop.decided("first", "ann", trigger="campaign")
    shop.decided("second", "ann", START + hours(30), trigger="campaign", step=2)
    shop.decided("third", "ann", START + hours(60), trigger="campaign", step=3)
    found = [
        outcome(shop, "first", LATER, **sent(), value=Decimal(140), first_order_at=START + hours(20)),
        outcome(shop, "second", LATER, **sent(), value=Decimal(40), first_order_at=START + hours(70)),
        outcome(shop, "third", LATER, **sent(), value=Decimal(40), first_order_at=START + hours(70)),
    ]
    assert counted(shop, found).own.tolist() == pytest.approx([69.9, -0.1, -0.1])


def test_what_is_the_decisions_own_ends_with_the_next_one_and_adds_up_over_the_episode() -> None:
    shop = Planted()
    shop.decided("first", "ann", trigger="cart")
    shop.decided("second", "ann", START + hours(30), trigger="cart", step=2)
    bought: dict[str, Any] = {"value": Decimal(100), "first_order_at": START + hours(40)}
    found = [outcome(shop, key, LATER, **sent(), **bought) for key in ("first", "second")]
    told = counted(shop, found)
    assert told.values.tolist() == pytest.approx([49.8, 49.9])
    assert told.own.tolist() == pytest.approx([-0.1, 49.9])
    early = [outcome(shop, key, LATER, **sent()) for key in ("first", "second")]
    early[0] = outcome(shop, "first", LATER, **sent(), value=Decimal(100), first_order_at=START + hours(20))
    assert counted(shop, early).own.tolist() == pytest.approx([49.9, -0.1])


def test_it_settles_when_late_events_had_their_time() -> None:
    assert one(START + hours(WINDOW + 1), send=False).settled.tolist() == [False]
    assert one(START + hours(WINDOW + 25), send=False).settled.tolist() == [True]


def test_it_settles_at_the_same_time_whatever_was_chosen() -> None:
    late = (SILENCE, msgspec.structs.replace(MAIL, send_at=START + hours(60), delay_hours=60.0))
    for send in (True, False):
        found = [one(START + hours(age), send=send, decided={"options": late}) for age in (WINDOW + 25, 107, 109)]
        assert [each.settled.tolist() for each in found] == [[False], [False], [True]], "60 hours and twice 24"


def test_a_decision_of_the_future_waits() -> None:
    found = one(START - hours(5), send=False)
    assert found.left_out.tolist() == ["too_new"]
    assert not found.settled.any()


def test_what_counts_is_what_the_terms_said_when_it_was_decided() -> None:
    terms = {"terms": msgspec.structs.replace(TERMS, margin=0.1)}
    assert one(send=False, decided=terms, value=Decimal(50), first_order_at=START).values.tolist() == [5.0]


def test_options_that_were_not_chosen_change_nothing() -> None:
    offered = [SILENCE, MAIL, msgspec.structs.replace(MAIL, channel="sms", cost=99.0)]
    found = one(decided={"options": offered}, **sent())
    assert found.values.tolist() == pytest.approx([-0.1])
    assert np.isfinite(found.values).all()


def test_an_order_after_two_carts_counts_once_for_the_customer() -> None:
    shop = Planted()
    shop.decided("one", "ann", START, send=False, trigger="first-cart")
    shop.decided("two", "ann", START + hours(10), send=False, trigger="second-cart")
    shop.decided("other", "bob", START + hours(10), send=False)
    shop.ordered("ann", START + hours(20), "20", key="shared")
    shop.ordered("ann", START + hours(75), "40", key="behind the first window")
    shop.ordered("bob", START + hours(20), "20", key="bob's")
    found = shop.history(START + timedelta(days=9)).rewards
    assert found.own.tolist() == pytest.approx([10.0, 30.0, 10.0])
    assert found.once.tolist() == pytest.approx([10.0, 15.0, 10.0])
