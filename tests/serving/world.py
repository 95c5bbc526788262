"""A small shop with a known truth: half of its customers drink tea, the other half coffee, and everybody buys milk."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from features.assortment import described
from features.catalog import Catalog, Product
from features.compute import interactions
from features.database import open_database
from features.definitions import HISTORY
from features.events import Body, Event, Line
from features.history import compact
from features.identity import Identities
from features.log import EVENTS, Log, to_record
from features.snapshots import build, product_table
from features.store import apply, materialize, open_store
from models.arrays import codes_of
from models.catalogue import Catalogue
from models.evidence import Evidence, Snapshot
from models.published import Version
from models.recommenders.base import Interactions, Recommender, days
from models.recommenders.fallback import Fallback
from models.recommenders.family import RECIPES
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import Suite
from models.registry import Registry
from serving.access.key_table import KeyTable
from serving.access.scopes import Kind
from serving.app import create_app
from serving.decisions import desk
from serving.settings import Settings
from tests.waiting import PATIENCE, until

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEAVES = [f"tea-{number}" for number in range(1, 6)]
BEANS = [f"coffee-{number}" for number in range(1, 6)]
MILK = "milk"
CUSTOMERS = 20
DRINKER = "tea-drinker-3"
PLACES = (
    "bought_together",
    "buy_again",
    "category_popularity",
    "content",
    "item_item",
    "new",
    "recently_viewed",
    "trending",
)
"""The recommenders that placements ask beside the one that a version is judged by."""

SELDOM = 2.0
"""Seconds between two looks for another version in what many tests share, as in production: at those of `settings_in`
three such shops keep half a core busy for as long as they are there."""

FEATURES = (*(item.name for item in HISTORY), "log_position")


def settings_in(folder: Path, **changes: Any) -> Settings:
    """Everything below `folder`; a read or a commit has all the time that tests wait for anything, and fast machines do
    not come to the limits of rate that only tests of those look for."""
    values: dict[str, Any] = {
        "database_url": f"sqlite:///{folder / 'kairos.db'}",
        "history": folder / "history",
        "feature_data": folder / "features",
        "privacy_key": folder / "privacy.key",
        "mlflow_uri": f"sqlite:///{folder / 'mlflow.db'}",
        "refresh_seconds": 0.1,
        "feature_timeout_ms": round(1_000 * PATIENCE),
        "rate_admin": 100_000.0,
        "rate_address": 100_000.0,
        "rate_failures": 100_000.0,
        "journal": folder / "journal",
        "journal_megabytes": 1,
        "log_timeout_ms": round(1_000 * PATIENCE),
    }
    return Settings(**values | changes)


def order(customer: str, product_ids: list[str], at: datetime, number: int) -> Event:
    """One order of one piece of each product."""
    return Event(
        message_id=f"{customer}-{number}",
        type="order_completed",
        occurred_at=at,
        received_at=at,
        user_id=customer,
        body=Body(order_id=f"{customer}-{number}", lines=tuple(Line(product_id=id_) for id_ in product_ids)),
    )


def orders() -> Iterator[Event]:
    """Ten weeks of orders: each customer buys four of the five of their drink, never the one of their own number."""
    for number in range(CUSTOMERS):
        drink, shelf = (("tea", LEAVES), ("coffee", BEANS))[number % 2]
        mine = [id_ for place, id_ in enumerate(shelf) if place != number // 2 % 5]
        customer = f"{drink}-drinker-{number // 2 % 5 + 1}" + ("" if number < 10 else "-again")
        for week in range(10):
            bought = [mine[week % 4], mine[(week + 1) % 4], MILK]
            yield order(customer, bought, NOW - timedelta(days=7 * (10 - week), minutes=number), week)


def catalogue() -> list[Product]:
    """Everything that is sold; prices only for the leaves."""
    leaves = [
        Product(
            product_id=id_,
            title=id_.replace("-", " No. ").capitalize(),
            category="drinks/tea",
            brand="Leaf",
            price=Decimal("3.50"),
            currency="EUR",
        )
        for id_ in LEAVES
    ]
    beans = [Product(product_id=id_, title=id_.capitalize(), category="drinks/coffee", brand="Bean") for id_ in BEANS]
    return [*leaves, *beans, Product(product_id=MILK, title="Milk", category="dairy")]


def suite(half_life: float) -> Suite:
    """What is published: a chain that is judged, and a recommender for every placement."""
    judged = Fallback((RP3Beta(), Popularity(half_life=half_life)))
    return Suite((judged, *(RECIPES[name]() for name in PLACES)))


def data(folder: Path) -> Interactions:
    """What is there to learn from below `folder`."""
    engine = open_database(_url(folder))
    table = interactions(folder / "history", Identities(engine).table(), NOW)
    columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}
    items, item_codes = np.unique(columns["product_id"].astype(str), return_inverse=True)
    customers, customer_codes = np.unique(columns["customer_id"].astype(str), return_inverse=True)
    _, order_codes = np.unique(columns["order_id"].astype(str), return_inverse=True)
    told = Catalog(engine).changed_since(0)
    engine.dispose()
    assortment = described(told.products, told.added, product_table(folder / "features"))
    found = Interactions(
        customers=customer_codes.astype(np.int32),
        items=item_codes.astype(np.int32),
        days=columns["day"],
        weights=columns["weight"],
        item_ids=items.astype(object),
        customer_count=len(customers),
        until=days(NOW),
        orders=order_codes.astype(np.int32),
        catalogue=Catalogue(days(NOW), assortment.item_ids, assortment.texts, assortment.numbers),
    )
    assert (codes_of(items, found.item_ids) >= 0).all()
    return found


def publish(folder: Path, half_life: float = 30.0, recipe: Recommender | None = None) -> Version:
    """Fit on the history below `folder` and make the model the champion."""
    learned = data(folder)
    recipe = recipe or suite(half_life)
    counts = len(learned.items), learned.customer_count, len(learned.item_ids)
    snapshot = Snapshot("small shop", "0", NOW - timedelta(days=70), NOW, *counts)
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"))
    version = registry.publish(
        "recommender", recipe, recipe.fit(learned), FEATURES, Evidence(parameters={}, metrics={}, snapshot=snapshot)
    )
    return registry.promote(version, "a test", "it is the newest", NOW)


def build_world(folder: Path) -> None:
    """The shop below `folder`: events, history, features online, catalogue, champion."""
    engine = open_database(_url(folder))
    log = Log(engine, EVENTS)
    log.append([to_record(event) for event in orders()])
    catalog = Catalog(engine)
    for at in (NOW - timedelta(days=70), NOW):
        catalog.upsert(catalogue(), at)
    compact(log, folder / "history", 2)
    build(folder / "history", Identities(engine).table(), folder / "features", NOW)
    store = open_store(folder / "features", "sqlite")
    apply(store)
    materialize(store)
    publish(folder)
    engine.dispose()


def copy_world(world: Path, folder: Path) -> Path:
    """A shop of one's own, to break. The artifacts of the models stay where they are."""
    shutil.copytree(world, folder, ignore=shutil.ignore_patterns("artifacts"))
    return folder


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Shop:
    """A running application with its folder, its clock and a client."""

    app: FastAPI
    client: TestClient
    clock: Clock
    folder: Path

    @property
    def resources(self) -> Any:
        return self.app.state.resources

    def track(self, event: str, properties: dict[str, Any] | None = None, **fields: Any) -> Any:
        """One track call; answers the body of a 200."""
        response = self.client.post("/v1/track", json={"event": event, "properties": properties or {}, **fields})
        assert response.status_code == 200, response.text
        return response.json()

    def count(self) -> None:
        """Count all that came in; a single step does not, where the service's own thread counts at the same time."""
        self.resources.arrivals.write()
        while self.resources.projection.activity.step():
            pass

    def stop_refilling(self) -> None:
        """Whatever the limits let through is used up from here on, however long the requests of a test take."""
        guard, now = self.resources.guard, time.monotonic()
        for buckets in (*guard._keys.values(), guard._by_address, guard._failures):
            buckets._clock = lambda: now

    def recommend(self, **request: Any) -> Any:
        """One answer with recommendations; answers the body of a 200."""
        response = self.client.post("/v1/recommendations", json=request)
        assert response.status_code == 200, response.text
        return response.json()


def make_key(folder: Path, kind: Kind = "adm", database_url: str | None = None, **told: Any) -> str:
    """The secret of a new key of the shop below `folder`; one for administration may do everything."""
    engine = open_database(database_url or _url(folder))
    secret = KeyTable(engine).create(kind, "tests", NOW, **told).secret
    engine.dispose()
    return secret


def bearing(secret: str) -> dict[str, str]:
    """The header that sends a key."""
    return {"Authorization": f"Bearer {secret}"}


@contextmanager
def running(folder: Path, ready: bool = True, give_up_seconds: float = PATIENCE, **settings: Any) -> Iterator[Shop]:
    """The application over `folder`, ready to recommend unless told otherwise; its client may do everything.

    A thread that sleeps for seconds is no desk that hangs; the tests of that say when it does.
    """
    clock = Clock()
    app = create_app(settings_in(folder, **settings), clock, give_up_seconds)
    headers = bearing(make_key(folder, database_url=settings.get("database_url")))
    with (
        pytest.MonkeyPatch.context() as patched,
        TestClient(app, raise_server_exceptions=False, headers=headers) as client,
    ):
        patched.setattr(desk, "_HANGS_SECONDS", PATIENCE)
        if ready:
            until(lambda: client.get("/readyz").status_code == 200, "the champion is live")
        yield Shop(app, client, clock, folder)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'kairos.db'}"
