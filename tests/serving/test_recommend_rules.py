"""What a request asks of an answer: filters, categories, places, and rules that the shop has written down."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from features.decisions import Shown
from tests.serving.test_recommend import decisions, ids
from tests.serving.world import BEANS, DRINKER, LEAVES, MILK, Shop, running
from tests.waiting import until


def put(shop: Shop, *items: dict[str, Any]) -> None:
    """Tell the catalogue, and wait until the service knows."""
    assert shop.client.put("/v1/catalog/items", json={"items": items}).status_code == 200
    revision = shop.resources.catalog.revision()
    until(lambda: shop.resources.champion.bundle.shelf.revision == revision, "the catalogue is taken over")


def ruled(folder: Path, text: str) -> Path:
    """The file of placements, whole at every moment: an empty one would be the default."""
    path = folder / "placements.toml"
    made = folder / "placements.made"
    made.write_text(text, encoding="utf-8")
    return made.replace(path)


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("price < 4", set(LEAVES)),
        ("category == 'drinks' && !(brand in ['Leaf'])", set(BEANS)),
        ("item_id == 'milk' or title.startsWith('Tea')", {*LEAVES, MILK}),
        ("price > 4", set()),
    ],
)
def test_a_filter_holds_for_every_source(shared: Shop, filter_: str, expected: set[str]) -> None:
    for placement in ("home", "product", "cart", "trending", "new"):
        for subject in ({"user_id": DRINKER}, {}):
            answer = shared.recommend(subject=subject, placement=placement, filter=filter_, limit=100)
            assert set(ids(answer)) <= expected
            assert bool(answer["items"]) == bool(expected) or placement in ("trending", "new")


def test_a_filter_that_is_wrong_says_where_and_what_there_is(shared: Shop) -> None:
    given = {"filter": "price < 3 && colour == 'red'"}
    for response in (
        shared.client.post("/v1/recommendations", json=given),
        shared.client.get("/v1/recommendations", params=given),
    ):
        assert (response.status_code, response.json()["code"]) == (422, "validation_error")
        (error,) = response.json()["errors"]
        assert (error["pointer"], error["code"], error["position"]) == ("/filter", "filter_error", 14)
        assert {"price", "brand", "category", "in_stock"} <= set(error["columns"])
        assert "colour" in error["detail"]


def test_a_category_is_a_condition_where_the_placement_says_so(shared: Shop) -> None:
    context = {"category": "drinks/coffee/"}
    answer = shared.recommend(subject={"user_id": DRINKER}, placement="category", context=context, limit=100)
    assert set(ids(answer)) == set(BEANS)
    home = shared.recommend(subject={"user_id": DRINKER}, placement="home", context=context, limit=5)
    assert set(ids(home)) & set(LEAVES)


def test_stock_counts_by_location_where_the_shop_tells_it(shop: Shop) -> None:
    put(
        shop,
        {"item_id": "tea-1", "category": "drinks/tea", "stock": {"msk": 3, "spb": 0}},
        {"item_id": "tea-2", "category": "drinks/tea", "stock": {"spb": 1}},
    )
    for location, there, away in (("msk", {"tea-1"}, {"tea-2"}), ("spb", {"tea-2"}, {"tea-1"})):
        answer = shop.recommend(subject={"user_id": DRINKER}, context={"location_id": location}, limit=100)
        assert there | {MILK} <= set(ids(answer))
        assert not away & set(ids(answer))
    assert {"tea-1", "tea-2"} <= set(ids(shop.recommend(subject={"user_id": DRINKER}, limit=100)))


def test_a_product_of_this_minute_is_found_by_what_it_is(shop: Shop) -> None:
    put(shop, {"item_id": "oolong", "title": "Oolong leaf No. 9", "category": "drinks/tea", "brand": "Leaf"})
    new = shop.recommend(placement="new", limit=1)
    assert (ids(new), new["items"][0]["reasons"][0]["code"]) == (["oolong"], "new")
    found = shop.recommend(placement="search", context={"query": "oolong"}, limit=1)
    assert (ids(found), found["items"][0]["reasons"][0]["code"]) == (["oolong"], "matches_search")
    similar = shop.recommend(placement="product", context={"item_ids": ["oolong"]}, limit=3)
    assert similar["strategy"] == "content"
    assert set(ids(similar)) <= set(LEAVES)
    assert similar["items"][0]["reasons"][0]["item_id"] == "oolong"


def test_a_product_that_left_the_catalogue_is_never_shown(shop: Shop) -> None:
    kept = [{"item_id": id_, "category": "drinks/tea"} for id_ in LEAVES]
    response = shop.client.put("/v1/catalog/items", params={"mode": "full"}, json={"items": kept})
    assert response.status_code == 200
    revision = shop.resources.catalog.revision()
    until(lambda: shop.resources.champion.bundle.shelf.revision == revision, "the catalogue is taken over")
    for placement in ("home", "product", "cart", "buy_again", "new", "trending", "wishlist"):
        answer = shop.recommend(subject={"user_id": "coffee-drinker-2"}, placement=placement, limit=100)
        assert set(ids(answer)) <= set(LEAVES), placement


def test_what_was_shown_and_ignored_sinks_until_it_is_touched(folder: Path) -> None:
    rules = ruled(folder, "[home.rules]\nrotation = { rate = 0.9, hours = 24 }")
    with running(folder, placements=rules) as shop:
        subject = {"user_id": DRINKER}
        first = ids(shop.recommend(subject=subject, limit=2))
        second = ids(shop.recommend(subject=subject, limit=2))
        assert not set(first) & set(second)
        assert ids(shop.recommend(subject={"user_id": "tea-drinker-3-again"}, limit=2)) == first
        shop.clock.now += timedelta(hours=25)
        assert ids(shop.recommend(subject=subject, limit=2, preview=True)) == first
        shop.recommend(subject=subject, limit=2)
        shop.clock.now += timedelta(minutes=1)
        shop.track("Product Viewed", {"product_id": first[0]}, userId=DRINKER)
        shop.clock.now += timedelta(minutes=1)
        assert ids(shop.recommend(subject=subject, limit=2))[0] == first[0]


def test_what_the_shop_promotes_is_marked_in_the_answer_and_in_the_log(folder: Path) -> None:
    rules = ruled(folder, "[home.rules]\npromoted = { filter = \"brand == 'Bean'\", share = 0.5 }")
    with running(folder, placements=rules) as shop:
        answer = shop.recommend(subject={"user_id": DRINKER}, limit=4)
        marked = {item["item_id"] for item in answer["items"] if item["promoted"]}
        assert marked
        assert marked == set(ids(answer)) & set(BEANS)
        assert len(marked) <= 2
        for item in answer["items"]:
            assert (item["reasons"][0]["code"] == "promoted") == item["promoted"]
        (record,) = decisions(folder)
        shown = msgspec.json.decode(record.payload, type=Shown)
        assert {item.product_id for item in shown.items if item.promoted} == marked


def test_what_is_explored_carries_its_propensity_into_the_log(folder: Path) -> None:
    rules = ruled(folder, "[home.rules]\nexplore = { share = 0.5, max_age_days = 3 }")
    with running(folder, placements=rules) as shop:
        put(shop, *({"item_id": f"new-{number}", "category": "drinks/tea"} for number in range(4)))
        answer = shop.recommend(subject={"user_id": DRINKER}, limit=4)
        explored = [item for item in answer["items"] if item["explored"]]
        assert len(explored) == 2
        for item in explored:
            assert item["item_id"].startswith("new-")
            assert 0 < item["propensity"] < 1
            assert item["reasons"][0]["code"] == "explored"
        assert all(item["propensity"] is None for item in answer["items"] if not item["explored"])
        (record,) = decisions(folder)
        shown = msgspec.json.decode(record.payload, type=Shown)
        assert [(item.product_id, item.propensity) for item in shown.items if item.explored] == [
            (item["item_id"], item["propensity"]) for item in explored
        ]


def test_a_rule_is_changed_by_a_line_while_the_service_runs(folder: Path) -> None:
    rules = ruled(folder, "")
    with running(folder, placements=rules) as shop:
        assert set(ids(shop.recommend(subject={"user_id": DRINKER}, limit=100))) & set(LEAVES)
        ruled(folder, "[home.rules]\nfilter = \"brand != 'Leaf'\"")
        until(lambda: shop.resources.champion.placements["home"].rules.filter is not None, "the file is followed")
        assert not set(ids(shop.recommend(subject={"user_id": DRINKER}, limit=100))) & set(LEAVES)
        told = {one["name"]: one for one in shop.client.get("/v1/placements").json()["placements"]}
        assert told["home"]["rules"]["filter"] == "brand != 'Leaf'"
        ruled(folder, "[moon]")
        until(lambda: "kairos_refresh_failures_total 1.0" in shop.client.get("/metrics").text, "the mistake is counted")
        assert not set(ids(shop.recommend(subject={"user_id": DRINKER}, limit=100))) & set(LEAVES)


def test_a_file_that_is_wrong_from_the_start_keeps_the_service_from_starting(folder: Path) -> None:
    with (
        pytest.raises(ValueError, match="there is no placement 'moon'"),
        running(folder, placements=ruled(folder, "[moon]")),
    ):
        pass


def test_the_placements_are_told_with_what_the_version_has(shared: Shop) -> None:
    told = {one["name"]: one for one in shared.client.get("/v1/placements").json()["placements"]}
    assert list(told)[:3] == ["home", "product", "cart"]
    assert told["home"]["sources"][0] == {
        "recommender": "main",
        "ask": "history",
        "same_category": False,
        "last_resort": False,
        "available": True,
    }
    assert told["product"]["rules"]["avoid_rejected"]
    assert all(source["available"] for source in told["cart"]["sources"])
