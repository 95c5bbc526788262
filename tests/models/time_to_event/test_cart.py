"""Prepared carts: a set that is worth its wrong items, of what can be had, for the next day of shopping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.time_to_event.cart import Carts, Offer, Shopping, prepare, shopping
from models.time_to_event.cart_selection import ExpectedF1, ExpectedMargin, Selection
from models.time_to_event.forecast import ALTERNATIVES, Forecasts

DAYS = 85


def falling(day: int, share: float = 0.9) -> list[float]:
    """A curve that falls to 1 - share on `day`."""
    return [1.0] * day + [1.0 - share] * (DAYS - day)


def forecasts(rows: list[tuple[int, list[str], list[float]]], trips: list[list[float]], **columns: object) -> Forecasts:
    """From (customer, products of the group, curve) sorted by customer."""
    count = len(rows)
    alternatives = np.full((count, ALTERNATIVES), None, object)
    for row, (_, products, _) in zip(alternatives, rows, strict=True):
        row[: len(products)] = products
    column: dict[str, object] = {
        "packs": np.ones(count),
        "status": np.full(count, "due", object),
        "purchases": np.full(count, 5.0),
        **columns,
    }
    return Forecasts(
        day=20_000,
        customers=np.array([customer for customer, _, _ in rows], np.int32),
        unit_ids=np.array([f"group {place}" for place in range(count)], object),
        product_ids=alternatives[:, 0],
        packs=np.asarray(column["packs"], np.float64),
        curves=np.array([curve for _, _, curve in rows]).reshape(count, DAYS),
        status=np.array(column["status"], object),
        confidence=np.full(count, "low", object),
        missing=np.full(count, "", object),
        evidence={"purchases": np.asarray(column["purchases"], np.float64)},
        trips=np.array(trips).reshape(-1, DAYS),
        alternatives=alternatives,
        shares=np.zeros((count, ALTERNATIVES)),
    )


def offer(available: dict[str, bool], prices: float = 1.0, contents: dict[str, float] | None = None) -> Offer:
    """What the shop has."""
    ids = sorted(available)
    held = contents or {}
    return Offer(
        np.array(ids, object),
        np.array([available[id_] for id_ in ids], bool),
        np.full(len(ids), prices),
        np.array([held.get(id_, np.nan) for id_ in ids]),
    )


def said(carts: Carts) -> list[tuple[int, str, float, str, str | None]]:
    """Customer, product, packs, reason and what was meant."""
    columns = (carts.customers, carts.product_ids, carts.packs, carts.reasons, carts.substitute_for)
    return [(int(who), str(what), float(n), str(why), for_) for who, what, n, why, for_ in zip(*columns, strict=True)]


SOON = falling(4)
"""A trip in four days, hence the cart lasts until the eighth."""


def test_what_is_due_by_the_trip_after_the_next_is_in_and_says_why() -> None:
    asked = forecasts(
        [(0, ["bread"], falling(3)), (0, ["eggs"], falling(7)), (0, ["milk"], falling(9)), (0, ["soap"], falling(2))],
        [SOON],
        status=["due", "upcoming", "upcoming", "overdue"],
    )
    found = prepare(asked, offer(dict.fromkeys(("bread", "eggs", "milk", "soap"), True)))
    assert {product: reason for _, product, _, reason, _ in said(found)} == {
        "bread": "usual_interval",
        "eggs": "running_low",
        "soap": "overdue",
    }
    assert found.shopping.until.tolist() == [8]


def test_a_customer_who_may_not_come_gets_nothing_or_as_much_as_one_who_comes() -> None:
    """Needs of .45 and .3 each: with certain trips they come one by one, else together or not at all."""
    rows = [(0, [product], falling(3, 0.45)) for product in ("bread", "eggs", "milk", "soap")]
    stock = offer(dict.fromkeys(("bread", "eggs", "milk", "soap"), True))
    sure, rarely = falling(4, 1.0), falling(4, 0.8)
    assert len(prepare(forecasts(rows, [sure]), stock)) == 4
    assert len(prepare(forecasts(rows, [rarely]), stock)) == 4
    faint = [(0, products, falling(3, 0.3)) for _, products, _ in rows]
    assert len(prepare(forecasts(faint, [sure]), stock)) == 4
    assert len(prepare(forecasts(faint, [falling(4, 0.35)]), stock)) == 0


def test_what_was_bought_once_is_in_because_the_shop_declared_it() -> None:
    asked = forecasts([(0, ["bread"], falling(3))], [SOON], purchases=[1.0])
    assert said(prepare(asked, offer({"bread": True})))[0][3] == "declared_periodic"


def test_the_trip_can_be_named() -> None:
    asked = forecasts([(0, ["bread"], falling(3)), (0, ["milk"], falling(20))], [SOON])
    stock = offer({"bread": True, "milk": True})
    assert prepare(asked, stock).product_ids.tolist() == ["bread"]
    later = Shopping(np.array([15.0]), np.array([30]))
    assert prepare(asked, stock, when=later).product_ids.tolist() == ["bread", "milk"]


def test_nothing_is_a_cart() -> None:
    asked = forecasts([(0, ["bread"], falling(3, 0.2)), (0, ["milk"], falling(3, 0.1))], [SOON])
    assert not len(prepare(asked, offer({"bread": True, "milk": True})))
    assert not len(prepare(forecasts([], [SOON]), offer({"bread": True})))
    assert not len(prepare(forecasts([(0, ["bread"], falling(3))], [SOON], status=["unknown"]), offer({"bread": True})))


def test_what_is_sold_out_is_replaced_from_its_group_or_named() -> None:
    asked = forecasts(
        [(0, ["bread", "rolls", "toast"], falling(3)), (0, ["milk"], falling(3)), (0, ["eggs"], falling(3))],
        [SOON],
        packs=[4.0, 2.0, 3.0],
    )
    stock = {"bread": False, "rolls": False, "toast": True, "milk": False, "eggs": True}
    found = prepare(asked, offer(stock, contents={"bread": 250.0, "toast": 500.0}))
    assert said(found) == [(0, "toast", 2.0, "usual_interval", "bread"), (0, "eggs", 3.0, "usual_interval", None)]
    assert found.sold_out.tolist() == [1]
    for bread, toast, packs in (
        (500.0, 250.0, 4.0),
        (1e9, 1.0, 4.0),
        (1.0, 1e9, 1.0),
        (np.nan, 1.0, 4.0),
        (0.0, 1.0, 4.0),
    ):
        again = prepare(asked, offer(stock, contents={"bread": bread, "toast": toast}))
        assert again.packs.tolist() == [packs, 3.0]


def test_only_as_many_as_asked_for_and_the_likeliest() -> None:
    chances = [0.5, 0.9, 0.7, 0.8, 0.6]
    asked = forecasts([(0, [name], falling(3, p)) for name, p in zip("abcde", chances, strict=True)], [SOON])
    stock = offer(dict.fromkeys("abcde", True))
    assert prepare(asked, stock, ExpectedF1(size=2)).product_ids.tolist() == ["b", "d"]
    assert prepare(asked, stock, ExpectedF1(least=0.65)).product_ids.tolist() == ["b", "d", "c"]
    assert not len(prepare(asked, stock, ExpectedF1(size=0)))


def test_margin_counts_where_margin_is_asked_for() -> None:
    asked = forecasts([(0, ["cheap"], falling(3, 0.9)), (0, ["dear"], falling(3, 0.4))], [SOON])
    stock = Offer(np.array(["cheap", "dear"], object), np.ones(2, bool), np.array([0.1, 50.0]), np.full(2, np.nan))
    assert prepare(asked, stock, ExpectedMargin(size=1)).product_ids.tolist() == ["dear"]
    unpriced = Offer(stock.product_ids, stock.available, np.full(2, np.nan), stock.contents)
    assert not len(prepare(asked, unpriced, ExpectedMargin()))


def test_who_may_never_come_again_gets_a_cart_for_a_week() -> None:
    when = shopping(np.array([falling(4), falling(40), falling(5, 0.3), falling(1)]))
    assert when.until.tolist() == [8, 80, 7, 7]
    assert np.isinf(when.next[2])


CURVES = st.tuples(st.integers(1, 84), st.floats(0, 1)).map(lambda found: falling(*found))
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True), CURVES),
    max_size=14,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))
STOCK = st.fixed_dictionaries({product: st.booleans() for product in "abcde"})
SELECTIONS = st.sampled_from([ExpectedF1(), ExpectedF1(size=3), ExpectedF1(wrong=3), ExpectedMargin(nuisance=0.01)])


@settings(deadline=None)
@given(ROWS, st.lists(CURVES, min_size=4, max_size=4), STOCK, SELECTIONS)
def test_a_cart_holds_only_what_can_be_had_and_is_the_same_alone_and_in_a_batch(
    rows: list[tuple[int, list[str], list[float]]],
    trips: list[list[float]],
    stock: dict[str, bool],
    selection: Selection,
) -> None:
    asked, there = forecasts(rows, trips), offer(stock)
    found = prepare(asked, there, selection)
    assert all(stock[product] for product in found.product_ids)
    assert len(set(found.forecasts.tolist())) == len(found)
    assert ((found.probabilities > 0) & (found.probabilities <= 1)).all()
    assert (np.bincount(found.customers, minlength=4) <= selection.size).all()  # type: ignore[attr-defined]
    assert not set(found.sold_out.tolist()) & set(found.forecasts.tolist())
    for row in found.sold_out.tolist():
        assert not any(stock.get(product, False) for product in rows[row][1])
    for customer in range(4):
        mine = np.flatnonzero(asked.customers == customer)
        alone = prepare(asked.rows(mine), there, selection)
        assert said(alone) == [line for line in said(found) if line[0] == customer]
        assert [mine[row] for row in alone.sold_out] == [row for row in found.sold_out if row in mine]


def test_more_needs_than_candidates_are_still_one_cart() -> None:
    names = [f"p{place:03}" for place in range(200)]
    asked = forecasts([(0, [name], falling(3, 0.99)) for name in names], [SOON])
    found = prepare(asked, offer(dict.fromkeys(names, True)), ExpectedF1(size=50))
    assert len(found) == 50


def test_an_offer_of_uneven_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="columns of one length"):
        Offer(np.array(["a"], object), np.ones(2, bool), np.ones(1), np.ones(1))


def test_missing_alternatives_are_passed_over_in_a_large_catalogue() -> None:
    """A few names in many ids are found by bisection, which compares: what is missing must compare, too."""
    large = {f"p{number:04}": True for number in range(2_000)}
    carts = prepare(forecasts([(0, ["p0500"], SOON)], [SOON]), offer(large))
    assert carts.product_ids.tolist() == ["p0500"]
