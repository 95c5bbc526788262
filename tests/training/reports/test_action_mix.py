"""What was chosen, refused and paid is counted once, in its week."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.decisions import Refusal
from tests.training.policy.planted import SILENCE, START, Planted, hours
from training.reports.action_mix import date_of, harms, refusals, week_of, weeks

LATER = START + timedelta(days=60)


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.floats(0, 0.999))
def test_a_week_begins_on_the_monday_before(day: date, part: float) -> None:
    number = (day - date(1970, 1, 1)).days + part
    (monday,) = week_of(np.array([number]))
    assert date_of(int(monday)) == day - timedelta(days=day.weekday())


def test_each_week_says_what_was_chosen() -> None:
    shop = Planted()
    for number in range(10):
        shop.decided(f"d{number}", f"c{number}", START + hours(24 * number), send=number % 5 > 0, explored=number == 1)
    seen = shop.history(LATER)
    first, second = weeks(seen.journal, np.ones(len(seen), bool))
    assert (first.begins, second.begins) == (date(2026, 6, 1), date(2026, 6, 8))
    assert (first.decisions, second.decisions, first.explored, second.explored) == (7, 3, 1, 0)
    told = {(one.factor, one.label): one.decisions for one in first.taken}
    assert told == {("channel", "email"): 5, ("delay", "24h"): 5, ("argument", "reminder"): 5, ("silence", ""): 2}
    assert weeks(seen.journal, np.zeros(len(seen), bool)) == ()


def test_a_rule_counts_once_a_decision_and_says_where_nothing_was_left() -> None:
    shop = Planted()
    twice = (Refusal(reason="no_consent", channel="sms"), Refusal(reason="no_consent", channel="push"))
    shop.decided("d1", "ann", refused=twice)
    shop.decided("d2", "bob", send=False, options=(SILENCE,), refused=(*twice, Refusal(reason="expired")))
    seen = shop.history(LATER)
    found = refusals(seen.journal, np.ones(2, bool))
    assert [(one.reason, one.decisions, one.silenced) for one in found] == [("no_consent", 2, 1), ("expired", 1, 1)]


def test_costs_are_of_what_went_out_and_a_discount_counts_once() -> None:
    shop = Planted()
    for key, at in (("d1", 0), ("d2", 30)):
        shop.decided(key, "ann", START + hours(at), trigger=f"cart-{key}")
    shop.decided("d3", "bob")
    shop.sent("d1", "ann", START + hours(24))
    shop.happened("unsubscribed", "ann", START + hours(26), channel="email", decision_id="d1")
    shop.ordered("ann", START + hours(40), "20", discount="5", key="one")
    found = harms(shop.history(LATER), np.ones(3, bool))
    assert (found.sent, found.left, found.angered, found.cost, found.discounts) == (1, 1, 0, 0.1, 5.0)
