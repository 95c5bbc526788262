"""Popularity counts what its half-life and window say."""

import numpy as np
import pytest

from models.recommenders.base import Interactions
from models.recommenders.popularity import Popularity
from tests.models.recommenders.world import UNTIL, query


def shop(days: list[float], items: list[int], until: float = UNTIL) -> Interactions:
    return Interactions(
        customers=np.arange(len(items), dtype=np.int32),
        items=np.array(items, np.int32),
        days=np.array(days),
        weights=np.ones(len(items)),
        item_ids=np.array(["a", "b", "c"], object),
        customer_count=len(items),
        until=until,
    )


FASHION = shop([UNTIL - 60] * 3 + [UNTIL - 1] * 2, [0, 0, 0, 1, 1])
"""`a` sold three times two months ago, `b` twice yesterday, `c` never."""


@pytest.mark.parametrize(
    ("recipe", "best"),
    [
        (Popularity(half_life=None), ["a", "b"]),
        (Popularity(half_life=14.0), ["b", "a"]),
        (Popularity(half_life=None, window=30.0), ["b"]),
        (Popularity(half_life=1e6), ["a", "b"]),
    ],
)
def test_what_is_popular_depends_on_how_far_one_looks_back(recipe: Popularity, best: list[str]) -> None:
    assert [id_ for id_, _, _ in recipe.fit(FASHION).recommend([query([])], 3).row(0)] == best


def test_a_half_life_halves() -> None:
    model = Popularity(half_life=10.0).fit(shop([UNTIL, UNTIL - 10, UNTIL - 20], [0, 1, 2]))
    assert model.counts.tolist() == pytest.approx([1, 0.5, 0.25])


def test_a_shop_that_sleeps_keeps_its_last_answer() -> None:
    awake = Popularity(half_life=2.0, window=30.0).fit(FASHION)
    asleep = Popularity(half_life=2.0, window=30.0).fit(shop(list(FASHION.days), list(FASHION.items), UNTIL + 5_000))
    assert awake.counts.tolist() == asleep.counts.tolist()
    assert asleep.counts.max() > 0


@pytest.mark.parametrize("half_life", [0.0, -1.0])
def test_a_half_life_that_is_not_positive_is_refused(half_life: float) -> None:
    with pytest.raises(ValueError, match="None to keep everything"):
        Popularity(half_life=half_life).fit(FASHION)
