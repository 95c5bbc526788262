"""How many customers need something on a day: sums of probabilities that are probabilities, whatever the curves."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.restock_table import CURVE_DAYS, RestockTable
from training.reports.restock_days import DAYS, any_need, customer_chances, due_days, orders
from training.reports.restock_demand import demand, repeats

AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
KEPT = np.array(CURVE_DAYS, np.float64)


def table(needs: list[list[float]], every: float = 7.0, packs: float = 1.0, interval: float = np.nan) -> RestockTable:
    """A table of customers, each with needs of a constant hazard a day; they order once in `every` days on average."""
    rows = [rate for customer in needs for rate in customer]
    curve = np.array([(1 - rate) ** KEPT for rate in rows], np.float32).reshape(-1, len(KEPT))
    count = len(rows)
    columns = {
        "unit_id": np.array([f"food/{place % 3}" for place in range(count)], object),
        "product_id": np.array([f"p{place % 3}" for place in range(count)], object),
        "packs": np.full(count, packs, np.float32),
        "curve": curve,
        "mean_interval": np.full(count, interval, np.float32),
        "next_order": np.tile(((1 - 1 / every) ** KEPT).astype(np.float32), (count, 1)),
    }
    starts = np.cumsum([0, *(len(customer) for customer in needs)]).astype(np.int64)
    ids = np.array([f"c{place:05d}" for place in range(len(needs))], object)
    return RestockTable(AS_OF, 1, ids, starts, columns)


def untitled(_: str) -> str | None:
    return None


rates = st.lists(st.lists(st.floats(0.001, 0.3), min_size=1, max_size=5), min_size=1, max_size=8)


@given(rates, st.floats(1.5, 40.0))
def test_a_day_is_the_sum_over_customers_and_each_is_a_probability(needs: list[list[float]], every: float) -> None:
    found = table(needs, every)
    chances = customer_chances(found)
    assert chances.shape == (len(needs), DAYS)
    assert ((chances >= 0) & (chances <= 1)).all()
    days = due_days(found)
    assert [day.customers.mean for day in days] == pytest.approx(chances.sum(axis=0).tolist(), abs=1e-3)
    assert days[0].day == date(2026, 11, 21)
    for day in days:
        low, mean, high = day.customers.low, day.customers.mean, day.customers.high
        assert 0 <= low <= mean <= high <= len(needs)  # type: ignore[operator]


@given(rates, st.floats(1.5, 40.0))
def test_a_customer_needs_anything_no_less_than_the_likeliest_thing_allows(
    needs: list[list[float]], every: float
) -> None:
    """More needs never make fewer customers; and all needs of one never make more than one customer."""
    chances = customer_chances(table(needs, every))
    more = customer_chances(table([[*customer, 0.05] for customer in needs], every))
    assert (more >= chances - 1e-9).all()


def test_as_many_customers_of_as_many_blocks_as_there_are() -> None:
    """The table is read in blocks: what does not fit into one must neither be lost nor counted twice."""
    one = [0.02] * 170
    small, large = due_days(table([one])), due_days(table([one] * 300))
    for day, days in zip(small, large, strict=True):
        assert days.customers.mean == pytest.approx(300 * (day.customers.mean or 0), rel=1e-3)


def test_needs_that_come_together_count_one_customer() -> None:
    """Twenty needs that are met by one weekly order make about one customer in seven a day, not one a day."""
    chances = customer_chances(table([[1 / 7] * 20], every=7.0))
    assert chances.mean() < 1 / 7 + 0.05
    independent = 1 - (1 - (1 / 7) * (6 / 7) ** 3) ** 20
    assert chances[0, 3] < independent / 2


def test_a_table_without_anybody_foresees_nothing() -> None:
    empty = RestockTable(
        AS_OF,
        0,
        np.empty(0, object),
        np.zeros(1, np.int64),
        {
            "unit_id": np.empty(0, object),
            "product_id": np.empty(0, object),
            "packs": np.empty(0, np.float32),
            "curve": np.empty((0, len(KEPT)), np.float32),
            "mean_interval": np.empty(0, np.float32),
            "next_order": np.empty((0, len(KEPT)), np.float32),
        },
    )
    assert {day.customers.mean for day in due_days(empty)} == {0.0}
    found = demand(empty, untitled)
    assert (found.groups, found.products, found.packs.mean, found.largest) == (0, 0, 0.0, ())


@given(arrays(np.float64, (3, 10), elements=st.floats(0, 0.1)))
def test_orders_are_probabilities_and_no_fewer_than_the_next_one(next_order: np.ndarray) -> None:
    found = orders(next_order)
    assert (found >= next_order - 1e-12).all()
    assert (found <= 1).all()


def test_a_memoryless_customer_orders_as_often_on_every_day() -> None:
    """The renewal of a constant hazard is that hazard."""
    hazard = 0.2
    next_order = np.array([[hazard * (1 - hazard) ** day for day in range(30)]])
    assert orders(next_order)[0] == pytest.approx(np.full(30, hazard))


def test_a_single_need_is_needed_as_often_as_its_own_curve_says_when_every_order_is_for_it() -> None:
    need = np.full((1, 1), 0.3)
    found = any_need(need, np.zeros(1, np.int64), np.full((1, 1), 1.0))
    assert 0.2 < found[0, 0] <= 0.3


def test_demand_sums_packs_over_customers_and_repeats() -> None:
    once = demand(table([[0.1]] * 50, packs=2.0), untitled)
    groups = [one for one in once.largest if one.kind == "group"]
    came = 1 - 0.9**28
    assert sum(one.customers.mean or 0 for one in groups) == pytest.approx(50 * came, rel=1e-3)
    assert sum(one.packs.mean or 0 for one in groups) == pytest.approx(100 * came, rel=1e-3)
    assert once.packs.mean == pytest.approx(100 * came, rel=1e-3)
    weekly = demand(table([[0.1]] * 50, packs=2.0, interval=7.0), untitled)
    assert (weekly.packs.mean or 0) > 2 * (once.packs.mean or 0)


def test_the_repeats_of_a_memoryless_customer_are_those_of_a_poisson_process() -> None:
    """In simulation: bought first by the curve, then again at the mean interval."""
    rng = np.random.default_rng(7)
    hazard, interval, days = 0.1, 5.0, 28
    curve = np.array([[(1 - hazard) ** day for day in range(days + 1)]])
    mean, variance = repeats(curve, np.array([interval]))
    first = rng.geometric(hazard, 200_000)
    left = np.maximum(days - first, 0)
    counts = np.where(first <= days, 1 + rng.poisson(left / interval), 0)
    assert mean[0] == pytest.approx(counts.mean(), rel=0.02)
    assert variance[0] == pytest.approx(counts.var(), rel=0.03)


def test_groups_and_products_are_called_as_people_call_them() -> None:
    found = demand(table([[0.1, 0.2, 0.3]]), {"p0": "Milk"}.get)
    assert {one.title for one in found.largest if one.kind == "group"} == {"0", "1", "2"}
    assert {one.title for one in found.largest if one.kind == "product"} == {"Milk", None}
    packs = [one.packs.mean for one in found.largest if one.kind == "group"]
    assert packs == sorted(packs, reverse=True)  # type: ignore[type-var]
