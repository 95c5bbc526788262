"""Periodic buyers in the small shop: the weekly ones buy milk every seventh day, and food every fourth time."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from features.catalog import Catalog, Product
from features.database import open_database
from features.events import Body, Event, Line
from features.log import EVENTS, Log, to_record
from features.purchases import last_day
from features.restock_table import CURVE_DAYS, SCHEMA, write
from models.arrays import codes_of
from models.catalogue import Catalogue
from models.evidence import Evidence, Snapshot
from models.published import Version
from models.recommenders.base import days
from models.registry import Registry
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from tests.serving.world import NOW, Shop
from tests.waiting import until

WEEKLY = [f"weekly-{number}" for number in range(12)]
LAPSED = "lapsed"
ONCE = "once"
MILKS = ("milk-a", "milk-b")
FOOD = "food-2kg"
SOLD_OUT = "sold-out"
UNTIL = NOW - timedelta(minutes=5)
RECIPE = Replenishment(need=BGNBD(), trips=BGNBD())


def order(customer: str, at: datetime, number: str, **quantities: float) -> Event:
    """One order; a product by its name with `_` for `-`, and how many of it."""
    lines = tuple(
        Line(product_id=name.replace("_", "-"), quantity=quantity, price=Decimal("2.50"))
        for name, quantity in quantities.items()
    )
    return Event(
        message_id=f"{customer}-{number}",
        type="order_completed",
        occurred_at=at,
        received_at=at,
        user_id=customer,
        body=Body(order_id=f"{customer}-{number}", lines=lines, currency="EUR"),
    )


def orders() -> Iterator[Event]:
    """Half a year: the weekly ones come every seven days, the last time `number % 7` days ago; the lapsed one left."""
    for number, customer in enumerate(WEEKLY):
        for week in range(26, -1, -1):
            at = UNTIL - timedelta(days=7 * week + number % 7)
            more = {"food_2kg": 1.0} if week % 4 == number % 4 else {}
            yield order(customer, at, str(week), milk_a=2.0, **more)
    for week in range(26, 20, -1):
        yield order(LAPSED, UNTIL - timedelta(days=7 * week), str(week), milk_a=1.0)
    yield order(ONCE, UNTIL - timedelta(days=10), "0", milk_b=1.0)


def catalogue() -> list[Product]:
    """Two milks that replace each other, food, and food that is out of stock."""
    milks = [
        Product(product_id=id_, title=id_, category="dairy/milk", price=Decimal("1.20"), currency="EUR")
        for id_ in MILKS
    ]
    food = Product(product_id=FOOD, title="Food", category="pets/food", price=Decimal("9.90"), currency="EUR")
    return [*milks, food, Product(product_id=SOLD_OUT, category="pets/food", in_stock=False)]


def lines() -> tuple[Lines, list[str]]:
    """Everything in `orders` as a model learns from it, and the customers by code."""
    found = [(event, line) for event in orders() for line in event.body.lines]
    people = sorted({str(event.user_id) for event, _ in found})
    ids = np.array(sorted({line.product_id for _, line in found}), object)
    return (
        Lines.of(
            np.array([people.index(str(event.user_id)) for event, _ in found], np.int32),
            codes_of([line.product_id for _, line in found], ids),
            np.array([int(days(event.occurred_at)) for event, _ in found], np.int32),
            np.array([line.quantity for _, line in found]),
            np.array([float(line.price or 0) for _, line in found]),
            ids,
            len(people),
            last_day(UNTIL),
        ),
        people,
    )


def described() -> Catalogue:
    """The catalogue as models see it."""
    products = sorted(catalogue(), key=lambda product: product.product_id)
    ids = np.array([product.product_id for product in products], object)
    categories = np.array([product.category for product in products], object)
    titles = np.array([product.title for product in products], object)
    return Catalogue(days(NOW), ids, {"category": categories, "title": titles}, {})


def publish(folder: Path) -> tuple[Version, FittedReplenishment]:
    """Fit, and make the model the champion."""
    learned, people = lines()
    fitted = RECIPE.fit(learned, described())
    snapshot = Snapshot("periodic shop", "0", NOW - timedelta(days=190), NOW, len(learned.days), len(people), 4)
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"))
    version = registry.publish("replenishment", RECIPE, fitted, (), Evidence({}, {}, snapshot))
    return registry.promote(version, "a test", "it is the newest", NOW), fitted


def score(
    folder: Path,
    model: FittedReplenishment,
    position: int,
    as_of: datetime = UNTIL,
    visitors: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """The table of who is due, of everybody in `orders`; of those in `visitors` as of a visitor of that id."""
    learned, people = lines()
    people = [f"anonymous:{visitors[name]}" if name in visitors else name for name in people]
    found = model.forecast(learned, last_day(as_of))
    at = list(CURVE_DAYS)

    def curves(values: np.ndarray) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(pa.array(values[:, at].astype(np.float32).ravel()), len(at))

    columns = {
        "customer_id": pa.array([people[code] for code in found.customers]),
        "unit_id": pa.array(found.unit_ids),
        "product_id": pa.array(found.product_ids),
        "packs": pa.array(found.packs),
        "curve": curves(found.curves),
        "status": pa.array(found.status),
        "confidence": pa.array(found.confidence),
        "purchases": pa.array(found.evidence["purchases"]),
        "elapsed": pa.array(found.evidence["elapsed"]),
        "mean_interval": pa.array(found.evidence["mean_interval"]),
        "next_order": curves(found.trips[found.customers]),
    }
    return write(folder / "features", as_of, position, [pa.table({name: columns[name] for name in SCHEMA.names})])


def build_world(folder: Path) -> None:
    """Into the small shop below `folder`: orders, products, the champion of replenishment, the table of who is due."""
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    log = Log(engine, EVENTS)
    log.append([to_record(event) for event in orders()])
    Catalog(engine).upsert(catalogue(), NOW)
    _, fitted = publish(folder)
    score(folder, fitted, log.last_position())
    engine.dispose()


def live(shop: Shop) -> None:
    """Wait until the application restocks: the model is live, and everybody is known to have been scored."""
    restock = shop.resources.restock
    until(lambda: restock.live() is not None and restock.scored is not None, "restocking is live")
