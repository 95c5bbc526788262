"""Codes of ids: the same whether they are found by bisection, by a dictionary, or remembered from before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import arrays
from models.arrays import codes_of

IDS = st.lists(st.text("abc", max_size=3), unique=True, max_size=30)


@given(IDS, IDS, st.sampled_from([1, 5, 100]))
def test_a_code_is_the_place_of_the_id_however_it_is_found(wanted: list[str], known: list[str], many: int) -> None:
    item_ids = np.array(sorted(known), object)
    expected = [sorted(known).index(id_) if id_ in known else -1 for id_ in wanted]
    asked = np.array(wanted, object)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "_MANY", many)
        for ids in (wanted, asked, asked):
            assert codes_of(ids, item_ids).tolist() == expected


def test_ids_of_two_models_are_looked_up_once_and_nobody_writes_into_what_is_remembered() -> None:
    one = np.array([f"{number:04d}" for number in range(600)], object)
    other = one.copy()
    found = codes_of(other, one)
    assert codes_of(other, one) is found
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 7
    few = one[:20].copy()
    assert codes_of(few, one) is not codes_of(few, one)
