"""Newest first, by the catalogue or by the first interaction; a product added this morning heads the list."""

from dataclasses import replace

import numpy as np

from models.catalogue import Catalogue
from models.recommenders.new import FittedNew, New
from tests.models.recommenders.world import UNTIL, query, random_shop

SHOP = random_shop()


def order(model: FittedNew, k: int = 24) -> list[str]:
    return [id_ for id_, _, _ in model.recommend([query([])], k).row(0)]


def told(since: dict[str, float]) -> Catalogue:
    ids = sorted(since)
    return Catalogue(UNTIL, np.array(ids, object), numbers={"since": np.array([since[id_] for id_ in ids])})


def test_without_a_catalogue_the_first_interaction_tells() -> None:
    model = New().fit(replace(SHOP, catalogue=Catalogue.bare()))
    first = [SHOP.days[SHOP.items == item].min(initial=np.inf) for item in range(len(SHOP.item_ids))]
    days = [int(first[SHOP.item_ids.tolist().index(id_)]) for id_ in order(model)]
    assert days == sorted(days, reverse=True)
    assert len(days) == np.isfinite(first).sum()


def test_a_catalogue_written_later_does_not_make_old_products_new() -> None:
    bare = New().fit(replace(SHOP, catalogue=Catalogue.bare()))
    late = New().fit(replace(SHOP, catalogue=told(dict.fromkeys(SHOP.item_ids, UNTIL))))
    assert order(late)[-10:] == order(bare)[-10:]


def test_products_of_one_day_come_by_popularity() -> None:
    model = New(half_life=None).fit(replace(SHOP, catalogue=told(dict.fromkeys(SHOP.item_ids, 1.0))))
    popularity = np.bincount(SHOP.items, SHOP.weights, len(SHOP.item_ids))
    assert order(model) == SHOP.item_ids[np.argsort(-popularity, kind="stable")].tolist()


def test_a_product_added_this_morning_comes_first_at_once() -> None:
    model = New().fit(SHOP).extended(told({"new": UNTIL + 0.4}))
    assert order(model, 1) == ["new"]
    assert order(model.extended(told({"newer": UNTIL + 2.0})), 2) == ["newer", "new"]


def test_a_product_of_which_no_day_is_known_is_not_new() -> None:
    model = New().fit(SHOP).extended(told({"who knows": np.nan}))
    assert "who knows" not in order(model, 30)
