"""A shop that knows three people in every store: her, who is to be erased, him, with whom she shared a tablet, and a
visitor of whom nobody knows more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
from feast import FeatureStore
from sqlalchemy import Engine

from features.cart_table import CartTable
from features.customer_restock import keep_restock
from features.definitions import RESTOCK_FEATURES
from features.events import Event, Line
from features.history import compact
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record, to_record
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from features.privacy.work import Places
from features.restock_table import CURVE_DAYS, SCHEMA, write
from features.snapshots import build
from features.store import apply, materialize, open_store
from tests.features.decided import decision
from tests.features.person import at, event

HER, OLD, PHONE, TABLET = "her-user", "her-old-user", "her-phone", "the-tablet"
HIM, STRANGER = "him-user", "a-stranger"
HERS = (HER, OLD, PHONE)
"""What must be nowhere once she is erased; the tablet neither, as it was hers first."""

AS_OF = at(60 * 24 * 30)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = field(default=AS_OF)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class World:
    """The shop and where everything of it is."""

    places: Places
    clock: Clock
    folder: Path

    @property
    def engine(self) -> Engine:
        return self.places.engine

    @property
    def events(self) -> Log:
        return Log(self.engine, EVENTS)

    @property
    def decisions(self) -> Log:
        return Log(self.engine, DECISIONS)

    @property
    def identities(self) -> Identities:
        return Identities(self.engine)

    def compact(self) -> None:
        compact(self.events, self.places.history, 4)


def said() -> list[Event]:
    """What happened: she comes by phone and tablet, logs in, was somebody else before; he uses the tablet as well."""
    milk = Line(product_id="milk", price=Decimal("2.50"))
    return [
        event("product_viewed", 0, milk, user=None, visitor=PHONE),
        event("product_added", 1, milk, user=None, visitor=PHONE, cart_id="c1"),
        event("identified", 2, user=HER, visitor=PHONE),
        event("identified", 3, user=HER, visitor=TABLET),
        event("aliased", 4, user=HER, previous_id=OLD),
        event("order_completed", -3000, milk, user=OLD, order_id="o-old"),
        event("product_viewed", 10, milk, user=HIM, visitor=TABLET, id="m10"),
        event("order_completed", 20, milk, user=HIM, order_id="o-him"),
        event("product_added", 25, milk, user=HIM, cart_id="c2"),
        event("product_viewed", 30, milk, user=None, visitor=STRANGER),
        event("message_sent", 70, user=HER, channel="email", decision_id="dec_her"),
        event("message_clicked", 80, user=HER, channel="email", decision_id="dec_her"),
        event("order_completed", 90, milk, user=HER, order_id="o-her"),
        event("message_sent", 75, user=HIM, channel="email", decision_id="dec_him"),
        event("consent_changed", 95, user=HER, channel="email", purpose="personalization", consent="withdrawn"),
        event("products_searched", 99, user=HER, query="milk for her"),
    ]


def decided() -> list[Record]:
    """What was answered: to each a decision, and to her a second one, of which nothing came."""
    return [
        decision("dec_her", 60, user=HER, trigger_id="c1"),
        decision("dec_him", 61, user=HIM, trigger_id="c2"),
        decision("dec_her_2", 60 * 24 * 10, channel=None, user=HER, trigger_id="c9", item_ids=("milk",)),
        Record("rec_her", "recommendation", 1, 1, HER, TABLET, '{"query":"for her-user"}'),
        Record("rec_him", "recommendation", 2, 2, HIM, None, "{}"),
    ]


def build_world(engine: Engine, folder: Path, online_store: str = "sqlite") -> World:
    """Every store filled, and all that is made of them made."""
    events, decisions = Log(engine, EVENTS), Log(engine, DECISIONS)
    events.append([to_record(one) for one in said()])
    decisions.append(decided())
    identities = Identities(engine)
    identities.catch_up(events)
    CartTable(engine).catch_up(events, identities)
    compact(events, folder / "history", 4)
    feature_data = folder / "features"
    build(folder / "history", identities.table(), feature_data, at(60 * 24))
    people = sorted([min(HER, OLD), HIM])
    columns = {field.name: np.ones(len(people)) for field in RESTOCK_FEATURES if not field.name.endswith(("_us", "on"))}
    columns |= {"is_overdue": np.ones(len(people), bool), "groups_due_7d": np.ones(len(people), np.int64)}
    keep_restock(feature_data, at(60 * 24), at(60 * 24), 3, np.array(people, object), columns)
    write(feature_data, at(60 * 24), 3, [_due(people)])
    store = open_store(feature_data, online_store)
    apply(store)
    for view in ("customer", "customer_restock"):
        materialize(store, view=view)
    return World(places_of(engine, folder, store), Clock(), folder)


def places_of(engine: Engine, folder: Path, store: FeatureStore) -> Places:
    """Where everything is, without a wait for other processes."""
    suppressions = Suppressions(engine, secret_in(folder / "privacy.key"))
    return Places(engine, folder / "history", folder / "features", store, suppressions, wait=timedelta(0))


def _due(people: Sequence[str]) -> pa.Table:
    curve = np.linspace(1.0, 0.2, len(CURVE_DAYS), dtype=np.float32).tolist()
    numbers = {"packs": 2.0, "purchases": 3.0, "elapsed": 5.0, "mean_interval": 7.0}
    texts = {"unit_id": "milk", "product_id": "milk", "status": "due", "confidence": "low"}
    rows = [{"customer_id": id_, **texts, **numbers, "curve": curve, "next_order": curve} for id_ in people]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
