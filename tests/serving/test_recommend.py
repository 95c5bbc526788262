"""Answers with recommendations: personal, explained, logged before they are given, and never failing for a stranger."""

import contextlib
import sqlite3
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from numba.core.registry import CPUDispatcher

from features.database import open_database
from features.decisions import Shown
from features.log import DECISIONS, Log, Record
from models.recommenders.fallback import Fallback
from models.recommenders.family import RECIPES
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import Suite
from models.recommenders.two_stage import TwoStage
from serving.placements import DEFAULT
from serving.schemas import Wish
from tests.serving.world import BEANS, CUSTOMERS, DRINKER, LEAVES, MILK, NOW, PLACES, Shop, copy_world, publish, running
from tests.waiting import PATIENCE, until


def ids(answer: Any) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def decisions(folder: Path) -> list[Record]:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    records = Log(engine, DECISIONS).read()
    engine.dispose()
    return records


def test_tastes_are_told_apart(shared: Shop) -> None:
    for customer, mine, others in ((DRINKER, LEAVES, BEANS), ("coffee-drinker-2", BEANS, LEAVES)):
        answer = shared.recommend(subject={"user_id": customer}, limit=5)
        assert set(ids(answer)) <= {*mine, MILK}
        assert not set(ids(answer)) & set(others)
        assert answer["fallback"] is None
        assert not answer["degraded"]


def test_the_shape_of_an_answer(shared: Shop) -> None:
    answer = shared.recommend(subject={"user_id": DRINKER}, limit=4, placement="email")
    assert answer["placement"] == "email"
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4]
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["model"] == {"name": "recommender", "version": "1", "alias": "champion"}
    assert datetime.fromisoformat(answer["expires_at"]) > NOW
    leaf = next(item for item in answer["items"] if item["item_id"] in LEAVES)
    assert leaf["fields"]["price"] == "3.50"
    assert leaf["fields"]["title"].startswith("Tea no. ")
    assert (leaf["promoted"], leaf["explored"]) == (False, False)


@pytest.mark.parametrize("subject", [{"user_id": "nobody"}, {"anonymous_id": "nobody"}, {}])
def test_a_stranger_gets_what_is_popular_and_is_told_so(shared: Shop, subject: dict[str, str]) -> None:
    answer = shared.recommend(subject=subject, limit=3)
    assert answer["fallback"] == "popularity"
    assert ids(answer)[0] == MILK
    assert {item["reasons"][0]["code"] for item in answer["items"]} == {"popular"}
    texts = {item["item_id"]: item["reasons"][0]["text"] for item in answer["items"]}
    assert texts[MILK] == f"{CUSTOMERS} customers bought it lately"
    assert not answer["degraded"]


def test_an_event_changes_the_very_next_answer(shared: Shop) -> None:
    before = shared.recommend(subject={"user_id": "fresh"}, limit=4)
    shared.track("Product Viewed", {"product_id": "coffee-1"}, userId="fresh")
    after = shared.recommend(subject={"user_id": "fresh"}, limit=4)
    assert before["fallback"] == "popularity"
    assert after["fallback"] is None
    assert set(ids(after)) <= {*BEANS, MILK}
    reason = next(item["reasons"][0] for item in after["items"] if item["item_id"] not in ("coffee-1", MILK))
    assert (reason["code"], reason["item_id"]) == ("because_you_saw", "coffee-1")


def test_what_a_visitor_did_before_the_login_counts_after_it(shared: Shop) -> None:
    shared.track("Product Added", {"product_id": "tea-1"}, anonymousId="before-login")
    assert shared.recommend(subject={"user_id": "logs-in"})["fallback"] == "popularity"
    shared.client.post("/v1/identify", json={"userId": "logs-in", "anonymousId": "before-login"})
    answer = shared.recommend(subject={"user_id": "logs-in"})
    assert answer["fallback"] is None
    assert set(ids(answer)[:4]) <= {*LEAVES, MILK}


def test_another_customer_of_the_same_device_stays_apart(shared: Shop) -> None:
    shared.track("Product Viewed", {"product_id": "tea-1"}, anonymousId="family-device", userId="mother")
    shared.track("Product Viewed", {"product_id": "coffee-1"}, anonymousId="family-device", userId="son")
    mother = shared.recommend(subject={"user_id": "mother"}, limit=3)
    assert not set(ids(mother)) & set(BEANS)


def test_a_cancelled_order_was_never_wanted(shared: Shop) -> None:
    order = {"order_id": "cancelled-1", "products": [{"product_id": "tea-1"}]}
    shared.track("Order Completed", order, userId="changes-mind")
    assert shared.recommend(subject={"user_id": "changes-mind"})["fallback"] is None
    shared.track("Order Cancelled", {"order_id": "cancelled-1"}, userId="changes-mind")
    assert shared.recommend(subject={"user_id": "changes-mind"})["fallback"] == "popularity"


def test_reasons_say_what_was_bought_and_when(shared: Shop) -> None:
    answer = shared.recommend(subject={"user_id": DRINKER}, limit=5)
    texts = {item["item_id"]: item["reasons"][0] for item in answer["items"]}
    milk = texts[MILK]
    assert milk["code"] == "bought_before"
    assert milk["text"] == f"You bought it 10 times, last on {(NOW - timedelta(days=7)).date()}"
    others = [reason for reason in texts.values() if reason["code"] == "because_you_bought"]
    assert all(reason["item_id"] in {*LEAVES, MILK} for reason in others)


def test_excluded_and_sold_out_products_never_appear(folder: Path) -> None:
    with running(folder) as shop:
        answer = shop.recommend(subject={"user_id": DRINKER}, limit=100, exclude_item_ids=[MILK, "unheard-of"])
        assert MILK not in ids(answer)
        sold_out = {"items": [{"item_id": LEAVES[0], "in_stock": False}]}
        assert shop.client.put("/v1/catalog/items", json=sold_out).status_code == 200
        revision = shop.resources.catalog.revision()
        until(lambda: shop.resources.champion.bundle.shelf.revision == revision, "the catalogue is taken over")
        assert LEAVES[0] not in ids(shop.recommend(subject={"user_id": DRINKER}, limit=100))


@pytest.mark.parametrize("placement", ["product", "cart"])
def test_what_is_on_the_page_counts_as_wanted_now_and_is_not_offered_again(shared: Shop, placement: str) -> None:
    context = {"item_ids": ["coffee-2"], "cart": [{"item_id": "coffee-3", "quantity": 2}]}
    answer = shared.recommend(subject={"user_id": "nobody"}, placement=placement, context=context, limit=3)
    assert answer["fallback"] is None
    assert set(ids(answer)) <= {"coffee-1", "coffee-4", "coffee-5", MILK}
    assert answer["items"][0]["reasons"][0]["code"] in ("bought_with", "similar_to")
    home = shared.recommend(subject={"user_id": "nobody"}, placement="home", context=context, limit=3)
    assert home["fallback"] == "popularity"


def test_an_unknown_item_on_the_page_is_answered(shared: Shop) -> None:
    answer = shared.recommend(placement="product", context={"item_ids": ["unheard-of"]}, limit=3)
    assert answer["fallback"] in ("category_popularity", "popularity")
    assert len(answer["items"]) == 3


@pytest.mark.parametrize("placement", DEFAULT)
@pytest.mark.parametrize("subject", [{"user_id": DRINKER}, {"user_id": "nobody"}, {"anonymous_id": "nobody"}, {}])
@pytest.mark.parametrize("context", [{}, {"item_ids": ["tea-1"], "cart": [{"item_id": "coffee-1"}], "query": "tea"}])
def test_every_placement_answers_everybody(
    shared: Shop, placement: str, subject: dict[str, str], context: dict[str, Any]
) -> None:
    answer = shared.recommend(subject=subject, placement=placement, context=context, limit=4)
    assert answer["placement"] == placement
    shown = ids(answer)
    assert len(shown) == len(set(shown)) <= 4
    of_nobody = placement in ("recently_viewed", "buy_again") and subject != {"user_id": DRINKER}
    assert bool(shown) != of_nobody, "who did nothing yet has viewed nothing and buys nothing again"
    assert not {"tea-1", "coffee-1"} & set(shown) or not context
    assert all(item["source"] and item["reasons"][0]["text"] for item in answer["items"])
    sources = [item["source"] for item in answer["items"]]
    assert not (of_nobody and answer["fallback"])
    assert answer["fallback"] is None or answer["fallback"] == sources[0] != answer["strategy"]


def test_a_version_that_is_no_suite_answers_every_placement(folder: Path) -> None:
    publish(folder, recipe=Fallback((RP3Beta(), Popularity())))
    with running(folder) as shop:
        until(lambda: shop.client.get("/v1/version").json()["model"]["version"] == "2", "the plain version is live")
        for placement in DEFAULT:
            for subject in ({"user_id": DRINKER}, {}):
                answer = shop.recommend(subject=subject, placement=placement, context={"item_ids": ["tea-1"]}, limit=3)
                assert len(answer["items"]) == 3, placement
                assert answer["strategy"] == "rp3beta"


def test_get_answers_as_post(shared: Shop) -> None:
    query = {"user_id": DRINKER, "placement": "cart", "item_ids": ["tea-1", "tea-2"], "limit": 3, "preview": True}
    got = shared.client.get("/v1/recommendations", params=query)
    assert got.status_code == 200
    assert got.headers["cache-control"] == "no-store"
    posted = shared.recommend(
        subject={"user_id": DRINKER}, placement="cart", context={"item_ids": ["tea-1", "tea-2"]}, limit=3, preview=True
    )
    assert got.json()["items"] == posted["items"]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"filter": "price <"}, "/filter", "filter_error"),
        ({"filter": "colour == 'red'"}, "/filter", "filter_error"),
        ({"filter": "x" * 2_001}, "/filter", "string_too_long"),
        ({"diversity": 1.3}, "/diversity", "less_than_equal"),
        ({"min_relevance": "very"}, "/min_relevance", "literal_error"),
        ({"context": {"category": ""}}, "/context/category", "string_too_short"),
        ({"subject": {"external_id": "x"}}, "/subject/external_id", "extra_forbidden"),
        ({"context": {"weather": "rain"}}, "/context/weather", "extra_forbidden"),
        ({"placement": "moon"}, "/placement", "literal_error"),
        ({"limit": 0}, "/limit", "greater_than_equal"),
        ({"limit": 101}, "/limit", "less_than_equal"),
        ({"limit": "many"}, "/limit", "int_parsing"),
        ({"subject": {"user_id": ""}}, "/subject/user_id", "string_too_short"),
        ({"subject": {"user_id": "x" * 257}}, "/subject/user_id", "string_too_long"),
        ({"subject": {"user_id": "a\x00b"}}, "/subject/user_id", "value_error"),
        ({"subject": {"user_id": 7}}, "/subject/user_id", "string_type"),
        (
            {"context": {"cart": [{"item_id": "a"}, {"item_id": "b", "quantity": 0}]}},
            "/context/cart/1/quantity",
            "greater_than",
        ),
        ({"fields": ["secret"]}, "/fields/0", "literal_error"),
    ],
)
def test_wrong_and_unknown_fields_are_pointed_at(shared: Shop, change: dict[str, Any], pointer: str, code: str) -> None:
    response = shared.client.post("/v1/recommendations", json=change)
    assert response.status_code == 422
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]


def test_wrong_query_parameters_are_pointed_at(shared: Shop) -> None:
    response = shared.client.get("/v1/recommendations", params={"limit": 1000, "colour": "red"})
    assert response.status_code == 422
    assert {error["pointer"] for error in response.json()["errors"]} == {"/limit", "/colour"}


def test_what_was_shown_is_in_the_log_before_it_is_answered(shop: Shop) -> None:
    subject = {"user_id": DRINKER, "anonymous_id": "device"}
    context = {
        "item_ids": ["tea-1"],
        "cart": [{"item_id": "coffee-1"}],
        "category": "drinks",
        "query": "tea",
        "page_url": "https://shop.example/tea-1?session=secret",
        "device": "mobile",
        "locale": "ru-RU",
        "timezone": "Europe/Moscow",
    }
    wish = {"limit": 3, "diversity": 0.25, "min_relevance": "low", "allow_fallback": False, "filter": "price < 9"}
    answer = shop.recommend(subject=subject, placement="product", context=context, exclude_item_ids=[MILK], **wish)
    (record,) = decisions(shop.folder)
    assert (record.key, record.type) == (answer["recommendation_id"], "recommendation")
    assert (record.user_id, record.anonymous_id) == (DRINKER, "device")
    shown = msgspec.json.decode(record.payload, type=Shown)
    assert [(item.product_id, item.score, item.source) for item in shown.items] == [
        (item["item_id"], item["score"], item["source"]) for item in answer["items"]
    ]
    assert (shown.placement, shown.model_version, shown.context_ids) == ("product", "1", ("tea-1", "coffee-1"))
    assert (shown.device, shown.excluded_ids) == ("mobile", (MILK,))
    assert (shown.category, shown.query) == ("drinks", "tea")
    assert shown.history_length == 30
    assert {name: getattr(shown, name) for name in wish} == wish
    told_otherwise = {"exclude_item_ids", "include", "fields", "preview"}
    assert set(Wish.model_fields) - told_otherwise <= set(Shown.__struct_fields__), "the log explains the answer"
    assert "secret" not in record.payload


def test_a_preview_is_neither_logged_nor_counted(shop: Shop) -> None:
    shop.recommend(subject={"user_id": DRINKER}, preview=True)
    assert not decisions(shop.folder)
    assert "kairos_recommendations_total{" not in shop.client.get("/metrics").text


def test_what_the_log_cannot_take_is_shown_from_the_journal_and_in_the_log_later(folder: Path) -> None:
    with running(folder) as shop:
        with contextlib.closing(sqlite3.connect(folder / "kairos.db", PATIENCE)) as connection:
            connection.execute("ALTER TABLE decision RENAME TO gone")
        answer = shop.recommend(subject={"user_id": DRINKER})
        assert answer["items"]
        assert shop.resources.decisions.journaled
        with contextlib.closing(sqlite3.connect(folder / "kairos.db", PATIENCE)) as connection:
            connection.execute("ALTER TABLE gone RENAME TO decision")
        until(lambda: not shop.resources.decisions.journaled, "the journal is in the log")
        assert shop.resources.decisions.log.find(answer["recommendation_id"]) is not None


def test_without_the_feature_store_the_log_answers(folder: Path) -> None:
    with running(folder) as shop:
        healthy = shop.recommend(subject={"user_id": DRINKER}, limit=3)
        with contextlib.closing(sqlite3.connect(folder / "features" / "online.db", PATIENCE)) as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
                connection.execute(f'DROP TABLE "{table}"')
            connection.commit()
        answer = shop.recommend(subject={"user_id": DRINKER}, limit=3)
        assert (answer["degraded"], answer["degraded_reason"]) == (True, "features_unavailable")
        assert ids(answer) == ids(healthy)
        assert 'degraded_reason="features_unavailable"' in shop.client.get("/metrics").text


def test_a_feature_store_that_is_slow_costs_its_timeout_and_not_the_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is waited for as long as it is locked: to who looks late it would be gone, and not slow."""
    online = folder / "features" / "online.db"
    monkeypatch.setattr("features.online_rows._SQLite.__init__.__defaults__", (PATIENCE,))
    with contextlib.closing(sqlite3.connect(online, PATIENCE, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        with running(folder, feature_timeout_ms=50) as shop:
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(3):
                answer = shop.recommend(subject={"user_id": DRINKER}, limit=3)
                assert (answer["degraded"], answer["degraded_reason"]) == (True, "features_timeout")
                assert answer["items"][0]["item_id"] in {*LEAVES, MILK}
            other.execute("ROLLBACK")


def test_without_a_model_the_way_out_is_told(world: Path, tmp_path: Path) -> None:
    folder = copy_world(world, tmp_path / "shop")
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    with running(folder, ready=False, mlflow_uri=empty) as shop:
        until(lambda: "train recommender" in shop.client.get("/readyz").text, "the first look at the registry")
        response = shop.client.post("/v1/recommendations", json={"subject": {"user_id": DRINKER}})
        assert (response.status_code, response.json()["code"]) == (503, "model_unavailable")
        assert int(response.headers["retry-after"]) > 0
        assert "python -m pipelines train recommender" in response.json()["detail"]
        assert "promote" in response.json()["detail"]
        ready = shop.client.get("/readyz")
        assert ready.status_code == 503
        assert "python -m pipelines train recommender" in ready.text
        assert shop.client.get("/livez").status_code == 200
        assert shop.track("Product Viewed", {"product_id": "tea-1"}, userId="u")["accepted"] == 1


def test_without_a_catalogue_everything_that_the_model_knows_may_be_shown(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "kairos.db", PATIENCE)) as connection:
        connection.execute("DELETE FROM product")
        connection.commit()
    with running(folder) as shop:
        answer = shop.recommend(subject={"user_id": DRINKER}, limit=3)
        assert len(answer["items"]) == 3
        assert answer["items"][0]["fields"] == {}


def test_years_after_the_last_order_the_taste_is_still_known(folder: Path) -> None:
    with running(folder) as shop:
        shop.clock.now = NOW + timedelta(days=365 * 9)
        answer = shop.recommend(subject={"user_id": DRINKER}, limit=4)
        assert answer["fallback"] is None
        assert set(ids(answer)) <= {*LEAVES, MILK}


def test_reasons_speak_the_language_of_the_page(shared: Shop) -> None:
    texts = {}
    for locale in ("ru-RU", "en-GB"):
        answer = shared.recommend(subject={"user_id": DRINKER}, limit=5, context={"locale": locale}, preview=True)
        texts[locale] = {item["item_id"]: item["reasons"][0]["text"] for item in answer["items"]}
    assert texts["ru-RU"][MILK] == "Вы покупали это 10 раз, последний раз 14.11.2026"
    assert texts["en-GB"][MILK] == "You bought it 10 times, last on 2026-11-14"


def test_without_fallback_the_first_source_speaks_alone(shared: Shop) -> None:
    nobody = shared.recommend(subject={"user_id": "nobody"}, allow_fallback=False)
    assert (nobody["items"], nobody["fallback"], nobody["strategy"]) == ([], None, "rp3beta")
    known = shared.recommend(subject={"user_id": DRINKER}, allow_fallback=False, limit=100)
    assert {item["source"] for item in known["items"]} == {"rp3beta"}


def test_a_last_resort_never_fills_up_a_block(shared: Shop) -> None:
    for product in ("tea-1", "tea-2"):
        shared.track("Product Viewed", {"product_id": product}, userId="looks-around")
    answer = shared.recommend(subject={"user_id": "looks-around"}, placement="recently_viewed")
    assert sorted(ids(answer)) == ["tea-1", "tea-2"]
    assert answer["fallback"] is None
    elsewhere = shared.recommend(placement="search", context={"query": "unheard-of"})
    assert (elsewhere["strategy"], elsewhere["fallback"]) == ("content", "popularity")
    assert elsewhere["items"]


def test_a_place_for_what_was_bought_is_empty_for_a_stranger_unless_a_fallback_is_named(folder: Path) -> None:
    told = folder / "placements.toml"
    told.write_text('[buy_again]\nsources = ["buy_again", { recommender = "popularity", last_resort = true }]')
    with running(folder, placements=told) as shop:
        stranger = shop.recommend(subject={}, placement="buy_again")
        assert (stranger["strategy"], stranger["fallback"]) == ("buy_again", "popularity")
        assert {item["reasons"][0]["code"] for item in stranger["items"]} == {"popular"}
        stranger = shop.recommend(subject={}, placement="recently_viewed")
        assert (stranger["strategy"], stranger["fallback"], stranger["items"]) == ("recently_viewed", None, [])


def test_a_ranker_without_a_history_to_rank_by_says_who_answered(folder: Path) -> None:
    ranker = TwoStage((RP3Beta(), Popularity()), horizon=14.0, smallest_leaf=2, trees=5)
    publish(folder, recipe=Suite((ranker, Popularity())))
    with running(folder) as shop:
        until(lambda: shop.client.get("/v1/version").json()["model"]["version"] == "2", "the ranker is live")
        for subject, fallback in (({"user_id": DRINKER}, None), ({}, "popularity")):
            answer = shop.recommend(subject=subject, limit=3)
            assert (answer["strategy"], answer["fallback"]) == ("two_stage", fallback)
            assert answer["items"]


def test_nobody_waits_for_the_compiler(folder: Path) -> None:
    ranker = TwoStage((RP3Beta(), Popularity()), horizon=14.0, smallest_leaf=2, trees=5)
    publish(folder, recipe=Suite((ranker, *(RECIPES[name]() for name in PLACES))))
    loops = compiled_loops()
    for loop in loops:
        loop._reset_overloads()
    with running(folder) as shop:
        until(lambda: shop.client.get("/v1/version").json()["model"]["version"] == "2", "the ranker is live")
        before = {id(loop): len(loop.signatures) for loop in loops}
        assert sum(before.values()) >= 15
        users = [f"tea-drinker-{number}" for number in range(1, 4)]
        for placement in DEFAULT:
            for user in (DRINKER, *users):
                shop.recommend(subject={"user_id": user}, placement=placement, context={"item_ids": [LEAVES[0]]})
            asked = {"placement": placement, "subjects": [{"user_id": user} for user in users]}
            assert shop.client.post("/v1/recommendations/batch", json=asked).status_code == 200
        assert [loop.py_func.__name__ for loop in loops if len(loop.signatures) > before[id(loop)]] == []


def compiled_loops() -> list[Any]:
    """What numba compiles of ours, in all modules that are loaded."""
    modules = [module for name, module in sys.modules.items() if name.startswith(("models.", "serving."))]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, CPUDispatcher)]
    return list({id(loop): loop for loop in found}.values())


def test_a_catalogue_that_nobody_renews_degrades(folder: Path) -> None:
    with running(folder, catalog_max_age_hours=24) as shop:
        assert not shop.recommend(subject={"user_id": DRINKER})["degraded"]
        shop.clock.now = NOW + timedelta(hours=25)
        answer = shop.recommend(subject={"user_id": DRINKER})
        assert (answer["degraded"], answer["degraded_reason"]) == (True, "catalog_stale")
        assert answer["items"]
        same = {"items": [{"item_id": "milk", "title": "Milk", "category": "dairy"}]}
        assert shop.client.put("/v1/catalog/items", json=same).json()["changed"] == 0
        until(lambda: not shop.recommend(subject={"user_id": DRINKER})["degraded"], "the shop was heard")
