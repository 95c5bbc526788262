"""Following the registry: the next version goes live in whole, a bad one does not, and nothing kills the thread."""

import contextlib
import re
import sqlite3
import threading
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.evidence import Evidence, Snapshot
from models.recommenders.popularity import FittedPopularity, Popularity
from models.registry import Registry
from tests.serving.world import DRINKER, FEATURES, NOW, Shop, copy_world, publish, running
from tests.waiting import PATIENCE, until

EMPTY = Evidence(parameters={}, metrics={}, snapshot=Snapshot("nothing", "0", NOW, NOW, 0, 0, 0))


def registry_of(folder: Path) -> Registry:
    return Registry(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"))


def version(shop: Shop) -> Any:
    return shop.client.get("/v1/version").json()


@pytest.mark.slow
def test_a_promotion_and_a_rollback_are_followed_without_a_failed_request(folder: Path) -> None:
    with running(folder) as shop:
        outcomes: list[tuple[int, str]] = []
        stop = threading.Event()

        def visit() -> None:
            while not stop.is_set():
                response = shop.client.post("/v1/recommendations", json={"subject": {"user_id": DRINKER}})
                outcomes.append((response.status_code, response.json()["model"]["version"]))

        visitor = threading.Thread(target=visit)
        visitor.start()
        try:
            until(lambda: bool(outcomes), "version 1 answers")
            publish(folder, half_life=7.0)
            until(lambda: version(shop)["model"]["version"] == "2", "version 2 is live")
            assert version(shop)["previous_model_version"] == "1"
            until(lambda: outcomes[-1][1] == "2", "version 2 answers")
            registry_of(folder).rollback("recommender", "a test", "to see it back", NOW)
            until(lambda: version(shop)["model"]["version"] == "1", "version 1 is back")
            count = len(outcomes)
            until(lambda: len(outcomes) > count + 5, "more visits")
        finally:
            stop.set()
            visitor.join()
        assert {status for status, _ in outcomes} == {200}
        assert [number for number, _ in groupby(number for _, number in outcomes)] == ["1", "2", "1"]
        assert 'kairos_model_info{name="recommender",version="1"} 1.0' in shop.client.get("/metrics").text


@pytest.mark.slow
def test_a_version_that_recommends_nothing_does_not_go_live(folder: Path) -> None:
    with running(folder) as shop:
        items = shop.resources.champion.bundle.published.model.item_ids
        silent = FittedPopularity(items, 20_000.0, np.zeros(len(items)))
        registry = registry_of(folder)
        registry.promote(registry.publish("recommender", Popularity(), silent, FEATURES, EMPTY), "a test", "bad", NOW)
        until(lambda: version(shop)["refused"] != [], "version 2 is refused")
        assert version(shop)["model"]["version"] == "1"
        assert shop.recommend(subject={"user_id": DRINKER})["items"]
        until(lambda: "kairos_refresh_failures_total 1.0" in metrics(shop), "the failure is counted once")


def test_a_registry_that_is_gone_leaves_the_live_model_alone(folder: Path) -> None:
    with running(folder) as shop:
        with contextlib.closing(sqlite3.connect(folder / "mlflow.db", PATIENCE)) as connection:
            connection.execute("ALTER TABLE registered_model_aliases RENAME TO gone")
        until(lambda: "kairos_refresh_failures_total 0.0" not in metrics(shop), "the failure is counted")
        assert shop.recommend(subject={"user_id": DRINKER})["model"]["version"] == "1"
        item = {"items": [{"item_id": "new-tea"}]}
        assert shop.client.put("/v1/catalog/items", json=item).status_code == 200
        until(lambda: "new-tea" in shop.resources.champion.shelf.products, "the catalogue is still followed")


def metrics(shop: Shop) -> str:
    found: str = shop.client.get("/metrics").text
    return found if "kairos_refresh_failures_total" in found else found + "kairos_refresh_failures_total 0.0"


def test_a_change_of_the_catalogue_by_another_process_is_noticed(folder: Path) -> None:
    from features.catalog import Catalog, Product
    from features.database import open_database

    with running(folder) as shop:
        engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
        Catalog(engine).upsert([Product(product_id="milk", in_stock=False)], NOW)
        engine.dispose()
        until(lambda: shop.recommend(limit=100)["items"][0]["item_id"] != "milk", "milk is sold out")


def test_nothing_is_loaded_twice(folder: Path, world: Path, tmp_path: Path) -> None:
    with running(copy_world(world, tmp_path / "other")) as shop:
        bundle = shop.resources.champion.bundle
        shop.resources.champion.refresh()
        assert shop.resources.champion.bundle is bundle


def test_the_age_of_the_product_features_is_told(shared: Shop) -> None:
    assert shared.resources.champion.features_as_of() == NOW
    assert "kairos_product_features_age_seconds 0.0" in shared.client.get("/metrics").text


def bad(folder: Path, shop: Shop, kind: str) -> None:
    """Publish and promote a version that must never go live."""
    registry = registry_of(folder)
    items = shop.resources.champion.bundle.published.model.item_ids
    scores = np.full(len(items), np.nan if kind == "numbers" else 1.0)
    features = ("horoscope",) if kind == "horoscope" else FEATURES
    found = registry.publish("recommender", Popularity(), FittedPopularity(items, 20_000.0, scores), features, EMPTY)
    registry.promote(found, "a test", "bad", NOW)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "told"), [("numbers", "no numbers|nothing to anybody"), ("horoscope", "horoscope")])
def test_a_broken_version_never_answers_and_says_why(folder: Path, kind: str, told: str) -> None:
    with running(folder) as shop:
        bad(folder, shop, kind)
        until(lambda: version(shop)["refused"] != [], "the version is refused")
        (refused,) = version(shop)["refused"]
        assert (refused["name"], refused["version"]) == ("recommender", "2")
        assert re.search(told, refused["reason"])
        assert version(shop)["model"]["version"] == "1"
        assert shop.recommend(subject={"user_id": DRINKER})["model"]["version"] == "1"
        registry_of(folder).rollback("recommender", "a test", "it is broken", NOW)
        until(lambda: version(shop)["refused"] == [], "nothing is refused any more")


@pytest.mark.slow
def test_a_version_whose_files_are_gone_is_refused_without_telling_where_they_were(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(folder) as shop:

        def gone(_: object) -> None:
            raise FileNotFoundError("/a/secret/place/model.npz")

        monkeypatch.setattr(shop.resources.champion.versions.registry, "load", gone)
        publish(folder, half_life=7.0)
        until(lambda: version(shop)["refused"] != [], "the version is refused")
        (refused,) = version(shop)["refused"]
        assert "FileNotFoundError" in refused["reason"]
        assert "secret" not in refused["reason"]
        assert shop.recommend(subject={"user_id": DRINKER})["model"]["version"] == "1"


def test_a_registry_that_hangs_does_not_keep_what_is_sold_out_on_the_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(folder) as shop:
        hanging, over = threading.Event(), threading.Event()

        def hang(*_: object) -> None:
            hanging.set()
            over.wait(2 * PATIENCE)

        monkeypatch.setattr(shop.resources.champion.versions.registry, "alias", hang)
        assert hanging.wait(PATIENCE)
        item = {"items": [{"item_id": "new-tea"}]}
        assert shop.client.put("/v1/catalog/items", json=item).status_code == 200
        until(lambda: "new-tea" in shop.resources.champion.shelf.products, "the catalogue is followed")
        over.set()
