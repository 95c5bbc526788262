"""The first page says what is live, what is missing and what was proved, and nothing that was not computed."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from features.reports.coverage import Coverage
from features.reports.interval import Interval
from features.reports.uplift import Incremental, Uplift
from tests.serving.console.browser import Browser
from tests.serving.world import NOW, Shop


def coverage(**counts: int) -> Coverage:
    told = dict.fromkeys(
        (
            "customers",
            "buyers",
            "repeat_buyers",
            "periodic_pairs",
            "foreseen",
            "products",
            "products_sold",
            "sold_and_known",
            "days",
        ),
        0,
    )
    return Coverage(as_of=NOW, computed_at=NOW, **{**told, **counts})


def uplift(low: float, high: float) -> Uplift:
    always = Interval((low + high) / 2, low, high)
    return Uplift(
        as_of=NOW, computed_at=NOW, decision_point="cart_recovery", currency="EUR", days=14.0, history_days=28.0,
        since=NOW - timedelta(days=60), counted_until=NOW, customers=900, limit=1_000, limited=False, foreign_orders=0,
        ratio=0.5, mismatch=False, groups=(), contrasts=(), incremental=(Incremental("holdout", 800, always, always),),
        weeks=(),
    )  # fmt: skip


def told(shop: Shop) -> Any:
    return shop.client.get("/v1/reports/overview").json()


def test_without_reports_it_says_so_and_how_to_get_them(shop: Shop) -> None:
    found = told(shop)
    assert (found["coverage"], found["needs"], found["earned"]) == (None, None, None)
    page = Browser(shop).get("/console").text
    assert "python -m pipelines report uplift" in page
    assert "python -m pipelines report coverage" in page


def test_what_each_model_still_asks_for_is_told_in_words(shop: Shop) -> None:
    shop.resources.reports.save("coverage", "", coverage(customers=1_000, buyers=400, repeat_buyers=320, days=90))
    needs = {need["model"]: (need["have"], need["need"]) for need in told(shop)["needs"]}
    assert needs["recommender"] == (320, 500)
    page = Browser(shop).get("/console").text
    assert "needs 180 more repeat buyers" in page
    assert "40% get recommendations from their own orders" in page
    assert "нужно ещё 180 повторных покупателей" in Browser(shop, locale="ru").get("/console").text


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(10.0, 50.0, ": proved"), (-10.0, 50.0, ": not yet proved"), (-50.0, -10.0, ": it does harm")],
)
def test_what_was_earned_is_called_proved_only_where_it_is(shop: Shop, low: float, high: float, words: str) -> None:
    shop.resources.reports.save("uplift", "cart_recovery", uplift(low, high))
    found = told(shop)["earned"]
    assert found["proved"] is (low > 0)
    assert found["customers"] == 800
    assert words in Browser(shop).get("/console").text


def test_while_only_who_looks_once_has_an_interval_it_is_told_as_such(shop: Shop) -> None:
    found = uplift(-10.0, 50.0)
    early = tuple(replace(one, always=Interval(20.0, None, None)) for one in found.incremental)
    shop.resources.reports.save("uplift", "cart_recovery", replace(found, incremental=early))
    page = Browser(shop).get("/console").text
    assert "95 % interval -€10 to €50 for whoever looks only once: not yet proved" in page


def test_without_a_holdout_it_is_compared_with_the_rule_of_the_shop(shop: Shop) -> None:
    found = uplift(10.0, 50.0)
    beside = tuple(replace(one, over="baseline") for one in found.incremental)
    shop.resources.reports.save("uplift", "cart_recovery", replace(found, incremental=beside))
    assert told(shop)["earned"]["over"] == "baseline"
    assert "the rule of the shop would have brought" in Browser(shop).get("/console").text


def test_decisions_and_what_was_shown_are_counted_by_day(shop: Shop) -> None:
    for _ in range(3):
        shop.recommend(subject={"user_id": "ann"}, placement="home", limit=2)
    shop.count()
    shown = told(shop)["shown_by_day"]
    assert len(shown) == 14
    assert [count for _, count in shown][-1] == 3
    assert datetime.fromisoformat(shown[-1][0]) == shop.clock.now.replace(hour=0, minute=0, second=0, microsecond=0)
    assert "3 recommendations were shown" in Browser(shop).get("/console").text


def test_what_is_degraded_is_told(shop: Shop) -> None:
    stands = {one["name"]: one["state"] for one in told(shop)["standing"]}
    assert stands["model"] == "ok"
    assert stands["policies"] == "degraded"
    assert "does less than it could" in Browser(shop).get("/console").text
    assert {one["name"] for one in told(shop)["models"]} == {"recommender"}
