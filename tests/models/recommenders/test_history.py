"""What a history counts: time fades it, and each entry keeps its share."""

import numpy as np
import pytest

from models.arrays import codes_of
from models.recommenders.history import Forgetting, History
from tests.models.recommenders.world import UNTIL, query

IDS = np.array(["a", "b"], object)
FADING = Forgetting(days=10.0, exponent=1.0)


def history(ids: list[str], days: list[float], day: float = UNTIL) -> History:
    asked = query(ids, days=np.array(days))
    return History.of(type(asked)(day, asked.history_ids, asked.days, asked.weights), codes_of(ids, IDS), FADING)


def test_products_gather_what_their_entries_count() -> None:
    found = history(["a", "x", "b", "a"], [UNTIL, UNTIL, UNTIL - 10, UNTIL - 30])
    assert found.products.tolist() == [0, 1]
    assert found.totals.tolist() == pytest.approx([1.25, 0.5])


def test_shares_are_by_weight_and_unknown_entries_get_none() -> None:
    found = history(["a", "x", "b", "a"], [UNTIL, UNTIL, UNTIL - 10, UNTIL - 30])
    shares = found.shared_out(np.array([[10.0], [7.0]]))
    assert shares[:, 0].tolist() == pytest.approx([8.0, 0.0, 7.0, 2.0])


def test_an_entry_after_the_question_counts_as_one_of_this_moment() -> None:
    assert history(["a"], [UNTIL + 50]).totals.tolist() == [1.0]


def test_after_a_long_absence_the_latest_still_count_most() -> None:
    month, decade = (history(["a", "b"], [UNTIL - 60, UNTIL], UNTIL + later).totals for later in (28, 3_650))
    assert month.tolist() == decade.tolist()
    assert month[1] > 2 * month[0]


def test_what_is_remembered_of_a_query_is_not_given_to_another_or_for_another_fading() -> None:
    asked = query(["a", "b"], days=np.array([UNTIL, UNTIL - 10]))
    codes, swapped = codes_of(["a", "b"], IDS), codes_of(["b", "a"], IDS)
    once = History.of(asked, codes, FADING)
    assert History.of(asked, codes, FADING) is once
    assert History.of(asked, swapped, FADING).totals.tolist() == once.totals[::-1].tolist()
    assert History.of(asked, codes, Forgetting(days=10.0, exponent=2.0)).totals.tolist() != once.totals.tolist()
    for turn in range(200):
        age = turn % 28
        other = query(["a"], days=np.array([UNTIL - age]))
        expected = other.weights * FADING.weight(np.array([float(age)]))
        assert History.of(other, codes_of(["a"], IDS), FADING).totals.tolist() == pytest.approx(expected.tolist())
