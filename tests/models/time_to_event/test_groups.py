"""Groups come from the shop's own words, packs from how a product is sold, and nobody's typing error fills a cart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.catalogue import Catalogue
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.selling import MANY

DAY = 20_000


def shop(**products: dict[str, object]) -> Catalogue:
    """A catalogue from what is said about each product."""
    ids = sorted(products)
    texts = ("title", "category", "brand", "group_id", "package_size", "product_type")
    told = {name: [products[id_].get(name) for id_ in ids] for name in texts}
    numbers = {name: [products[id_].get(name, np.nan) for id_ in ids] for name in ("price", "periodic")}
    return Catalogue(
        float(DAY),
        np.array(ids, object),
        {name: np.array(column, object) for name, column in told.items() if any(column)},
        {name: np.array(column, np.float64) for name, column in numbers.items()},
    )


def lines(*rows: tuple[str, float, float], customers: tuple[int, ...] = (), days: tuple[int, ...] = ()) -> Lines:
    """Lines of (product, quantity, price)."""
    product_ids, products = np.unique(np.array([row[0] for row in rows], object), return_inverse=True)
    return Lines.of(
        np.array(customers or [0] * len(rows), np.int32),
        products.astype(np.int32),
        np.array(days or range(DAY - len(rows), DAY), np.int32),
        np.array([row[1] for row in rows], float),
        np.array([row[2] for row in rows], float),
        product_ids,
        max(customers, default=0) + 1,
        DAY,
    )


def group(groups: Groups, product: str) -> str | None:
    """The group of a product by name."""
    unit = groups.units[groups.product_ids.tolist().index(product)]
    return str(groups.unit_ids[unit]) if unit >= 0 else None


def of(groups: Groups, column: str, product: str) -> float:
    """One of the numbers about a product."""
    return float(getattr(groups, column)[groups.product_ids.tolist().index(product)])


def test_a_group_is_a_leaf_of_the_tree_and_a_type_in_the_department_of_its_first_step() -> None:
    catalogue = shop(
        oat={"category": "Food/Milk", "product_type": "Oat"},
        soy={"category": "Food/Milk", "product_type": "Soy"},
        bun={"category": "Food/Bread"},
        red={"group_id": "pen"},
        blue={"group_id": "pen"},
        odd={},
    )
    groups = Groups.of(catalogue, lines(("ghost", 1, 1)))
    names = {product: group(groups, product) for product in groups.product_ids}
    assert names["oat"] == "Food/Milk|Oat"
    assert names["soy"] == "Food/Milk|Soy"
    assert names["bun"] == "Food/Bread"
    assert names["red"] == names["blue"] == "variants:pen"
    assert names["odd"] == "product:odd"
    assert names["ghost"] == "product:ghost", "a product that only orders know"
    departments = dict(zip(groups.unit_ids, groups.parent_ids[groups.parents], strict=True))
    assert departments["Food/Milk|Oat"] == departments["Food/Bread"] == "Food"
    assert departments["product:odd"] == departments["variants:pen"] == ""


def test_what_the_shop_declares_not_to_be_periodic_is_not_restocked() -> None:
    catalogue = shop(tv={"category": "Media", "periodic": 0.0}, film={"category": "Media", "periodic": 1.0})
    groups = Groups.of(catalogue)
    assert group(groups, "tv") is None
    assert group(groups, "film") == "Media"
    bought = lines(("tv", 1, 1), ("film", 1, 1), ("tv", 1, 1))
    assert len(bought.by_group(groups).days) == len(bought.by_product(groups).days) == 1


def test_contents_can_be_compared_within_a_group() -> None:
    catalogue = shop(
        small={"category": "Soda", "package_size": "12 OZ"},
        large={"category": "Soda", "title": "Cola 2 L"},
        odd={"category": "Soda", "title": "Cola 6 pcs"},
        eggs={"category": "Eggs", "title": "Eggs 30 шт"},
    )
    groups = Groups.of(catalogue)
    assert of(groups, "contents", "small") == pytest.approx(340.194)
    assert of(groups, "contents", "large") == 2000
    assert np.isnan(of(groups, "contents", "odd")), "pieces are no grams"
    assert of(groups, "contents", "eggs") == 30


def test_the_usual_price_is_what_was_paid_else_what_the_catalogue_says() -> None:
    catalogue = shop(tea={"price": 9.0}, jam={"price": 4.0}, free={"price": 0.0})
    groups = Groups.of(catalogue, lines(("tea", 1, 2.0), ("tea", 1, 3.0), ("tea", 1, 50.0), ("free", 1, 0.0)))
    assert [of(groups, "usual_prices", product) for product in ("tea", "jam")] == [3.0, 4.0]
    assert np.isnan(of(groups, "usual_prices", "free")), "nothing can be dearer than a gift"
    assert Groups.of(catalogue).usual_prices.tolist()[-1] == 9.0
    prices = lines(("tea", 1, 1.5), ("tea", 1, 3000.0), ("free", 1, 1.0)).by_product(groups).prices
    assert sorted(prices[np.isfinite(prices)].tolist()) == [0.5, 3.0], "three times the usual price is the dearest"
    assert len(prices) == 3


def test_weighed_goods_are_one_pack_and_typing_errors_are_bounded() -> None:
    rows = [("cheese", 0.35, 20.0), ("cheese", 0.5, 20.0), ("fuel", 1250, 0.01), ("fuel", 900, 0.01)]
    rows += [("yoghurt", packs, 1.0) for packs in [1, 2, 3, 4] * 10] + [("yoghurt", 900, 1.0), ("yoghurt", 1.5, 1.0)]
    rows += [("beer", 24, 1.0)] * 30
    reported = lines(*rows)
    groups = Groups.of(shop(yoghurt={"category": "Dairy"}, beer={"category": "Drinks"}), reported)
    assert [of(groups, "portions", product) for product in ("cheese", "fuel", "yoghurt")] == [0.35, 900.0, 1.0]
    assert [of(groups, "most_packs", product) for product in ("yoghurt", "beer")] == [MANY, 48.0]
    packs = reported.by_product(groups).packs
    by_product = dict(zip(groups.product_ids, np.arange(len(groups.product_ids)), strict=True))
    units = reported.by_product(groups).units
    assert packs[units == by_product["cheese"]].tolist() == packs[units == by_product["fuel"]].tolist() == [1, 1]
    assert packs[units == by_product["yoghurt"]].tolist() == [1, 2, 3, 4] * 10 + [MANY, 2]
    assert set(packs[units == by_product["beer"]].tolist()) == {24}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(allow_infinity=True, allow_nan=True)), min_size=1))
@example([("a", 1.0)] * 18 + [("a", 1e308)] * 4)
def test_whatever_is_reported_packs_are_whole_and_believable(rows: list[tuple[str, float]]) -> None:
    reported = lines(*[(product, quantity, 1.0) for product, quantity in rows])
    groups = Groups.of(Catalogue.bare(), reported)
    assert (groups.most_packs >= MANY).all()
    assert np.isfinite(groups.portions).all()
    purchases = reported.by_product(groups)
    kept = sum(not quantity <= 0 for _, quantity in rows)
    assert len(purchases.days) == kept, "each on a day of its own"
    assert ((purchases.packs >= 1) & (purchases.packs % 1 == 0)).all()
    assert (purchases.packs <= groups.most_packs.max()).all()


def test_a_new_product_finds_its_group_and_what_was_learned_stays() -> None:
    old = shop(oat={"category": "Milk"}, bun={"category": "Bread"}, pan={"category": "Pans", "periodic": 0.0})
    groups = Groups.of(old, lines(*[("oat", 30, 2.0)] * 25, ("bun", 1, 1.0)))
    new = shop(
        oat={"category": "Renamed", "price": 7.0},
        soy={"category": "Milk", "price": 3.0, "title": "Soy 1 l"},
        wok={"category": "A new kind"},
        pan={"category": "Pans"},
        bun={"category": "Bread", "periodic": 0.0},
    )
    wider = groups.extended(new)
    assert wider.product_ids.tolist() == ["bun", "oat", "pan", "soy", "wok"]
    assert [group(wider, product) for product in ("oat", "soy", "wok")] == ["Milk", "Milk", "A new kind"]
    assert group(wider, "pan") == "Pans", "the shop no longer says that it is not periodic"
    assert group(wider, "bun") is None, "the shop now says so"
    assert (of(wider, "usual_prices", "oat"), of(wider, "most_packs", "oat")) == (2.0, 60.0)
    assert (of(wider, "usual_prices", "soy"), of(wider, "contents", "soy")) == (3.0, 1000.0)
    again = groups.extended(shop(oat={"category": "Renamed"}))
    assert group(again, "pan") is None, "a product that the new catalogue does not speak of is as it was"
    assert group(again, "bun") == "Bread"


def test_saving_and_restoring_changes_nothing() -> None:
    groups = Groups.of(shop(oat={"category": "Milk", "price": 1.0}), lines(("oat", 2, 2.0), ("x", 0.5, 3.0)))
    again = Groups.restore(groups.arrays())
    for name, column in groups.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], column)
    with pytest.raises(ValueError, match="one length"):
        replace(groups, contents=groups.contents[:1])
