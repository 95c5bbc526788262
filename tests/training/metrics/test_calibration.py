"""A true probability is calibrated, a false one is found out by as much as it is false."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics.calibration import expected_calibration_error, reliability

told = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=60)


def test_what_is_true_is_calibrated_and_what_is_off_is_off_by_that() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(0.05, 0.6, 200_000)
    came = rng.random(200_000) < true
    assert expected_calibration_error(true, came) < 0.006
    assert expected_calibration_error(true + 0.1, came) == pytest.approx(0.1, abs=0.006)


def test_too_bold_is_found_out_though_the_mean_is_right() -> None:
    rng = np.random.default_rng(1)
    came = rng.random(50_000) < 0.5
    bold = rng.permuted(np.repeat([0.1, 0.9], 25_000))
    assert abs(bold.mean() - came.mean()) < 0.01
    assert expected_calibration_error(bold, came) == pytest.approx(0.4, abs=0.01)


def test_bins_hold_equally_many() -> None:
    found = reliability(np.linspace(0, 1, 1_000), np.zeros(1_000, bool), 20)
    assert found.rows.tolist() == [50.0] * 20
    assert (np.diff(found.predicted) > 0).all()


@given(told, st.randoms(use_true_random=False))
def test_no_order_of_rows_counts(rows: list[tuple[int, bool]], random: np.random.Generator) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = (
        reliability(np.array([row[0] / 10 for row in some]), np.array([row[1] for row in some]), 4)
        for some in (rows, shuffled)
    )
    assert one.error == pytest.approx(other.error)
    assert one.rows.sum() == len(rows)
    assert one.observed @ one.rows == pytest.approx(sum(row[1] for row in rows))


def test_nothing_told_is_no_error() -> None:
    assert expected_calibration_error(np.empty(0), np.empty(0, bool)) == 0.0
