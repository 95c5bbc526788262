import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from models.policies.rule import Message
from serving.decisions.bank import (
    Argument,
    Caps,
    Channel,
    DecisionPoint,
    Groups,
    Incentive,
    delay_minutes,
)
from serving.decisions.default_bank import DEFAULT


def test_the_default_offers_nothing_within_the_first_hour() -> None:
    """Two randomised studies of 64,000 carts: reminders after 30 to 60 minutes lower purchases."""
    abandonments = ("cart_recovery", "checkout_recovery", "browse", "wishlist")
    assert all(delay_minutes(DEFAULT.points[name].delays[0]) >= 60 for name in abandonments)
    assert all(delay_minutes(message.delay) >= 1_440 for name in abandonments for message in DEFAULT.points[name].rule)


def test_the_default_gives_nothing_away_and_names_each_row_as_it_is_called() -> None:
    assert not DEFAULT.incentives
    for rows in (DEFAULT.channels, DEFAULT.arguments, DEFAULT.points):
        assert all(name == row.name for name, row in rows.items())


def test_the_spans_of_delays_follow_each_other_and_last_a_day_at_most() -> None:
    for point in DEFAULT.points.values():
        spans = point.spans
        assert [delay for delay, _, _ in spans] == list(point.delays)
        for (_, since, until), (_, later, _) in itertools.pairwise(spans):
            assert since < until <= later
            assert until - since <= 24


def test_a_discount_is_never_more_than_the_cart() -> None:
    assert Incentive("five", amount=5.0).discount(3.0) == 3.0
    assert Incentive("fifth", share=0.2).discount(50.0) == 10.0


_WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: Channel("E-mail"), "no name of a channel"),
    (lambda: Channel("email", cost=-1), "at least 0"),
    (lambda: Channel("email", cost=float("nan")), "at least 0"),
    (lambda: Channel("email", consent="given"), "assumed, required"),  # type: ignore[arg-type]
    (lambda: Caps(day=3, week=2), "longer period"),
    (lambda: Caps(day=-1), "negative"),
    (lambda: Argument("scarce", ("scarce",)), "low_stock"),  # type: ignore[arg-type]
    (lambda: Incentive("none"), "share of the cart or an amount"),
    (lambda: Incentive("both", share=0.1, amount=1), "share of the cart or an amount"),
    (lambda: Incentive("more", share=1.1), "shares of 1"),
    (lambda: Groups(random=0.6, holdout=0.6), "together at most 1"),
    (lambda: DecisionPoint("cart", "p", mode="on"), "shadow"),  # type: ignore[arg-type]
    (lambda: DecisionPoint("cart", "p", delays=("24h", "3h")), "must rise"),
    (lambda: DecisionPoint("cart", "p", delays=()), "one at least"),
    (lambda: DecisionPoint("cart", "p", delays=("soon",)), "no delay"),
    (lambda: DecisionPoint("cart", "p", hours=(24,)), "0 to 23"),
    (lambda: DecisionPoint("cart", "p", most_slots=0), "above 0"),
    (lambda: DecisionPoint("cart", "p", margin=1.5), "of 1"),
    (lambda: replace(DEFAULT, zone="Mars/Olympus"), "Europe/Moscow"),
    (lambda: replace(DEFAULT, points={"cart": DecisionPoint("cart", "p", channels=("fax",))}), "there is email"),
    (lambda: replace(DEFAULT, points={"cart": DecisionPoint("cart", "p", arguments=("fax",))}), "there is reminder"),
    (lambda: replace(DEFAULT, points={"cart": DecisionPoint("cart", "p", incentives=("fax",))}), "there is none"),
    (
        lambda: replace(
            DEFAULT,
            points={"cart": DecisionPoint("cart", "p", channels=("email",), rule=(Message("email", "5h"),))},
        ),
        "rule: '5h'",
    ),
]


@pytest.mark.parametrize("number", range(len(_WRONG)))
def test_what_cannot_be_is_refused_with_the_way_out(number: int) -> None:
    make, told = _WRONG[number]
    with pytest.raises(ValueError, match=told):
        make()
