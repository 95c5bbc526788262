"""The catalogue over HTTP: what is told is read back, all or nothing, page by page."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.world import BEANS, LEAVES, MILK, Shop
from tests.waiting import until

TEA = {
    "item_id": "tea-9",
    "title": "Зелёный чай «Утро»",
    "category": "grocery/tea",
    "brand": "Утро",
    "price": "499.90",
    "currency": "RUB",
    "url": "https://shop.example/tea-9",
    "image_url": "https://shop.example/tea-9.jpg",
    "in_stock": False,
    "attributes": {"weight": "100 g"},
    "group_id": "teas",
    "stock": {"msk-12": 2.5},
    "periodic": True,
}


def pages(shop: Shop, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = shop.client.get("/v1/catalog/items", params={"limit": limit, **after}).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        after = {"after": page["next_cursor"]}


def test_what_was_told_is_read_back(shop: Shop) -> None:
    answer = shop.client.put("/v1/catalog/items", json={"items": [TEA]})
    assert answer.json() == {"success": True, "items": 1, "changed": 1}
    assert TEA in pages(shop, 100)
    assert shop.client.put("/v1/catalog/items", json={"items": [TEA]}).json()["changed"] == 0


@pytest.mark.parametrize("limit", [1, 3, 11, 100])
def test_pages_hold_every_product_once_in_order(shared: Shop, limit: int) -> None:
    assert [item["item_id"] for item in pages(shared, limit)] == sorted([*LEAVES, *BEANS, MILK])


def test_the_whole_assortment_drops_what_it_does_not_name(shop: Shop) -> None:
    response = shop.client.put("/v1/catalog/items", params={"mode": "full"}, json={"items": [{"item_id": MILK}]})
    assert response.json()["changed"] == len(LEAVES) + len(BEANS) + 1
    assert [item["item_id"] for item in pages(shop, 100)] == [MILK]
    until(lambda: len(shop.recommend(limit=100)["items"]) == 1, "only milk is recommended")


@pytest.mark.parametrize(
    ("item", "pointer", "code"),
    [
        ({"title": "no id"}, "/items/1/item_id", "missing"),
        ({"item_id": ""}, "/items/1/item_id", "string_too_short"),
        ({"item_id": "x", "price": "-1"}, "/items/1/price", "greater_than_equal"),
        ({"item_id": "x", "price": "cheap"}, "/items/1/price", "decimal_parsing"),
        ({"item_id": "x", "currency": "eur"}, "/items/1/currency", "string_pattern_mismatch"),
        ({"item_id": "x", "url": "ftp://x"}, "/items/1/url", "string_pattern_mismatch"),
        ({"item_id": "x", "stock": {"msk": -1}}, "/items/1/stock/msk", "greater_than_equal"),
        ({"item_id": "x", "colour": "red"}, "/items/1/colour", "extra_forbidden"),
        ({"item_id": "x", "attributes": {"a~/b": 7}}, "/items/1/attributes/a~0~1b", "string_type"),
    ],
)
def test_one_wrong_product_keeps_all_out(shop: Shop, item: dict[str, Any], pointer: str, code: str) -> None:
    response = shop.client.put("/v1/catalog/items", json={"items": [{"item_id": "fine"}, item]})
    assert response.status_code == 422
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]
    assert "fine" not in {item["item_id"] for item in pages(shop, 100)}


def test_an_unknown_mode_is_refused(shared: Shop) -> None:
    response = shared.client.put("/v1/catalog/items", params={"mode": "half"}, json={"items": [{"item_id": "x"}]})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/mode")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.fixed_dictionaries(
        {"item_id": st.just("fuzzed")},
        optional={
            "title": st.text() | st.integers() | st.none(),
            "price": st.floats() | st.decimals(allow_nan=True).map(str) | st.integers() | st.text(max_size=5),
            "currency": st.text(max_size=4),
            "attributes": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
        },
    )
)
def test_any_product_is_read_back_or_refused(shop: Shop, item: dict[str, Any]) -> None:
    response = shop.client.request("PUT", "/v1/catalog/items", content=json.dumps({"items": [item]}).encode())
    assert response.status_code in (200, 422), response.text
    if response.status_code == 200:
        (found,) = [found for found in pages(shop, 1_000) if found["item_id"] == item["item_id"]]
        assert found["title"] == item.get("title")
        assert found["attributes"] == item.get("attributes", {})
