"""The law of delays is that of the world, whatever part of it was watched, and says so where it knows nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.policy.maturing import DelayLaw, delay_law, still_to_come

WINDOW = 72.0


def world(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everybody's age, and when who buys does so: a third buys, after 20 hours on average, worth 6 on average."""
    rng = np.random.default_rng(seed)
    ages = rng.uniform(0, WINDOW, n)
    when = np.where(rng.random(n) < 1 / 3, rng.exponential(20, n), np.inf)
    return ages, np.where(when < ages, when, np.nan), np.where(when < ages, rng.exponential(6, n), 0.0)


def test_what_is_known_and_what_is_expected_are_together_what_comes_in_the_end() -> None:
    ages, bought, earned = world(60_000, 1)
    law = delay_law(ages, bought, earned)
    waiting = np.isnan(bought) & (ages < 60)
    expected = np.where(waiting, law.remaining(ages, np.full(len(ages), 60.0)), earned)[ages < 60]
    true = 6 / 3 * (1 - np.exp(-60 / 20))
    assert expected.mean() == pytest.approx(true, rel=0.03)


def test_counting_open_windows_as_zeros_would_lose_a_quarter_of_it() -> None:
    ages, _, earned = world(60_000, 1)
    assert earned[ages < 60].mean() < 0.75 * 6 / 3 * (1 - np.exp(-60 / 20))


def test_late_messages_are_expected_to_bring_their_orders_late() -> None:
    rng = np.random.default_rng(2)
    ages, late = rng.uniform(0, WINDOW, 60_000), np.arange(60_000) % 2
    when = np.where(rng.random(60_000) < 1 / 3, rng.exponential(5, 60_000) + 48 * late, np.inf)
    bought, windows = np.where(when < ages, when, np.nan), np.full(60_000, WINDOW - 1)
    earned = np.where(when < ages, 6.0, 0.0)

    def worth(kinds: list[str]) -> np.ndarray:
        told = earned + np.where(np.isnan(bought), still_to_come(kinds, ages, windows, bought, earned), 0.0)
        return np.array([told[late == one].mean() for one in (0, 1)])

    assert worth(["48h" if one else "1h" for one in late]) == pytest.approx(2.0, rel=0.05)
    assert worth(["any"] * 60_000)[1] < 1.7  # by one law for all


def test_a_kind_of_which_little_is_known_has_the_law_of_all() -> None:
    ages, bought, earned = world(3_000, 3)
    windows, kinds = np.full(3_000, WINDOW - 5), np.where(np.arange(3_000) < 40, "rare", "usual").tolist()
    told = still_to_come(kinds, ages, windows, bought, earned)
    of_all = delay_law(ages, bought, earned).remaining(ages, windows)
    assert np.array_equal(told[:40], of_all[:40], equal_nan=True)
    assert not np.array_equal(told[40:], of_all[40:], equal_nan=True)


def test_nothing_is_said_of_hours_that_nobody_was_watched_for() -> None:
    law = delay_law(np.full(50, 10.0), np.where(np.arange(50) < 10, 5.0, np.nan), np.full(50, 2.0))
    assert np.isnan(law.remaining(np.array([3.0]), np.array([24.0]))).all()
    assert np.isfinite(law.remaining(np.array([3.0]), np.array([10.0]))).all()


def test_without_a_purchase_nothing_is_expected_and_without_decisions_nothing_is_known() -> None:
    nobody = delay_law(np.full(5, 24.0), np.full(5, np.nan), np.zeros(5))
    assert nobody.remaining(np.array([1.0]), np.array([24.0])).tolist() == [0.0]
    empty = delay_law(np.empty(0), np.empty(0), np.empty(0))
    assert np.isnan(empty.remaining(np.array([1.0]), np.array([24.0]))).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=100), st.floats(1, 100))
def test_the_longer_one_waits_the_less_is_left_and_nothing_at_the_end(hazard: list[float], worth: float) -> None:
    law = DelayLaw(np.array(hazard), worth)
    window = float(len(hazard))
    left = law.remaining(np.linspace(0, window, 200), np.full(200, window))
    assert (np.diff(left) <= 1e-9).all()
    assert left[-1] == 0
    assert left[0] <= worth + 1e-9
