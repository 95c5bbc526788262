"""Quantities: whole packs, drawn from own habit to the group's, the same alone and in a batch, never absurd."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.arrays import Mask
from models.time_to_event.pairs import Watch, pairs_at
from models.time_to_event.purchases import Purchases
from models.time_to_event.quantity import Quantity

EVERYBODY = Watch(purchases=1, days=10_000)
UNITS = np.array(["bread", "eggs", "milk", "soap"], object)
PARENTS = np.array([0, 0, 0, 1], np.int32)
DEPARTMENTS = np.array(["food", "home"], object)


def purchases(
    rows: list[tuple[int, str, int, float]], customers: int = 50, day: int = 400, units: tuple[str, ...] = tuple(UNITS)
) -> Purchases:
    """From (customer, unit, day, packs)."""
    unit_ids = np.array(units, object)
    known = [str(unit) for unit in UNITS]
    parents = np.array([PARENTS[known.index(unit)] if unit in known else 0 for unit in units], np.int32)
    who, what, when, packs = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Purchases.of(
        np.array(who, np.int32),
        np.array([units.index(unit) for unit in what], np.int32),
        np.array(when, np.int32),
        np.array(packs, np.float64),
        np.ones(len(rows)),
        unit_ids,
        parents,
        DEPARTMENTS,
        customers,
        day,
    )


def shop() -> Purchases:
    """Bread by ones, milk by fours, soap by twos; customer 0 takes three loaves, customer 1 six of everything."""
    rows = [(who, "bread", day, 1.0) for who in range(2, 50) for day in range(0, 400, 40)]
    rows += [(who, "milk", day, 4.0) for who in range(2, 50) for day in range(0, 400, 40)]
    rows += [(who, "soap", day, 2.0) for who in range(2, 50) for day in range(0, 400, 90)]
    rows += [(0, "bread", day, 3.0) for day in range(0, 400, 20)]
    rows += [(1, unit, day, 6.0) for unit in ("bread", "soap") for day in range(0, 400, 20)]
    rows += [(1, "eggs", day, 1.0) for day in (380, 390)] + [(0, "milk", 395, 1.0)]
    return purchases(rows)


def asked(known: Purchases, day: int = 400) -> dict[tuple[int, str], float]:
    """What is said for every pair."""
    pairs = pairs_at(known, day, EVERYBODY)
    packs = Quantity().fit(shop()).packs(known, pairs)
    return {(int(who), str(UNITS[what])): n for who, what, n in zip(pairs.customers, pairs.units, packs, strict=True)}


def test_a_habit_is_kept_and_a_single_purchase_is_not_yet_a_habit() -> None:
    said = asked(shop())
    assert said[0, "bread"] == 3
    assert said[1, "bread"] == said[1, "soap"] == 6
    assert said[0, "milk"] == 4  # took one once; everybody takes four
    assert said[5, "bread"] == 1
    assert said[5, "soap"] == 2


def test_a_habit_that_changed_counts_by_what_came_last() -> None:
    rows = [(0, "bread", day, 1.0) for day in range(0, 200, 10)] + [
        (0, "bread", day, 5.0) for day in range(300, 400, 5)
    ]
    assert asked(purchases(rows))[0, "bread"] == 5
    assert asked(purchases([(who, unit, 399 - day, n) for who, unit, day, n in rows]))[0, "bread"] == 1


def test_who_takes_more_of_everything_is_expected_to_take_more_of_the_next_thing() -> None:
    mixed = [(who, "bread", day, float(n)) for who in range(2, 50) for day, n in ((0, 1), (50, 1), (90, 2), (120, 3))]
    known = purchases([*mixed, *((1, "milk", day, 12.0) for day in range(0, 400, 4)), (1, "bread", 10, 2.0)])
    fitted = Quantity().fit(known)
    pairs = pairs_at(known, 400, EVERYBODY)
    shares = fitted.shares(known, pairs)
    bread = pairs.units == 0
    tended = shares[bread & (pairs.customers == 1), 0]
    alike = fitted.shares(known.among(np.arange(50) != 1), pairs.rows(bread & (pairs.customers == 1)))[:, 0]
    assert tended < alike


def test_what_comes_after_the_day_of_asking_changes_nothing() -> None:
    early = [(0, "bread", day, 2.0) for day in range(0, 200, 20)]
    late = [(0, "bread", day, 9.0) for day in range(201, 400)]
    assert asked(purchases(early), 200) == asked(purchases(early + late), 200)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from([str(unit) for unit in UNITS]),
        st.integers(0, 400),
        st.sampled_from([0.2, 1.0, 2.0, 7.0, 40.0, 1e9]),
    ),
    max_size=40,
)


@given(ROWS, ROWS)
def test_packs_are_whole_bounded_and_the_same_alone_and_in_a_batch(
    learned: list[tuple[int, str, int, float]], rows: list[tuple[int, str, int, float]]
) -> None:
    fitted = Quantity().fit(purchases(learned))
    known = purchases(rows)
    pairs = pairs_at(known, 400, EVERYBODY)
    packs, shares = fitted.packs(known, pairs), fitted.shares(known, pairs)
    assert ((packs >= 1) & (packs <= 12) & (packs == np.round(packs))).all()
    assert ((shares >= 0) & (shares <= 1 + 1e-9)).all()
    assert (np.diff(shares, axis=1) >= -1e-9).all()
    for who in range(5):
        mine: Mask = np.arange(50) == who
        alone = known.among(mine)
        answered = fitted.packs(alone, pairs_at(alone, 400, EVERYBODY))
        assert answered.tolist() == packs[pairs.customers == who].tolist()


def test_one_absurd_purchase_among_others_does_not_give_absurd_packs() -> None:
    rows = [(0, "bread", day, 1.0) for day in range(0, 390, 30)]
    assert asked(purchases([*rows, (0, "bread", 399, 1e12)]))[0, "bread"] == 1
    assert asked(purchases([(0, "bread", 399, 1e12)]))[0, "bread"] == 1


def test_unknown_groups_are_answered_by_their_department_and_unknown_departments_by_all() -> None:
    fitted = Quantity().fit(shop())
    known = purchases([(0, "soda", 399, 1.0)], units=("soda",))
    pairs = pairs_at(known, 400, EVERYBODY)
    strange = replace(pairs, parent_ids=np.array(["?", "!"], object))
    food, any_ = fitted.shares(known, pairs)[0], fitted.shares(known, strange)[0]
    assert not np.allclose(food, any_)
    bare = Quantity().fit(purchases([]))
    assert bare.packs(known, pairs).tolist() == [1.0]


def test_the_order_of_units_in_the_question_does_not_matter() -> None:
    rows = [(0, "soap", day, 3.0) for day in (100, 200, 300)] + [(0, "bread", day, 2.0) for day in (100, 200, 300)]
    fitted = Quantity().fit(shop())
    one, other = purchases(rows), purchases(rows, units=("soap", "unknown", "bread"))
    first = fitted.packs(one, pairs_at(one, 400, EVERYBODY))
    other_pairs = pairs_at(other, 400, EVERYBODY)
    second = fitted.packs(other, other_pairs)
    assert dict(zip(["bread", "soap"], first, strict=True)) == dict(
        zip(other_pairs.unit_ids[other_pairs.units], second, strict=True)
    )


def test_saving_and_loading_changes_nothing() -> None:
    fitted, known = Quantity().fit(shop()), shop()
    pairs = pairs_at(known, 400, EVERYBODY)
    again = Quantity().restore(fitted.arrays())
    assert (again.shares(known, pairs) == fitted.shares(known, pairs)).all()


def test_a_question_that_cannot_be_answered_says_what_would_work() -> None:
    known, fitted = shop(), Quantity().fit(shop())
    pairs = pairs_at(known, 400, EVERYBODY)
    with pytest.raises(ValueError, match="build the pairs from these purchases"):
        fitted.packs(purchases([]), pairs)
    several = replace(pairs, days=np.arange(len(pairs), dtype=np.int32))
    with pytest.raises(ValueError, match="day by day"):
        fitted.packs(known, several)
    with pytest.raises(ValueError, match="at least 1"):
        Quantity(most=0)
