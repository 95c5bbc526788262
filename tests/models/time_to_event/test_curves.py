"""What is read from a curve is what a fine walk along it finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.arrays import Floats
from models.time_to_event.curves import daily, due_within, expected_day, quantile
from models.time_to_event.durations import HORIZON
from models.time_to_event.mean_interval import MeanInterval
from tests.models.time_to_event.test_contract import DURATIONS, PAIRS

falls = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(2, 30)), elements=st.floats(0.0, 1.0))


def curves_of(parts: Floats) -> Floats:
    """Curves that start at 1 and keep a share of what is left every day."""
    kept = parts.copy()
    kept[:, 0] = 1.0
    return np.asarray(np.cumprod(kept, axis=1), np.float64)


@given(falls, st.floats(0.01, 0.99))
def test_at_the_quantile_the_curve_has_fallen_by_its_share(parts: Floats, share: float) -> None:
    curves = curves_of(parts)
    last = curves.shape[1] - 1
    for curve, day in zip(curves, quantile(curves, share), strict=True):
        if np.isinf(day):
            assert curve[-1] > 1 - share
        else:
            assert 0 < day <= last
            assert np.interp(day, np.arange(last + 1), curve) <= 1 - share + 1e-9
            assert np.interp(max(day - 1e-3, 0), np.arange(last + 1), curve) >= 1 - share - 1e-9


@given(falls, st.floats(0.01, 0.98), st.floats(0.01, 0.98))
def test_a_larger_share_is_reached_later(parts: Floats, one: float, other: float) -> None:
    curves = curves_of(parts)
    low, high = sorted((one, other))
    assert (quantile(curves, low) <= quantile(curves, high)).all()


@given(falls, st.integers(0, 40))
def test_due_within_grows_with_the_days_and_ends_with_the_curve(parts: Floats, days: int) -> None:
    curves = curves_of(parts)
    due = due_within(curves, days)
    assert (due == 1 - curves[:, min(days, curves.shape[1] - 1)]).all()
    assert (due <= due_within(curves, days + 1)).all()


@given(falls)
def test_the_expected_day_lies_within_the_curve_and_halves_who_come(parts: Floats) -> None:
    curves = curves_of(parts)
    last = curves.shape[1] - 1
    for curve, day in zip(curves, expected_day(curves), strict=True):
        assert 0 <= day <= last
        if curve[-1] < 1 - 1e-6:
            assert np.interp(day, np.arange(last + 1), curve) == pytest.approx((1 + curve[-1]) / 2, abs=1e-6)


@pytest.mark.parametrize("days", [1, 30, HORIZON])
def test_by_day_is_what_the_model_says_of_each_day(days: int) -> None:
    model = MeanInterval().fit(DURATIONS)
    curves = daily(model, PAIRS, days)
    assert curves.shape == (len(PAIRS), days + 1)
    for day in (0, days // 2, days):
        assert (curves[:, [day]] == model.survival(PAIRS, np.array([float(day)]))).all()
