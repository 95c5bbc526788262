import numpy as np
import pytest

from serving.rules.masks import Masks


def test_the_latest_used_are_kept():
    masks = Masks(kept=2)
    first = masks.get("a", lambda: np.zeros(1))
    masks.get("b", lambda: np.zeros(1))
    assert masks.get("a", lambda: np.ones(1)) is first
    masks.get("c", lambda: np.zeros(1))
    assert masks.get("a", lambda: np.ones(1)) is first
    assert masks.get("b", lambda: np.ones(1))[0] == 1
    assert len(masks) == 2


def test_what_raises_is_not_kept():
    masks = Masks()
    with pytest.raises(ZeroDivisionError):
        masks.get("a", lambda: np.array(1 / 0))
    assert masks.get("a", lambda: np.ones(1))[0] == 1
