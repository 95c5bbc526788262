"""Sequence rules against a naive count, and what their parameters do."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.recommenders.base import Interactions
from models.recommenders.sequence_rules import SequenceRules
from models.recommenders.sessions import Sessions
from tests.models.recommenders.test_sessions import HOUR, interactions
from tests.models.recommenders.world import UNTIL, query, random_shop

CHAIN = interactions((0, "a", 0), (0, "b", 1), (0, "c", 2), (0, "a", 3), (1, "a", 0), (1, "b", 1))


def answer(recipe: SequenceRules, history: list[str], data: Interactions = CHAIN) -> dict[str, float]:
    model = recipe.fit(data)
    days = UNTIL - HOUR * np.arange(len(history), 0, -1.0)
    return {id_: score for id_, score, _ in model.recommend([query(history, days)], 9).row(0)}


def test_rules_are_those_of_a_naive_count() -> None:
    data = random_shop(3)
    recipe = SequenceRules(30.0, steps=3, nearness=0.5, backward=0.0, power=1.0, alpha=0.0, neighbours=99)
    sessions, naive = Sessions.of(data, 30.0), Counter[tuple[int, int]]()
    for start, end in zip(sessions.indptr[:-1], sessions.indptr[1:], strict=True):
        for one in range(start, end):
            for other in range(start, end):
                distance = int(sessions.steps[other] - sessions.steps[one])
                if 1 <= distance <= 3:
                    weight = sessions.weights[one] * sessions.weights[other] * distance**-0.5
                    naive[int(sessions.items[one]), int(sessions.items[other])] += weight
    model, width = recipe.fit(data), len(data.item_ids)
    expected = np.array([[naive[one, other] for other in range(width)] for one in range(width)])
    found = model.rows.lookup(np.arange(width), np.arange(width, dtype=np.int32)) + np.diag(model.own)
    assert found == pytest.approx(expected, rel=1e-5)


def test_order_and_distance_count() -> None:
    found = answer(SequenceRules(alpha=0.0, backward=0.0), ["a"])
    assert found == pytest.approx({"b": 2.0, "c": 1 / 2, "a": 1 / 3})
    assert "a" not in answer(SequenceRules(backward=0.0, repeats=False), ["a"])
    assert set(answer(SequenceRules(backward=0.0), ["c"])) == {"a"}
    assert set(answer(SequenceRules(backward=0.1), ["c"])) == {"a", "b"}
    assert set(answer(SequenceRules(backward=0.0, steps=1), ["a"])) == {"b"}


def test_the_latest_step_has_the_most_to_say_and_earlier_sessions_nothing() -> None:
    recipe = SequenceRules(alpha=0.0, backward=0.0, fade=0.5)
    alone, before = answer(recipe, ["a"]), answer(recipe, ["b"])
    for id_, score in answer(recipe, ["b", "a"]).items():
        assert score == pytest.approx(alone.get(id_, 0) + 0.5 * before.get(id_, 0))
    model = recipe.fit(CHAIN)
    asked = query(["c", "a"], np.array([UNTIL - 3, UNTIL]))
    assert model.recommend([asked], 5).row(0) == model.recommend([query(["a"])], 5).row(0)


def test_a_basket_leads_both_ways_but_no_product_to_itself() -> None:
    basket = interactions((0, "a", 0), (0, "b", 0), (0, "c", 1))
    assert answer(SequenceRules(alpha=0.0, backward=0.0), ["b"], basket) == pytest.approx({"a": 1.0, "c": 1.0})


def test_rare_sources_and_common_targets_are_weighed_as_told() -> None:
    data = interactions(*[(n, id_, hour) for n in range(4) for hour, id_ in enumerate("ab")], (4, "c", 0), (4, "b", 1))
    plain, evened = (answer(SequenceRules(alpha=alpha, backward=0.0), ["c", "a"], data) for alpha in (0.0, 1.0))
    assert plain["b"] == pytest.approx(4 + 0.5)
    assert evened["b"] == pytest.approx(1 + 0.5)
    rare = interactions(*[(n, id_, hour) for n in range(4) for hour, id_ in enumerate("ab")], (4, "a", 0), (4, "c", 1))
    scores = answer(SequenceRules(alpha=0.0, backward=0.0, beta=1.0), ["a"], rare)
    assert scores["b"] == pytest.approx(scores["c"])


def test_old_sessions_fade() -> None:
    data = interactions((0, "a", 0), (0, "b", 1), (1, "a", 24), (1, "c", 25))
    scores = answer(SequenceRules(alpha=0.0, backward=0.0, half_life=1.0), ["a"], data)
    assert scores["b"] == pytest.approx(scores["c"] / 2)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"neighbours": 0}, {"fade": 0.0}])
def test_parameters_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(SequenceRules(), **wrong)
