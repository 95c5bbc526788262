import numpy as np
import pytest

from models.arrays import codes_of, spread, united
from models.catalogue import Catalogue

IDS = np.array(["a", "c", "e"], object)
COLOURS = Catalogue(
    1.0, IDS, {"colour": np.array(["red", None, "blue"], object)}, {"price": np.array([1.0, np.nan, 3.0])}
)


def test_columns_are_read_for_any_products() -> None:
    asked = np.array(["b", "c", "e"], object)
    assert COLOURS.text("colour", asked).tolist() == [None, None, "blue"]
    assert COLOURS.number("price", asked).tolist() == pytest.approx([np.nan, np.nan, 3.0], nan_ok=True)


def test_a_column_that_nobody_told_is_unknown_for_all() -> None:
    assert COLOURS.text("brand", IDS).tolist() == [None] * 3
    assert np.isnan(Catalogue.bare().number("price", IDS)).all()


def test_columns_of_another_length_and_unsorted_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="column price has 2 entries for 3 products"):
        Catalogue(1.0, IDS, numbers={"price": np.zeros(2)})
    with pytest.raises(ValueError, match="sorted"):
        Catalogue(1.0, IDS[::-1])


def test_united_ids_hold_all_of_both_once_and_spread_keeps_each_value_with_its_product() -> None:
    wide = united(IDS, np.array(["0", "c", "d", "z"], object))
    assert wide.tolist() == ["0", "a", "c", "d", "e", "z"]
    values = spread(np.array([[1.0], [2.0], [3.0]]), IDS, wide)
    assert values[codes_of(IDS, wide)].tolist() == [[1.0], [2.0], [3.0]]
    assert values.sum() == 6.0
