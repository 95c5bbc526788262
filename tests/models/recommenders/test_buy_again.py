"""Often, lately, due and loved by its buyers: each part pulls the right way, and better than counting."""

from dataclasses import replace

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query
from models.recommenders.buy_again import BuyAgain, FittedBuyAgain
from tests.models.recommenders.world import UNTIL, of_lines, query, random_shop

IDS = np.array(["bread", "phone", "salt"], object)


def household_shop(customers: int = 120) -> Interactions:
    """Everybody buys bread each 3 days and salt each 60; a phone is bought once in a life."""
    moments = [(0, UNTIL - 1 - 3.0 * n) for n in range(60)] + [(2, UNTIL - 1 - 60.0 * n) for n in range(3)]
    lines = [(c, item, day) for c in range(customers) for item, day in [*moments, (1, UNTIL - 20.0)]]
    return of_lines(lines, IDS, customers)


MODEL = BuyAgain().fit(household_shop())


def scores(model: FittedBuyAgain, asked: Query) -> dict[str, float]:
    return {id_: score for id_, score, _ in model.recommend([asked], 10).row(0)}


def bought(*lines: tuple[str, float]) -> Query:
    """A history of (product, days ago)."""
    return query([id_ for id_, _ in lines], np.array([UNTIL - ago for _, ago in lines]))


def test_of_two_bought_alike_the_one_whose_buyers_come_back_is_first() -> None:
    assert list(scores(MODEL, bought(("bread", 9.0), ("phone", 9.0)))) == ["bread", "phone"]
    indifferent = BuyAgain(loyalty=0.0, trend=0.0).fit(household_shop())
    assert list(scores(indifferent, bought(("bread", 90.0), ("phone", 9.0)))) == ["phone", "bread"]


def test_more_often_and_more_lately_count_more() -> None:
    once, twice, long_ago = (
        scores(MODEL, bought(*lines))["salt"]
        for lines in ([("salt", 80.0)], [("salt", 80.0), ("salt", 140.0)], [("salt", 90.0), ("bread", 70.0)])
    )
    assert long_ago < once < twice


def test_what_was_just_bought_rests_until_its_usual_interval_has_passed() -> None:
    waiting = BuyAgain(rest=0.9, waking=3.0)
    drop = {
        id_: scores(waiting.fit(household_shop()), bought((id_, 1.0)))[id_] / scores(restless, bought((id_, 1.0)))[id_]
        for restless in [replace(waiting, rest=0.0).fit(household_shop())]
        for id_ in ("bread", "salt")
    }
    assert drop["salt"] < 0.2
    assert drop["bread"] > 0.5


def test_the_customers_own_interval_counts_more_the_more_often_he_showed_it() -> None:
    model = BuyAgain(rest=0.9, waking=3.0, pace=0.0, fade=0.0).fit(household_shop())
    calm = BuyAgain(rest=0.0, pace=0.0, fade=0.0).fit(household_shop())

    def drop(*days: float) -> float:
        asked = bought(*(("salt", ago) for ago in days))
        return scores(model, asked)["salt"] / scores(calm, asked)["salt"]

    assert drop(2.0) < drop(2.0, 4.0) < drop(*(2.0 * n for n in range(1, 30)))


def test_a_view_is_no_purchase() -> None:
    asked = query(["bread", "salt"], weights=np.array([0.1, 1.0]))
    assert list(scores(MODEL, asked)) == ["salt"]


def test_views_of_others_do_not_make_a_product_loved() -> None:
    shop = household_shop()
    seen = replace(shop, weights=np.where(shop.items == 0, 0.1, 1.0))
    assert np.array_equal(BuyAgain().fit(seen).loyalty[:1], BuyAgain().fit(seen).extended(_new("b")).loyalty[:1])
    assert BuyAgain().fit(seen).loyalty[0] < MODEL.loyalty[0]


def test_time_runs_faster_for_who_comes_often() -> None:
    often = bought(*((id_, ago) for ago in range(1, 60, 2) for id_ in ["phone"]), ("salt", 40.0))
    seldom = bought(("phone", 1.0), ("salt", 40.0))
    by_days = BuyAgain(pace=0.0).fit(household_shop())
    assert scores(by_days, often)["salt"] == pytest.approx(scores(by_days, seldom)["salt"])
    assert scores(MODEL, often)["salt"] < scores(MODEL, seldom)["salt"]


def test_a_product_added_since_is_taken_for_an_average_one() -> None:
    wider = MODEL.extended(_new("new"))
    assert scores(wider, bought(("new", 5.0))).keys() == {"new"}
    assert scores(wider, bought(("bread", 9.0))) == scores(MODEL, bought(("bread", 9.0)))


def test_it_foresees_the_next_purchases_better_than_counting_does() -> None:
    """Two products with planted cadences, bought equally often: one was dropped half a year ago."""
    asked = bought(*(("salt", 7.0 * n) for n in range(1, 6)), *(("bread", 170 + 3.0 * n) for n in range(1, 9)))
    assert list(scores(BuyAgain(loyalty=0.0, trend=0.0).fit(household_shop()), asked)) == ["salt", "bread"]


@pytest.mark.parametrize(("change", "words"), [({"rest": 1.0}, "mask it"), ({"doubt": 0.0}, "positive number")])
def test_what_makes_no_sense_is_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        BuyAgain(**change)


def test_a_shop_of_views_alone_answers_nobody() -> None:
    shop = random_shop()
    model = BuyAgain().fit(replace(shop, weights=np.full(len(shop.items), 0.1)))
    assert model.recommend([query(shop.item_ids[:3], weights=np.full(3, 0.1))], 3).row(0) == []


def _new(id_: str) -> Catalogue:
    return Catalogue(UNTIL, np.array([id_], object))
