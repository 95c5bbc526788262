"""Interactions that contradict themselves are refused when they are made."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.models.recommenders.world import ITEMS, UNTIL, random_shop

SHOP = random_shop()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"days": SHOP.days[1:]}, "columns of one length"),
        ({"items": np.full(len(SHOP.items), ITEMS, np.int32)}, "lies outside item_ids"),
        ({"items": np.full(len(SHOP.items), -1, np.int32)}, "lies outside item_ids"),
        ({"customer_count": 3}, "outside customer_count"),
        ({"days": np.full(len(SHOP.items), UNTIL + 0.001)}, "lies after until"),
        ({"weights": np.zeros(len(SHOP.items))}, "weights must be positive"),
        ({"item_ids": SHOP.item_ids[::-1]}, "sorted and without doubles"),
        ({"item_ids": np.array(["same"] * ITEMS, object)}, "sorted and without doubles"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(SHOP, **wrong)
