"""Forecasts: rows keep what belongs to them; a fitted replenishment names products, packs and what may replace them."""

import numpy as np

from models.catalogue import Catalogue
from models.time_to_event.cart import Offer, Shopping, prepare
from models.time_to_event.cart_selection import ExpectedF1
from models.time_to_event.forecast import ALTERNATIVES, Forecasts
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment, Replenishment

PRODUCTS = np.array(["brie", "cheddar", "gouda", "rye", "wheat"], object)
CATEGORIES = np.array(["food/cheese", "food/cheese", "food/cheese", "food/bread", "food/bread"], object)
DAY = 17_300


def lines() -> Lines:
    """Everybody takes a loaf of wheat each week and two goudas each fortnight; customer 0 three ryes each week."""
    rows = [(who, 4, DAY - ago, 1.0) for who in range(1, 30) for ago in range(who % 7, 200, 7)]
    rows += [(who, 2, DAY - ago, 2.0) for who in range(30) for ago in range(who % 14, 200, 14)]
    rows += [(0, 3, DAY - ago, 3.0) for ago in range(3, 200, 7)]
    who, what, when, packs = (np.array(column) for column in zip(*rows, strict=True))
    known = np.full(len(rows), 1.0)
    return Lines(
        who.astype(np.int32),
        what.astype(np.int32),
        when.astype(np.int32),
        packs.astype(float),
        known,
        PRODUCTS,
        30,
        DAY,
    )


def fitted() -> FittedReplenishment:
    """With the simplest of clocks."""
    return Replenishment().fit(lines(), Catalogue(float(DAY), PRODUCTS, {"category": CATEGORIES}))


def told(forecasts: Forecasts) -> list[tuple[int, str, str, float, list[str]]]:
    """Customer, group, product, packs and alternatives."""
    columns = (forecasts.customers, forecasts.unit_ids, forecasts.product_ids, forecasts.packs, forecasts.alternatives)
    return [
        (int(who), str(unit), str(product), float(packs), [str(id_) for id_ in others if id_ is not None])
        for who, unit, product, packs, others in zip(*columns, strict=True)
    ]


def test_a_forecast_names_the_product_of_habit_how_many_of_it_and_what_may_replace_it() -> None:
    forecasts = fitted().forecast(lines(), DAY)
    assert forecasts.alternatives.shape == forecasts.shares.shape == (len(forecasts), ALTERNATIVES)
    said = {(who, unit): rest for who, unit, *rest in told(forecasts)}
    assert said[0, "food/bread"] == ["rye", 3.0, ["rye", "wheat"]]
    assert said[5, "food/bread"][:2] == ["wheat", 1.0]
    assert said[5, "food/cheese"][:2] == ["gouda", 2.0]
    assert set(said[5, "food/cheese"][2]) == {"brie", "cheddar", "gouda"}
    assert (forecasts.shares.sum(axis=1) <= 1 + 1e-9).all()


def test_rows_keep_their_products_also_where_only_the_likeliest_is_known() -> None:
    forecasts = fitted().forecast(lines(), DAY)
    kept = np.flatnonzero(forecasts.customers == 5)
    assert told(forecasts.rows(kept)) == [row for row in told(forecasts) if row[0] == 5]
    bare = Forecasts(**{name: getattr(forecasts, name) for name in list(vars(forecasts))[:11]})
    assert len(bare.rows(kept)) == len(kept)
    assert not len(bare.rows(kept).alternatives)


def test_what_was_learned_about_products_is_saved() -> None:
    model = fitted()
    again = Replenishment().restore(model.arrays())
    assert told(again.forecast(lines(), DAY)) == told(model.forecast(lines(), DAY))


def test_a_cart_is_made_of_forecasts_as_they_are() -> None:
    forecasts = fitted().forecast(lines(), DAY)
    nothing = np.full(len(PRODUCTS), np.nan)
    stock = np.array([id_ != "rye" for id_ in PRODUCTS])
    week = Shopping(np.full(30, 7.0), np.full(30, 14))
    carts = prepare(forecasts, Offer(PRODUCTS, stock, nothing, nothing), ExpectedF1(size=5), week)
    mine = carts.customers == 0
    assert set(carts.product_ids[mine]) == {"gouda", "wheat"}
    assert carts.substitute_for[mine & (carts.product_ids == "wheat")].tolist() == ["rye"]
