"""A replay asks about the last part with what was known before each moment, and nothing of it leaks."""

from dataclasses import replace

import numpy as np

from models.recommenders.replay import replay
from tests.models.recommenders.test_sessions import ABC, interactions
from tests.models.recommenders.world import random_shop


def test_every_late_moment_with_a_history_is_asked_about() -> None:
    data = interactions((0, "a", 0), (0, "b", 10), (0, "c", 20), (0, "d", 20), (1, "e", 21), (1, "f", 22))
    found = replay(data, 0.8, 99)
    told = [[str(id_) for id_ in asked.history_ids] for asked in found.queries]
    assert told == [["a"], ["a", "b"], ["e"]]
    assert [[str(ABC[code]) for code in taken] for taken in found.taken] == [["b"], ["c", "d"], ["f"]]
    assert found.before.items.tolist() == [0]


def test_no_query_knows_its_answer_and_the_model_knows_no_query() -> None:
    data = random_shop(2)
    found = replay(data, 0.3, 10_000)
    assert len(found.queries) > 150
    for asked in found.queries:
        assert asked.days.max() < asked.day
        assert found.before.days.max() < asked.day


def test_many_moments_are_thinned_evenly_over_time() -> None:
    found = replay(random_shop(2), 0.5, 20)
    days = [asked.day for asked in found.queries]
    assert len(days) == 20
    assert days == sorted(days)
    assert max(np.diff(days)) < 0.25 * (days[-1] - days[0])


def test_without_interactions_there_is_nothing_to_ask() -> None:
    data = random_shop(2, size=1)
    assert replay(data, 0.1, 9).queries == []
    nobody = replace(
        data,
        customers=data.customers[:0],
        items=data.items[:0],
        days=data.days[:0],
        weights=data.weights[:0],
    )
    assert replay(nobody, 0.1, 9).queries == ()
