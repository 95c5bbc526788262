"""Lines hold what was bought by a day, and leave out what was not."""

import numpy as np
import pytest

from models.time_to_event.lines import Lines

TEA = np.array(["tea"], object)


def lines(days: list[int], quantities: list[float], prices: list[float], day: int = 10) -> Lines:
    """Lines of one customer who buys tea."""
    nothing = np.zeros(len(days), np.int32)
    return Lines.of(nothing, nothing, np.array(days, np.int32), np.array(quantities), np.array(prices), TEA, 1, day)


def test_what_was_not_bought_yet_or_not_at_all_is_left_out() -> None:
    found = lines([1, 2, 3, 11], [1, 0, -2, 1], [1.0, 1.0, 1.0, 1.0])
    assert found.days.tolist() == [1]
    assert found.day == 10


def test_a_quantity_that_is_no_number_is_one_and_an_odd_price_is_unknown() -> None:
    found = lines([1, 2, 3], [np.nan, np.inf, 2.0], [-1.0, 0.0, np.nan])
    assert found.packs.tolist() == [1.0, 1.0, 2.0]
    np.testing.assert_array_equal(found.prices, [np.nan, 0.0, np.nan])


def test_lines_refuse_what_would_be_a_leak_or_nonsense() -> None:
    good = lines([1], [1.0], [1.0])
    columns = (good.customers, good.products)
    with pytest.raises(ValueError, match="after day=0"):
        Lines(*columns, good.days, good.packs, good.prices, TEA, 1, 0)
    with pytest.raises(ValueError, match="positive"):
        Lines(*columns, good.days, -good.packs, good.prices, TEA, 1, 10)
    with pytest.raises(ValueError, match="one length"):
        Lines(*columns, good.days, good.packs[:0], good.prices, TEA, 1, 10)
