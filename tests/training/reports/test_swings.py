"""How much numbers swing beyond chance: nothing where chance is all, and what was planted where it is not."""

import numpy as np
import pytest

from models.time_to_event.purchases import Purchases
from training.reports.swings import day_swing, demand_swing, total_swing, weekdays

DAY = 1_000
CUSTOMERS = 4_000


def shop(daily: np.ndarray, seed: int = 0) -> Purchases:
    """Customers who come on days at random, `daily` of them expected on each of the last days, for one pack."""
    rng = np.random.default_rng(seed)
    customers, days = [], []
    for place, expected in enumerate(daily[::-1]):
        come = np.flatnonzero(rng.random(CUSTOMERS) < expected / CUSTOMERS)
        customers.append(come)
        days.append(np.full(len(come), DAY - place))
    who, when = np.concatenate(customers), np.concatenate(days)
    order = np.lexsort((when, who))
    ones, zeros = np.ones(len(who)), np.zeros(len(who), np.int32)
    return Purchases(
        who[order].astype(np.int32),
        zeros,
        when[order].astype(np.int32),
        ones,
        np.full(len(who), np.nan),
        np.array(["milk"], object),
        np.zeros(1, np.int32),
        np.array([""], object),
        CUSTOMERS,
        DAY,
    )


def test_where_chance_is_all_nothing_swings() -> None:
    assert np.median([day_swing(shop(np.full(84, 200.0), seed)) for seed in range(5)]) < 0.03


def test_planted_weekdays_are_found_and_are_no_swing() -> None:
    shares = 1 + 0.3 * np.sin(np.arange(7) * 2 * np.pi / 7)
    for shut in range(3):
        days = np.arange(DAY - 83, DAY + 1) + shut
        found = shop(200 * shares[days % 7])
        assert weekdays(found) == pytest.approx(np.roll(shares, -shut), abs=0.08)
        assert weekdays(found).mean() == pytest.approx(1.0)
        assert day_swing(found) < 0.06


def test_planted_ups_and_downs_that_no_weekday_explains_are_a_swing() -> None:
    fortnightly = 200 * (1 + 0.3 * np.sign(np.sin((np.arange(84) // 7 + 0.5) * np.pi)))
    assert day_swing(shop(fortnightly)) == pytest.approx(0.3, rel=0.15)


def test_demand_that_doubles_in_one_window_swings() -> None:
    steady = demand_swing(shop(np.full(84, 200.0)))
    promoted = demand_swing(shop(np.repeat([200.0, 400.0, 200.0], 28)))
    assert steady < 0.05
    assert promoted == pytest.approx(np.std([1, 2, 1], ddof=1) / np.mean([1, 2, 1]), rel=0.1)
    assert total_swing(shop(np.repeat([200.0, 400.0, 200.0], 28))) == pytest.approx(promoted)


def test_nothing_bought_swings_by_nothing() -> None:
    nothing = shop(np.zeros(84))
    assert (day_swing(nothing), demand_swing(nothing), total_swing(nothing)) == (0.0, 0.0, 0.0)
    assert weekdays(nothing).tolist() == [1.0] * 7
