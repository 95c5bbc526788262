"""What customers add has the measure for its mean and moves as the measure would, were they drawn again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics.ratio import Ratio, mean

rows = st.lists(st.tuples(st.integers(0, 5), st.floats(-9, 9), st.floats(0.5, 3)), min_size=1, max_size=30)


@given(rows)
def test_the_mean_of_customers_is_the_measure(rows: list[tuple[int, float, float]]) -> None:
    customers, over, under = (np.array(column) for column in zip(*rows, strict=True))
    ratio = Ratio(over, under)
    assert ratio.by_customer(customers).mean() == pytest.approx(ratio.value, abs=1e-9)
    assert len(ratio.by_customer(customers)) == len(set(customers.tolist()))


def test_a_customer_with_many_rows_weighs_more_than_one_with_few() -> None:
    ratio = mean(np.array([1.0] * 9 + [0.0]))
    customers = np.array([3] * 9 + [5])
    assert ratio.value == pytest.approx(0.9)
    assert ratio.by_customer(customers).tolist() == pytest.approx([0.9 + 2 * 0.09, 0.9 - 2 * 0.09])


def test_resampling_them_spreads_like_resampling_the_ratio() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 30, 400)
    customers = np.repeat(np.arange(400), sizes)
    values = rng.normal(0, 1, 400)[customers] + rng.normal(0, 1, len(customers))
    drawn = rng.integers(400, size=(500, 400))
    sums, counts = np.bincount(customers, values), np.bincount(customers)
    counted = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    quick = mean(values).by_customer(customers)[drawn].mean(axis=1)
    assert np.corrcoef(counted, quick)[0, 1] > 0.99
    assert counted.std() == pytest.approx(quick.std(), rel=0.05)


def test_what_is_not_known_does_not_count() -> None:
    assert mean(np.array([np.nan, 4.0])).value == 4.0
    assert np.isnan(mean(np.array([np.nan])).value)


def test_customers_of_other_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="one for each row"):
        mean(np.ones(3)).by_customer(np.zeros(2, np.int32))
