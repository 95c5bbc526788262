"""The interval covers the truth about as often as it says, and pairs what belongs together."""

import numpy as np
import pytest

from training.bootstrap import paired


def test_95_per_cent_intervals_cover_about_95_per_cent() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        noise = rng.normal(0.1, 1, 200)
        interval = paired(noise, np.zeros(200), rng, draws=200)
        covered += interval.low <= 0.1 <= interval.high
    assert 0.90 <= covered / 300 <= 0.98


def test_pairing_takes_out_what_customers_have_in_common() -> None:
    rng = np.random.default_rng(1)
    hard = rng.normal(0, 10, 500)
    interval = paired(hard + 0.1, hard, rng)
    assert interval.low == pytest.approx(0.1)
    assert interval.high == pytest.approx(0.1)


def test_the_same_generator_gives_the_same_interval() -> None:
    mine, other = np.random.default_rng(2).random((2, 90))
    one, again = (paired(mine, other, np.random.default_rng(3)) for _ in range(2))
    assert one == again
    assert one.low < one.mean < one.high


@pytest.mark.parametrize("other", [np.zeros(3), np.zeros(0)])
def test_different_customers_are_refused(other: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    with pytest.raises(ValueError, match="same customers twice"):
        paired(np.zeros(len(other) and 2), other, np.random.default_rng(0))
