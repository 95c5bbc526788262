"""The policy against the holdout on planted shops: what was caused is found, and what was not is not claimed."""

from datetime import timedelta

import numpy as np
import pytest

from tests.training.policy.planted import START, Planted, hours
from training.policy.groups import Comparison, compare, ratio_of

LATER = START + timedelta(days=20)
SHARES = {"policy": 0.5, "holdout": 0.5}


def world(mailed: float, spared: float, customers: int = 600, seed: int = 3) -> Comparison:
    """Half of the customers get a mail; the share of each half that buys (for 20, of which 10 are earned)."""
    rng, shop = np.random.default_rng(seed), Planted()
    for number in range(customers):
        key, who = f"d{number}", f"c{number}"
        holdout = number % 2 == 1
        shop.decided(key, who, send=not holdout, arm="holdout" if holdout else "policy", learnable=not holdout)
        if not holdout:
            shop.sent(key, who, START + hours(24))
            shop.happened("message_clicked", who, START + hours(25), channel="email", decision_id=key)
        if rng.random() < (spared if holdout else mailed):
            shop.ordered(who, START + hours(30), "20")
    return compare(shop.history(LATER), SHARES)


@pytest.fixture(scope="module")
def organic() -> Comparison:
    """Everybody who was mailed has clicked, and a fifth buys in any case."""
    return world(0.2, 0.2)


def test_what_is_bought_anyway_is_not_claimed_whoever_has_clicked(organic: Comparison) -> None:
    uplift = organic.uplifts["holdout"]
    assert uplift.low < 0 < uplift.high
    assert organic.groups["policy"].messages == 1
    assert organic.groups["holdout"].messages == 0


def test_what_messages_cause_is_found_with_its_size() -> None:
    uplift = world(0.5, 0.2).uplifts["holdout"]
    assert uplift.low < 10 * 0.3 - 0.1 < uplift.high
    assert uplift.low > 0


def test_the_table_has_a_row_a_group(organic: Comparison) -> None:
    rows = {row["group"]: row for row in organic.table().to_dict("records")}
    assert rows["policy"]["customers"] == rows["holdout"]["episodes"] == 300
    assert np.isnan(rows["policy"]["policy above it"])
    assert rows["holdout"]["policy above it"] == organic.uplifts["holdout"].mean


def test_sizes_that_are_no_chance_are_said(organic: Comparison) -> None:
    assert organic.ratio == 1.0
    assert not organic.mismatch
    assert ratio_of({"policy": 330, "holdout": 220}, SHARES) < 0.001
    assert ratio_of({"policy": 10, "elsewhere": 1}, SHARES) == 0.0
    assert np.isnan(ratio_of({}, SHARES))


def test_an_episode_counts_once_by_its_first_decision_and_a_customer_in_the_earliest_group() -> None:
    shop = Planted()
    for number, who in enumerate(("ann", "bob", "ann")):
        shop.decided(f"d{number}", who, START + hours(number), send=False, trigger="cart")
        shop.decided(f"h{number}", f"holdout-{number}", START, send=False, arm="holdout", learnable=False)
    shop.decided("later", "ann", START + hours(80), send=False, trigger="another", arm="holdout", learnable=False)
    shop.ordered("ann", START + hours(81), "10")
    found = compare(shop.history(LATER), SHARES)
    policy = found.groups["policy"]
    assert (policy.customers, policy.episodes) == (2, 3)
    assert policy.value.mean == pytest.approx(5 / 3)
    assert found.groups["holdout"].value.mean == 0


def test_what_was_decided_while_the_point_was_off_counts_for_no_group() -> None:
    shop = Planted()
    for number in range(40):
        who, arm = f"c{number}", "holdout" if number % 2 else "policy"
        shop.decided(f"off{number}", who, send=False, arm=arm, mode="off", learnable=False)
        if number < 20:
            shop.decided(f"on{number}", who, START + hours(2), send=arm == "policy", arm=arm, learnable=arm == "policy")
            shop.ordered(who, START + hours(30), "20")
    found = compare(shop.history(LATER), SHARES)
    assert {arm: (group.customers, group.episodes, group.bought) for arm, group in found.groups.items()} == {
        "policy": (10, 10, 1.0),
        "holdout": (10, 10, 1.0),
    }
