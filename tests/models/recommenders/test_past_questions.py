"""Past questions know nothing of their own future."""

from dataclasses import replace

import numpy as np

from models.recommenders.base import Interactions
from models.recommenders.past_questions import PastQuestion
from models.recommenders.past_questions import past_questions as _past_questions
from tests.models.recommenders.world import UNTIL, random_shop

SHOP = random_shop()
DAY = UNTIL - 40


def past_questions(data: Interactions, day: float, horizon: float, length: int) -> list[PastQuestion]:
    return list(_past_questions(data, day, horizon, length, 10_000, np.random.default_rng(0)))


def test_history_lies_before_the_day_and_what_was_taken_within_the_horizon() -> None:
    asked = past_questions(SHOP, DAY, 10.0, 500)
    assert asked
    within = (SHOP.days >= DAY) & (SHOP.days < DAY + 10)
    taken = {
        frozenset(SHOP.items[within & (SHOP.customers == customer)].tolist())
        for customer in set(SHOP.customers[within].tolist())
    }
    for question in asked:
        assert (question.query.days < DAY).all()
        assert question.query.day == DAY
        assert frozenset(question.wanted.tolist()) in taken
        assert set(SHOP.item_ids[question.seen]) == set(question.query.history_ids)


def test_the_future_beyond_the_horizon_changes_nothing() -> None:
    kept = SHOP.days < DAY + 10
    cut = Interactions(
        SHOP.customers[kept],
        SHOP.items[kept],
        SHOP.days[kept],
        SHOP.weights[kept],
        SHOP.item_ids,
        SHOP.customer_count,
        DAY + 10,
    )
    for mine, its in zip(past_questions(SHOP, DAY, 10.0, 500), past_questions(cut, DAY, 10.0, 500), strict=True):
        assert np.array_equal(mine.query.history_ids, its.query.history_ids)
        assert np.array_equal(mine.query.days, its.query.days)
        assert np.array_equal(mine.wanted, its.wanted)


def test_of_a_long_history_the_latest_stays_and_all_of_it_counts_as_seen() -> None:
    whole = {len(question.seen): question for question in past_questions(SHOP, DAY, 10.0, 500)}
    for question in past_questions(SHOP, DAY, 10.0, 3):
        assert len(question.query.days) <= 3
        full = whole[len(question.seen)]
        assert len(full.query.days) < 3 or len(question.query.days) == 3
        assert question.query.days.min() >= np.sort(question.query.days).min()
    longest = max(past_questions(SHOP, DAY, 10.0, 3), key=lambda one: len(one.seen))
    same = next(one for one in past_questions(SHOP, DAY, 10.0, 500) if np.array_equal(one.seen, longest.seen))
    assert np.array_equal(np.sort(longest.query.days), np.sort(same.query.days)[-3:])


def test_only_orders_are_wanted_where_orders_are_known() -> None:
    orders = np.where(SHOP.items % 2 == 0, np.arange(len(SHOP.items)), -1).astype(np.int32)
    asked = past_questions(replace(SHOP, orders=orders), DAY, 10.0, 500)
    assert asked
    assert all((question.wanted % 2 == 0).all() for question in asked)


def test_what_was_not_known_on_that_day_cannot_be_wanted() -> None:
    days = np.where(SHOP.items == 0, UNTIL - 35, SHOP.days)
    late = replace(SHOP, days=days)
    assert not any(0 in question.wanted for question in past_questions(late, DAY, 10.0, 500))
    assert any(0 in question.wanted for question in past_questions(SHOP, DAY, 10.0, 500))


def test_of_many_customers_some_are_drawn() -> None:
    some = list(_past_questions(SHOP, DAY, 10.0, 500, 5, np.random.default_rng(0)))
    assert len(some) == 5 < len(past_questions(SHOP, DAY, 10.0, 500))
    again = list(_past_questions(SHOP, DAY, 10.0, 500, 5, np.random.default_rng(0)))
    assert [len(one.query.days) for one in some] == [len(one.query.days) for one in again]
