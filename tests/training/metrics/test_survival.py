"""Measures of curves by hand and in worlds whose truth is known."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.arrays import Floats, Mask
from training.metrics.survival import (
    SHARE,
    brier,
    calibration,
    covered,
    date_error,
    hit,
    measures,
    restricted_error,
    restricted_mean,
    skill,
)

DAYS = 84
Followed = tuple[Floats, Floats, Mask]


def world(rng: np.random.Generator, count: int) -> Followed:
    """Constant hazards, one each, and days drawn from them: the curves are the truth."""
    hazards = rng.uniform(0.002, 0.1, count)
    curves = (1 - hazards[:, None]) ** np.arange(DAYS + 1)
    times = rng.geometric(hazards).astype(np.float64)
    return curves, np.minimum(times, DAYS), times <= DAYS


def test_the_truth_is_calibrated_covers_and_is_better_than_less_than_the_truth() -> None:
    rng = np.random.default_rng(0)
    curves, times, observed = world(rng, 40_000)
    true = {name: ratio.value for name, ratio in measures(curves, times, observed).items()}
    assert true["coverage"] == pytest.approx(0.8, abs=0.01)
    assert max(calibration(curves, times, observed).values()) < 0.01
    flat = np.broadcast_to(curves.mean(axis=0), curves.shape)
    crowd = {name: ratio.value for name, ratio in measures(flat, times, observed).items()}
    assert crowd["concordance"] == crowd["auc 14"] == 0.5
    assert crowd["skill 14"] == pytest.approx(0.0, abs=0.001)
    assert true["skill 14"] > 0.05
    assert true["concordance"] > 0.6
    assert true["rmae"] < crowd["rmae"]
    hasty = curves**4
    assert measures(hasty, times, observed)["coverage"].value < 0.75
    assert calibration(hasty, times, observed)["ece 14"] > 0.05


def test_shuffled_times_are_worth_nothing() -> None:
    rng = np.random.default_rng(1)
    curves, times, observed = world(rng, 20_000)
    order = rng.permutation(len(times))
    found = measures(curves, times[order], observed[order])
    assert found["concordance"].value == pytest.approx(0.5, abs=0.01)
    assert found["skill 14"].value < 0


def test_a_clock_is_hit_every_time() -> None:
    due = np.array([3.0, 40.0, 84.0, 500.0])
    curves = (np.arange(DAYS + 1) < due[:, None]).astype(np.float64)
    times, observed = np.minimum(due, DAYS), due <= DAYS
    found = {name: ratio.value for name, ratio in measures(curves, times, observed).items()}
    assert restricted_error(curves, times).max() <= 0.5  # a median within the day
    assert found["within 3 days"] == found["concordance"] == found["auc 28"] == found["skill 7"] == 1.0
    assert found["coverage"] == pytest.approx(0.8)


def test_by_hand() -> None:
    curves = np.array([[1.0, 0.75, 0.5, 0.5], [1.0, 1.0, 1.0, 1.0]])
    times, observed = np.array([1.0, 3.0]), np.array([True, False])
    assert restricted_error(curves, times).tolist() == [1.0, 0.0]
    assert date_error(curves, times, observed)[0] == 0.0
    assert np.isnan(date_error(curves, times, observed)[1])
    assert hit(date_error(curves, times, observed), 3)[0] == 1.0
    assert restricted_mean(curves).tolist() == [2.75, 4.0]
    assert brier(np.array([0.25, 0.0]), observed).tolist() == [0.5625, 0.0]
    assert skill(np.array([0.5, 0.5]), observed).value == 0.0


@given(arrays(np.float64, (6, 9), elements=st.floats(0, 0.9)), st.integers(0, 99))
@example(np.array([[0.1] + [0.0] * 8] * 6), 0)  # all of a day on the very end of the interval
def test_coverage_is_the_mean_over_drawn_points(hazards: Floats, seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = np.cumprod(1 - np.hstack([np.zeros((6, 1)), hazards]), axis=1)
    times = rng.integers(1, 10, 6).astype(np.float64)
    observed = (times < 9) | (rng.random(6) < 0.5)
    rows, day = np.arange(6), times.astype(int)
    start = np.where(observed, 1 - curves[rows, day - 1], 1 - curves[:, -1])
    end = np.where(observed, 1 - curves[rows, day], 1.0)
    drawn = start + (end - start) * rng.random((4_000, 6))
    share = ((drawn >= (1 - SHARE) / 2) & (drawn <= (1 + SHARE) / 2)).mean(axis=0)
    assert np.abs(covered(curves, times, observed) - share).max() < 0.05


@given(st.integers(0, 50))
def test_no_order_of_rows_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves, times, observed = world(rng, 60)
    order = rng.permutation(60)
    one, other = measures(curves, times, observed), measures(curves[order], times[order], observed[order])
    for name, ratio in one.items():
        assert ratio.value == pytest.approx(other[name].value, nan_ok=True), name
    assert calibration(curves, times, observed) == pytest.approx(
        calibration(curves[order], times[order], observed[order])
    )


def test_who_was_not_followed_to_the_end_is_refused() -> None:
    curves = np.ones((1, DAYS + 1))
    for time, seen in ((50.0, False), (85.0, True)):
        with pytest.raises(ValueError, match="followed for as long"):
            measures(curves, np.array([time]), np.array([seen]))
