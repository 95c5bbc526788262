"""The history of a visitor: the stored row and the log behind it, each interaction once, whatever was merged when."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from features.database import open_database
from features.events import INTERACTION_WEIGHTS
from features.history import compact
from features.identity import Identities
from features.log import EVENTS, Log
from features.snapshots import build
from features.store import materialize, open_store
from models.recommenders.base import days
from serving.schemas import Subject
from serving.visitor import HISTORY_LENGTH, Visitor
from tests.serving.world import DRINKER, FEATURES, MILK, NOW, Shop, running


def history(shop: Shop, **subject: Any) -> list[tuple[str, float]]:
    """What the model would be told: products with their weights, oldest first."""
    visitor = read(shop, **subject)
    assert visitor.degraded is None
    assert (np.diff(visitor.days) >= 0).all()
    return list(zip(visitor.ids, visitor.weights, strict=True))


def read(shop: Shop, **subject: Any) -> Visitor:
    visitors = shop.resources.visitors
    found: Visitor = asyncio.run(visitors.read(Subject(**subject), FEATURES, shop.clock()))
    return found


def rebuild(shop: Shop) -> None:
    """What `features build` does while the service runs, a minute later."""
    shop.clock.now += timedelta(minutes=1)
    engine = open_database(f"sqlite:///{shop.folder / 'kairos.db'}")
    compact(Log(engine, EVENTS), shop.folder / "history", 2)
    build(shop.folder / "history", Identities(engine).table(), shop.folder / "features", shop.clock())
    materialize(open_store(shop.folder / "features", "sqlite"))
    engine.dispose()


def test_the_row_and_the_tail_meet_without_gap_or_overlap(shop: Shop) -> None:
    before = history(shop, user_id=DRINKER)
    assert len(before) == 30
    shop.track("Product Viewed", {"product_id": "tea-1"}, userId=DRINKER)
    shop.track("Order Completed", {"order_id": "n", "products": [{"product_id": MILK}]}, userId=DRINKER)
    expected = [*before, ("tea-1", INTERACTION_WEIGHTS["product_viewed"]), (MILK, 1.0)]
    assert history(shop, user_id=DRINKER) == expected
    rebuild(shop)
    assert history(shop, user_id=DRINKER) == expected


def test_a_merge_before_and_after_the_next_build_counts_everything_once(shop: Shop) -> None:
    shop.track("Product Viewed", {"product_id": "tea-1"}, anonymousId="device")
    rebuild(shop)
    shop.track("Product Viewed", {"product_id": "tea-2"}, anonymousId="device")
    shop.client.post("/v1/identify", json={"userId": "ann", "anonymousId": "device"})
    shop.track("Product Viewed", {"product_id": "tea-3"}, userId="ann")
    expected = [(f"tea-{number}", 0.1) for number in (1, 2, 3)]
    assert history(shop, user_id="ann") == expected
    assert history(shop, anonymous_id="device") == expected
    rebuild(shop)
    assert history(shop, user_id="ann") == expected
    assert history(shop, anonymous_id="device") == expected


def test_two_accounts_joined_by_an_alias_are_one_history(shop: Shop) -> None:
    shop.track("Product Viewed", {"product_id": "tea-1"}, userId="old")
    shop.track("Product Viewed", {"product_id": "tea-2"}, userId="new")
    rebuild(shop)
    shop.client.post("/v1/alias", json={"userId": "new", "previousId": "old"})
    for user_id in ("old", "new"):
        assert sorted(history(shop, user_id=user_id)) == [("tea-1", 0.1), ("tea-2", 0.1)]
    rebuild(shop)
    for user_id in ("old", "new"):
        assert sorted(history(shop, user_id=user_id)) == [("tea-1", 0.1), ("tea-2", 0.1)]


def test_a_history_ends_at_its_latest_interactions(shop: Shop) -> None:
    products = [{"product_id": f"p{number}"} for number in range(HISTORY_LENGTH + 10)]
    shop.track("Order Completed", {"order_id": "big", "products": products}, userId=DRINKER)
    found = history(shop, user_id=DRINKER)
    assert len(found) == HISTORY_LENGTH
    assert found[-1] == (f"p{HISTORY_LENGTH + 9}", 1.0)


def test_nobody_has_no_history(shared: Shop) -> None:
    assert history(shared) == []
    assert history(shared, user_id="never seen") == []


def test_concurrent_readers_each_get_their_own(shared: Shop) -> None:
    customers = [f"{drink}-drinker-{number}" for drink in ("tea", "coffee") for number in range(1, 6)] * 10

    async def ask() -> list[Visitor]:
        visitors = shared.resources.visitors
        reads = (visitors.read(Subject(user_id=customer), FEATURES, NOW) for customer in customers)
        return list(await asyncio.gather(*reads))

    for customer, visitor in zip(customers, asyncio.run(ask()), strict=True):
        assert visitor.degraded in (None, "features_timeout")
        drink = customer.split("-")[0]
        assert {str(id_).split("-")[0] for id_ in visitor.ids} == {drink, MILK}


def test_a_question_never_looks_ahead_of_its_own_time() -> None:
    visitor = Visitor(np.array(["tea"], object), np.array([days(NOW) + 1]), np.array([0.1]))
    assert visitor.query(days(NOW)).days.tolist() == [days(NOW)]


def test_what_was_shown_is_counted_until_it_is_touched(shop: Shop) -> None:
    for _ in range(2):
        answer = shop.recommend(subject={"user_id": DRINKER}, limit=3)
        shop.clock.now += timedelta(minutes=1)
    other, first = answer["items"][1]["item_id"], answer["items"][0]["item_id"]
    assert shown(shop, timedelta(hours=1)) == {item["item_id"]: 2 for item in answer["items"]}
    assert shown(shop, timedelta(seconds=70))[other] == 1
    shop.track("Product Viewed", {"product_id": first}, userId=DRINKER, timestamp=shop.clock.now.isoformat())
    assert first not in shown(shop, timedelta(hours=1))
    assert shown(shop, timedelta(hours=1))[other] == 2
    assert asyncio.run(shop.resources.visitors.read(Subject(user_id=DRINKER), FEATURES, shop.clock())).shown == {}


def shown(shop: Shop, window: timedelta) -> dict[str, int]:
    since = shop.clock() - window
    visitor = asyncio.run(shop.resources.visitors.read(Subject(user_id=DRINKER), FEATURES, shop.clock(), since))
    return dict(visitor.shown)


def test_features_that_were_never_built_degrade(folder: Path, tmp_path: Path) -> None:
    with running(folder, feature_data=tmp_path / "nothing") as shop:
        visitor = read(shop, user_id=DRINKER)
        assert visitor.degraded == "features_unavailable"
        assert len(visitor.ids) == 30
