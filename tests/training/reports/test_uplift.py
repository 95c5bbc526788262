"""Uplift on planted shops: what was caused is found and proved, what was not is not, and open days are not counted."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from features.reports.uplift import Uplift
from models.arrays import Floats
from models.off_policy.cuped import adjusted, sequence
from tests.training.policy.planted import START
from training.reports.entrants import Entrants
from training.reports.uplift import uplift

LATER = START + timedelta(days=70)
SHARES = {"policy": 0.8, "random": 0.05, "baseline": 0.05, "holdout": 0.1}
ARMS = np.array(list(SHARES), object)


def planted(effect: float, customers: int = 6_000, seed: int = 0) -> Entrants:
    """Customers who enter over eight weeks; the policy's buy `effect` orders more than the others, 10 each."""
    rng = np.random.default_rng(seed)
    arms = ARMS[rng.choice(len(ARMS), customers, p=list(SHARES.values()))]
    taste = rng.gamma(1.0, 1.0, customers)
    past: Floats = rng.poisson(3 * taste).astype(np.float64)
    orders: Floats = rng.poisson(0.4 * taste + effect * (arms == "policy")).astype(np.float64)
    at = np.sort(rng.uniform(0, 56, customers)) + START.timestamp() / 86_400
    return Entrants(
        np.array([f"c{number}" for number in range(customers)], object),
        arms,
        at,
        orders,
        10 * orders,
        past,
        10 * past,
        "EUR",
        0,
        14.0,
        90.0,
        LATER,
        customers,
    )


def told(entered: Entrants) -> Uplift:
    return uplift(entered, "cart_recovery", SHARES, LATER)


@pytest.fixture(scope="module")
def found() -> Uplift:
    return told(planted(0.3))


def test_what_was_caused_is_found_in_orders_and_money(found: Uplift) -> None:
    orders, money = found.contrast("orders", "holdout"), found.contrast("revenue", "holdout")
    assert orders is not None
    assert money is not None
    assert orders.always.above
    assert orders.adjusted.low < 0.3 < orders.adjusted.high  # type: ignore[operator]
    assert money.adjusted.low == pytest.approx(10 * orders.adjusted.low)  # type: ignore[operator]
    assert orders.variance_left is not None
    assert orders.variance_left < 0.95
    assert money.share is not None
    assert 0.4 < money.share.mean < 1.2  # type: ignore[operator]


def test_what_was_not_caused_is_not_claimed() -> None:
    proved = 0
    for seed in range(40):
        report = told(planted(0.0, 2_000, seed))
        proved += any(one.always.above or one.always.below for one in report.contrasts)
    assert proved <= 2


def test_the_money_is_the_difference_times_the_customers(found: Uplift) -> None:
    money, brought = found.contrast("revenue", "holdout"), found.incremental_over("holdout")
    ours = next(group for group in found.groups if group.arm == "policy")
    assert money is not None
    assert brought is not None
    assert brought.customers == ours.counted
    assert brought.revenue == money.adjusted.times(ours.counted)
    assert brought.always == money.always.times(ours.counted)


def test_numbers_are_those_of_the_statistics(found: Uplift) -> None:
    entered = planted(0.3)
    both = entered.mature & np.isin(entered.arms, ["policy", "holdout"])
    first = entered.arms[both] == "policy"
    plain = adjusted(entered.revenue[both], entered.past_revenue[both], first)
    looked = sequence(entered.revenue[both], entered.past_revenue[both], first, 0.8 / 0.9)
    money = found.contrast("revenue", "holdout")
    assert money is not None
    assert (money.plain.mean, money.adjusted.low) == (plain.plain.mean, plain.adjusted.low)
    assert (money.always.low, money.always.high) == (looked.low[-1], looked.high[-1])


def test_whose_days_are_not_over_is_in_the_groups_and_in_no_comparison() -> None:
    entered = planted(0.3)
    early = replace(entered, as_of=START + timedelta(days=40))
    changed = np.where(early.mature, entered.orders, 1_000.0)
    young = told(replace(early, orders=changed, revenue=10 * changed))
    assert young.contrasts == told(early).contrasts
    assert young.customers == len(entered)
    assert sum(group.counted for group in young.groups) == int(early.mature.sum()) < len(entered)
    assert young.counted_until is not None
    assert young.counted_until <= START + timedelta(days=26)


def test_a_week_is_mature_when_everybodys_days_are_over(found: Uplift) -> None:
    early = told(replace(planted(0.3), as_of=START + timedelta(days=40)))
    assert all(week.mature for week in found.weeks)
    matures = [week.mature for week in early.weeks]
    assert matures == sorted(matures, reverse=True)
    assert 0 < sum(matures) < len(matures)
    for week in early.weeks:
        assert week.begins.weekday() == 0
        over = week.begins + timedelta(days=21) <= early.as_of.date()
        assert week.mature == over


def test_groups_of_wrong_sizes_are_said(found: Uplift) -> None:
    assert not found.mismatch
    assert found.ratio is not None
    assert uplift(planted(0.3), "cart_recovery", {"policy": 0.5, "holdout": 0.5}, LATER).mismatch
    entered = planted(0.3)
    kept = (entered.arms != "holdout") | (np.arange(len(entered)) % 2 == 0)
    names = ("customer_ids", "arms", "at", "orders", "revenue", "past_orders", "past_revenue")
    half = replace(entered, **{name: getattr(entered, name)[kept] for name in names})
    assert told(half).mismatch


def test_made_customers_are_counted_as_such() -> None:
    entered = planted(0.0, 100)
    ids = np.array([f"simulated-{id_}" if i < 30 else id_ for i, id_ in enumerate(entered.customer_ids)], object)
    assert told(replace(entered, customer_ids=ids)).simulated == 30


@pytest.mark.parametrize("customers", [0, 1, 2, 5])
def test_hardly_anybody_is_a_report_too(customers: int) -> None:
    report = told(planted(0.3, customers))
    assert report.customers == customers
    assert msgspec.json.decode(msgspec.json.encode(report), type=Uplift) == report
    assert not any(one.always.above or one.always.below for one in report.contrasts)
