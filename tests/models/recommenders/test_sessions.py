"""Sessions are cut at pauses, know order and simultaneity, and forget whose they were."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import codes_of
from models.recommenders.base import Interactions, Query
from models.recommenders.sessions import CurrentSession, Sessions
from tests.models.recommenders.world import UNTIL, query, random_shop

HOUR = 1 / 24
ABC = np.array(list("abcdef"), object)


def interactions(*entries: tuple[int, str, float], weights: list[float] | None = None) -> Interactions:
    """(customer, product, hours after the start) each."""
    customers, ids, hours = zip(*entries, strict=True)
    return Interactions(
        customers=np.array(customers, np.int32),
        items=codes_of(ids, ABC),
        days=UNTIL - 10 + HOUR * np.array(hours, float),
        weights=np.ones(len(ids)) if weights is None else np.array(weights),
        item_ids=ABC,
        customer_count=max(customers) + 1,
        until=UNTIL,
    )


def contents(sessions: Sessions) -> list[list[tuple[str, int]]]:
    bounds = zip(sessions.indptr[:-1], sessions.indptr[1:], strict=True)
    return [
        [(str(ABC[sessions.items[place]]), int(sessions.steps[place])) for place in range(start, end)]
        for start, end in bounds
    ]


def current(asked: Query, gap_days: float = 0.5) -> list[tuple[str, int, int]]:
    codes, context = codes_of(asked.history_ids, ABC), codes_of(asked.context_ids, ABC)
    found = CurrentSession.of(asked, codes, context, gap_days)
    products = (str(ABC[code]) for code in found.products)
    return list(zip(products, found.ages.tolist(), found.entries.tolist(), strict=True))


def test_a_pause_ends_a_session_and_customers_are_kept_apart() -> None:
    data = interactions((0, "a", 0), (0, "b", 1), (0, "c", 20), (1, "d", 0.5), (1, "e", 1.5))
    assert contents(Sessions.of(data, 0.5)) == [[("a", 0), ("b", 1)], [("d", 0), ("e", 1)], [("c", 0)]]
    assert contents(Sessions.of(data, 1.0)) == [[("d", 0), ("e", 1)], [("a", 0), ("b", 1), ("c", 2)]]


def test_what_shares_a_moment_shares_a_step_and_stands_there_once() -> None:
    data = interactions((0, "b", 0), (0, "a", 0), (0, "b", 0), (0, "b", 1), weights=[0.1, 1, 0.3, 0.1])
    sessions = Sessions.of(data, 0.5)
    assert contents(sessions) == [[("a", 0), ("b", 0), ("b", 1)]]
    assert sessions.weights.tolist() == [1, 0.3, 0.1]


@given(seed=st.integers(0, 50), gap=st.floats(0.1, 60))
@settings(max_examples=25, deadline=None)
def test_nothing_is_lost_and_neither_order_nor_customers_show(seed: int, gap: float) -> None:
    data = random_shop(seed, size=200)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(200), rng.permutation(data.customer_count).astype(np.int32)
    shuffled = replace(
        data,
        customers=names[data.customers[order]],
        items=data.items[order],
        days=data.days[order],
        weights=data.weights[order],
    )
    mine, its = Sessions.of(data, gap), Sessions.of(shuffled, gap)
    for name in ("indptr", "items", "steps", "weights", "ends"):
        assert np.array_equal(getattr(mine, name), getattr(its, name)), name
    assert sorted(mine.items) == sorted(data.items)
    assert (np.diff(mine.ends) >= 0).all()
    assert (mine.steps[mine.indptr[:-1]] == 0).all()


def test_the_current_session_is_the_last_one_newest_first_however_long_ago() -> None:
    asked = query(["a", "b", "c", "x", "b"], UNTIL - 900 + HOUR * np.array([0, 20, 21, 21.5, 22.0]))
    assert current(asked) == [("b", 0, 4), ("c", 1, 2), ("b", 2, 1)]


def test_entries_of_one_moment_have_one_age_and_those_of_the_future_count_as_now() -> None:
    asked = query(["a", "b", "c", "d"], np.array([UNTIL - HOUR, UNTIL, UNTIL + 1, UNTIL - HOUR]))
    assert current(asked) == [("b", 0, 1), ("c", 0, 2), ("a", 1, 0), ("d", 1, 3)]


def test_the_context_is_the_newest_step_unless_it_is_that_already() -> None:
    asked = query(["a", "b"], np.array([UNTIL - HOUR, UNTIL]))
    assert current(replace(asked, context_ids=("c", "x"))) == [("c", 0, -1), ("b", 1, 1), ("a", 2, 0)]
    assert current(replace(asked, context_ids=("b",))) == current(asked)
    assert current(Query(day=UNTIL, context_ids=("c",))) == [("c", 0, -1)]


@pytest.mark.parametrize("ids", [[], ["x"]])
def test_nothing_known_is_no_session(ids: list[str]) -> None:
    assert current(query(ids)) == []


def test_no_interactions_are_no_sessions() -> None:
    nobody = replace(
        interactions((0, "a", 0)),
        customers=np.empty(0, np.int32),
        items=np.empty(0, np.int32),
        days=np.empty(0),
        weights=np.empty(0),
    )
    assert contents(Sessions.of(nobody, 1.0)) == []
