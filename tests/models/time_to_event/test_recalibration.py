"""Planted errors of hazards are found and taken off; without evidence nothing moves."""

import numpy as np
import pytest

from models.time_to_event.recalibration import Recalibration


@pytest.mark.parametrize(("shift", "slope"), [(0.0, 1.0), (-0.3, 1.0), (0.2, 0.8), (-0.1, 1.2)])
def test_a_planted_error_is_found(shift: float, slope: float) -> None:
    rng = np.random.default_rng(0)
    true = np.exp(rng.normal(-4.0, 0.8, 100_000))
    days = rng.uniform(1.0, 10.0, len(true))
    events = rng.random(len(true)) < -np.expm1(-true * days / 10)
    stated = np.exp(-4.0 + (np.log(true / 10) + 4.0 - shift) / slope)
    found = Recalibration.of(stated, days / 1.0, events, 1.0)
    assert found.applied(stated).mean() == pytest.approx((true / 10).mean(), rel=0.05)
    assert found.slope == pytest.approx(slope, abs=0.07)


def test_the_order_of_hazards_stays() -> None:
    rng = np.random.default_rng(1)
    stated = np.exp(rng.normal(-4.0, 1.0, 500))
    found = Recalibration.of(stated, np.ones(500), rng.random(500) < 0.5, 1.0)
    order = np.argsort(stated)
    assert (np.diff(found.applied(stated)[order]) >= 0).all()


@pytest.mark.parametrize("bought", [False, True])
def test_little_evidence_moves_little(bought: bool) -> None:
    few = np.full(3, 0.01)
    found = Recalibration.of(few, np.full(3, 7.0), np.full(3, bought), 1_000.0)
    assert found.applied(few) == pytest.approx(few, rel=0.01)


def test_without_a_row_nothing_moves() -> None:
    nothing = np.empty(0)
    assert Recalibration.of(nothing, nothing, nothing.astype(bool), 10.0) == Recalibration()


def test_windows_agree_on_what_went_wrong_in_both() -> None:
    one, other = Recalibration(-0.2, 1.1, 0.02), Recalibration(-0.1, 0.9, 0.03)
    assert one.agreed(other) == Recalibration(-0.1, 1.0, 0.02)
    assert one.agreed(Recalibration(0.3, 1.2, 0.03)) == Recalibration(0.0, one.slope, 0.02)
    assert one.agreed(Recalibration()) == Recalibration(0.0, 1.0, 0.02)
