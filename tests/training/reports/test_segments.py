"""Segments: everybody is in one, and revenue and customers add up however they are cut."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.customer_segments import WITHOUT_ORDER, Customers, Forecast, deciles, keys, scores
from features.reports.segments import Segments
from tests.training.policy.planted import START
from training.reports.segments import Foreseen, Known, segments

LATER = START + timedelta(days=30)


def customers(frequency: list[int], recency: list[float], money: list[float]) -> Customers:
    ids = np.array([f"c{place}" for place in range(len(frequency))], object)
    late = np.where(np.array(frequency) > 0, np.array(recency, np.float64), np.nan)
    spent = np.where(np.array(frequency) > 0, np.array(money, np.float64), 0.0)
    return Customers(ids, late, np.array(frequency, np.float64), spent)


people = st.integers(0, 60).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 6), min_size=n, max_size=n),
        st.lists(st.integers(0, 400).map(float), min_size=n, max_size=n),
        st.lists(st.integers(0, 10_000).map(lambda cents: cents / 100), min_size=n, max_size=n),
    )
)


def told(known: Customers, foreseen: Foreseen | None = None, checked: Foreseen | None = None) -> Segments:
    return segments(Known((LATER, known), foreseen, checked, None), LATER, LATER)


@given(people)
@settings(deadline=None)
def test_segments_partition_the_customers(given_: tuple[list[int], list[float], list[float]]) -> None:
    known = customers(*given_)
    found = told(known)
    assert found.customers == len(known.customer_ids)
    assert found.without_order + sum(cell.customers for cell in found.cells) == found.customers
    for classes in (found.recency, found.frequency, found.monetary):
        assert sum(one.customers for one in classes) + found.without_order == found.customers
        assert sum(one.revenue for one in classes) == pytest.approx(found.revenue, abs=0.05)
        assert all(one.least <= one.most for one in classes)
    assert sum(cell.revenue for cell in found.cells) == pytest.approx(found.revenue, abs=0.2)
    if found.cells:
        assert sum(cell.customers_share for cell in found.cells) == pytest.approx(1)
    sizes = {cell.key: cell.customers for cell in found.cells} | {WITHOUT_ORDER: found.without_order}
    mine = keys(known, found.edges).tolist()
    assert {key: mine.count(key) for key in sizes} == sizes


@given(people)
@settings(deadline=None)
def test_who_bought_more_later_or_dearer_is_never_in_a_lower_class(
    given_: tuple[list[int], list[float], list[float]],
) -> None:
    known = customers(*given_)
    found, ordered = scores(known, told(known).edges), known.ordered
    for name, values in (("recency", -known.recency), ("frequency", known.frequency), ("monetary", known.monetary)):
        order = np.argsort(values[ordered], kind="stable")
        assert (np.diff(found[name][ordered][order]) >= 0).all()
        assert ((found[name] == 0) == ~ordered).all()
        for value in set(values[ordered].tolist()):
            assert len(set(found[name][ordered][values[ordered] == value].tolist())) == 1


def test_fifths_are_fifths_where_values_differ() -> None:
    rng = np.random.default_rng(1)
    found = told(customers([*range(1, 1_001)], rng.permutation(1_000.0 + np.arange(1_000)).tolist(), [1.0] * 1_000))
    assert [one.customers for one in found.recency] == [200] * 5
    assert [one.customers for one in found.frequency] == [200] * 5
    assert (found.frequency[4].least, found.frequency[4].most) == (801, 1_000)
    assert (found.recency[4].least, found.recency[4].most) == (1_000, 1_199)
    assert len(found.monetary) == 1


def test_deciles_say_what_was_foreseen_and_what_came() -> None:
    rng = np.random.default_rng(2)
    chance = np.sort(rng.random(2_000))
    ids = np.array([f"c{place:04d}" for place in range(2_000)], object)
    came = ids[rng.random(2_000) < chance].tolist()
    forecast = Forecast(ids, chance)
    found = told(customers([], [], []), Foreseen(LATER, forecast), Foreseen(START, forecast, came))
    assert [one.customers for one in found.checked] == [200] * 10
    assert sum(one.came.count for one in found.checked if one.came) == len(came)
    for one in found.checked:
        assert one.came is not None
        assert one.came.value == pytest.approx(one.expected, abs=0.12)
        assert one.least <= one.expected <= one.most
    assert all(one.came is None for one in found.deciles)
    sizes = np.bincount(deciles(forecast, found.edges), minlength=11)[1:]
    assert sizes.tolist() == [one.customers for one in found.deciles]


@pytest.mark.parametrize("count", [0, 1])
def test_almost_nobody_makes_sense(count: int) -> None:
    found = told(customers([1] * count, [3.0] * count, [5.0] * count))
    assert (found.customers, found.without_order, found.revenue) == (count, 0, 5.0 * count)
    assert [cell.customers for cell in found.cells] == [1] * count
    assert segments(Known(None, None, None, None), LATER, LATER).customers == 0
