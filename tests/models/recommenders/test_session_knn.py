"""Session kNN against a naive one, and what its parameters do."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.recommenders.base import Interactions
from models.recommenders.session_knn import SessionKNN
from models.recommenders.sessions import CurrentSession, Sessions
from tests.models.recommenders.test_sessions import HOUR, interactions
from tests.models.recommenders.world import UNTIL, query, random_queries, random_shop

PLAIN = SessionKNN(idf=0.0, length=0.0, ahead=0.5, behind=0.5, repeat=0.0)


def answer(recipe: SessionKNN, history: list[str], data: Interactions) -> dict[str, float]:
    days = UNTIL - HOUR * np.arange(len(history), 0, -1.0)
    return {id_: score for id_, score, _ in recipe.fit(data).recommend([query(history, days)], 9).row(0)}


def test_votes_are_those_of_a_naive_count() -> None:
    recipe = SessionKNN(gap_days=30.0, half_life=60.0)
    data = random_shop(4)
    model, every = recipe.fit(data), Sessions.of(data, 30.0)
    past = every.kept(np.flatnonzero(every.lengths() > 1))
    bounds = list(zip(past.indptr[:-1], past.indptr[1:], strict=True))
    for asked in random_queries(data, 20, seed=8):
        codes = model.vocabulary.codes(asked.history_ids)
        session = CurrentSession.of(asked, codes, codes[:0], 30.0)
        newest: dict[int, int] = {}
        for product, age in zip(session.products.tolist(), session.ages.tolist(), strict=True):
            newest.setdefault(product, age)
        naive = defaultdict[str, float](float)
        for place, (start, end) in enumerate(bounds):
            mine = past.items[start:end].tolist()
            shared = [product for product in newest if product in mine]
            if not shared:
                continue
            near = sum(recipe.fade ** newest[product] * model.idf[product] for product in shared)
            near *= len(mine) ** -recipe.length * 2 ** -((past.ends[-1] - past.ends[place]) / 60)
            steps = past.steps[start:end].tolist()
            anchor = max(step for product, step in zip(mine, steps, strict=True) if product == shared[0])
            for product, step in zip(mine, steps, strict=True):
                vote = recipe.ahead ** max(abs(step - anchor) - 1, 0) * (recipe.behind if step < anchor else 1)
                naive[data.item_ids[product]] += near * vote * (recipe.repeat if product == shared[0] else 1)
        found = {id_: score for id_, score, _ in model.recommend([asked], 99).row(0)}
        assert found == pytest.approx({id_: score for id_, score in naive.items() if score > 0})


def test_what_came_next_counts_more_than_what_came_before_or_later() -> None:
    data = interactions(*((0, id_, hour) for hour, id_ in enumerate("abcd")))
    assert answer(PLAIN, ["b"], data) == pytest.approx({"c": 1.0, "a": 0.5, "d": 0.5})
    assert answer(replace(PLAIN, repeat=1.0), ["b"], data)["b"] == 1.0


def test_only_the_latest_sessions_of_a_product_and_the_nearest_of_these_vote() -> None:
    data = interactions(
        *((n, "a", 24 * n) for n in range(3)), *((n, id_, 24 * n + 1) for n, id_ in enumerate("bcd")), (3, "e", 80)
    )
    assert set(answer(PLAIN, ["a"], data)) == set("bcd")
    assert set(answer(replace(PLAIN, recent=2), ["a"], data)) == {"c", "d"}
    assert set(answer(replace(PLAIN, recent=1), ["b", "a"], data)) == {"a", "d"}
    near = replace(PLAIN, neighbours=1)
    assert set(answer(near, ["c", "a"], data)) == {"c"}
    # Equally near ones come in together: nothing but an order could tell them apart.
    assert set(answer(near, ["a"], data)) == set("bcd")


def test_a_rare_shared_product_says_more_and_a_long_session_less() -> None:
    data = interactions(
        *((n, id_, hour) for n in range(5) for hour, id_ in enumerate("ab")),
        *((5, id_, hour) for hour, id_ in enumerate("cd")),
    )
    even, rare = (answer(replace(PLAIN, idf=idf, fade=1.0, recent=1), ["a", "c"], data) for idf in (0.0, 1.0))
    assert even["b"] == even["d"]
    assert rare["d"] > rare["b"]
    long = interactions((0, "a", 0), (0, "b", 1), (1, "a", 0), (1, "c", 1), (1, "d", 2), (1, "e", 3))
    scores = answer(replace(PLAIN, length=0.5), ["a"], long)
    assert scores["b"] == pytest.approx(scores["c"] * np.sqrt(2))


def test_old_sessions_fade() -> None:
    data = interactions((0, "a", 0), (0, "b", 1), (1, "a", 24), (1, "c", 25))
    scores = answer(replace(PLAIN, half_life=1.0), ["a"], data)
    assert scores["b"] == pytest.approx(scores["c"] / 2)


def test_sessions_that_no_list_reaches_are_not_kept() -> None:
    data = interactions(*((n, id_, 24 * n + hour) for n in range(9) for hour, id_ in enumerate("ab")))
    assert len(SessionKNN(recent=4).fit(data).sessions.ends) == 4


@pytest.mark.parametrize("wrong", [{"recent": 0}, {"neighbours": 0}, {"latest": 0}, {"fade": 0.0}, {"ahead": 1.5}])
def test_parameters_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(SessionKNN(), **wrong)
