"""What was in hand last comes first, once, however often and for whatever it was taken up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import Catalogue
from models.recommenders.recently_viewed import RecentlyViewed
from tests.models.recommenders.world import UNTIL, query, random_shop

MODEL = RecentlyViewed().fit(random_shop())
IDS = MODEL.item_ids


@given(st.lists(st.tuples(st.sampled_from(IDS.tolist()), st.integers(0, 300)), max_size=30))
def test_distinct_products_in_the_order_of_their_latest_entry(history: list[tuple[str, int]]) -> None:
    asked = query([id_ for id_, _ in history], np.array([UNTIL - age for _, age in history], float))
    ages: dict[str, int] = {}
    for id_, age in history:
        ages[id_] = min(age, ages.get(id_, age))
    expected = sorted(ages, key=lambda id_: (ages[id_], id_))
    assert [id_ for id_, _, _ in MODEL.recommend([asked], 40).row(0)] == expected


def test_the_weight_of_an_entry_does_not_matter() -> None:
    asked = query(IDS[:3], np.array([UNTIL - 3, UNTIL - 2, UNTIL - 1]), np.array([5.0, 0.1, 0.2]))
    assert [id_ for id_, _, _ in MODEL.recommend([asked], 3).row(0)] == IDS[[2, 1, 0]].tolist()


def test_entries_of_one_moment_share_the_score_and_older_ones_have_none_of_it() -> None:
    asked = query(IDS[[0, 0, 0]], np.array([UNTIL - 5, UNTIL - 1, UNTIL - 1]))
    assert MODEL.contributions(asked, [IDS[0], IDS[1]]).tolist() == [[0, 0], [0.25, 0], [0.25, 0]]


def test_moments_of_a_second_ago_are_told_apart_ten_years_later() -> None:
    asked = query(IDS[[4, 3]], np.array([UNTIL, UNTIL + 1 / 86_400]))
    answer = MODEL.recommend([replace(asked, day=UNTIL + 3_650)], 2)
    assert [id_ for id_, _, _ in answer.row(0)] == IDS[[3, 4]].tolist()


def test_a_product_added_since_can_have_been_viewed() -> None:
    wider = MODEL.extended(Catalogue(UNTIL, np.array(["new"], object)))
    assert wider.recommend([query(["new"])], 1).row(0) == [("new", pytest.approx(0.5), "recently_viewed")]
