"""Sequences become the family's data without losing their order, and places are counted as the measures say."""

import numpy as np
import pytest

from benchmarks.sequences import SECOND, Asked, ask, interactions, query, thinned
from models.recommenders.recently_viewed import RecentlyViewed
from models.recommenders.sessions import Sessions

SEQUENCES = [[5, 3, 5], [12, 3], [7]]


def test_each_sequence_is_one_session_in_its_order() -> None:
    data = interactions(SEQUENCES)
    sessions = Sessions.of(data, 0.5)
    found = [data.item_ids[part].tolist() for part in np.split(sessions.items, sessions.indptr[1:-1])]
    assert found == [["0000005", "0000003", "0000005"], ["0000012", "0000003"], ["0000007"]]


def test_a_prefix_is_a_history_of_the_last_seconds() -> None:
    asked = query([5, 3], 100.0)
    assert asked.history_ids.tolist() == ["0000005", "0000003"]
    assert asked.days == pytest.approx([100 - 2 * SECOND, 100 - SECOND])


def test_the_place_of_the_target_is_found_and_what_was_had_can_be_left_out() -> None:
    data = interactions(SEQUENCES)
    model = RecentlyViewed().fit(data)
    cases = [([5, 3, 12], 12), ([5, 3, 12], 5), ([5, 3, 12], 7), ([5], 99)]
    assert ask(model, cases, 3, data.until + 1).places.tolist() == [0, 2, 3, 3]
    assert ask(model, cases, 3, data.until + 1, new_only=True).places.tolist() == [3, 3, 3, 3]


def test_measures_of_known_places() -> None:
    asked = Asked(np.array([0, 1, 3, 20]), 20, 0.0)
    assert asked.hit().tolist() == [1, 1, 1, 0]
    assert asked.reciprocal().tolist() == [1, 0.5, 0.25, 0]
    assert asked.gain() == pytest.approx([1, 1 / np.log2(3), 1 / np.log2(5), 0])


def test_a_sample_is_the_same_each_time_and_keeps_the_order() -> None:
    cases = [([place], place) for place in range(100)]
    drawn = thinned(cases, 10, 3)
    assert drawn == thinned(cases, 10, 3)
    assert [target for _, target in drawn] == sorted({target for _, target in drawn})
    assert len(drawn) == 10
    assert thinned(cases, 100, 3) == cases
