"""The shop's products as they were at earlier moments: what a model may learn from, without a look ahead.

Features of products come from Feast's point-in-time join; what the catalogue says (titles, categories, brands) is of
today, as it keeps no versions. Its price gives way to the last one that an event had named by then, and whether a
product is in stock now is left out, since it says nothing about then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from features.assortment import described
from features.catalog import Product
from features.definitions import PRODUCT_FEATURES
from features.snapshots import keep_products
from features.store import apply, open_store, training_set
from models.arrays import Floats, Ids
from models.catalogue import Catalogue
from models.recommenders.base import days

_FEATURES = tuple(field.name for field in PRODUCT_FEATURES)
_NOW_ONLY = ("in_stock",)


@dataclass(frozen=True)
class Assortment:
    """The `products` that the catalogue holds, when each was `added`, and a folder for features of the past.

    Models that learn from several moments get `past` of them, `step` apart, before the one they are fitted at.
    """

    folder: Path
    products: Sequence[Product] = ()
    added: Mapping[str, datetime] = field(default_factory=dict)
    past: int = 3
    step: timedelta = timedelta(weeks=4)

    def moments(self, until: datetime) -> tuple[datetime, ...]:
        """`until` and those before it, oldest first.

        >>> from datetime import UTC
        >>> months = Assortment(Path("unused"), past=2).moments(datetime(2018, 1, 2, tzinfo=UTC))
        >>> [f"{moment:%m-%d}" for moment in months]
        ['11-07', '12-05', '01-02']
        """
        return tuple(until - self.step * back for back in reversed(range(self.past + 1)))

    def catalogues(
        self, history: Path, identities: pa.Table, item_ids: Ids, moments: Sequence[datetime]
    ) -> tuple[Catalogue, ...]:
        """`item_ids` as of each of `moments`; every number is NaN for a product that nobody knew by then."""
        keep_products(history, identities, self.folder, moments)
        wanted = set(item_ids.tolist())
        told = described([product for product in self.products if product.product_id in wanted], self.added, None)
        now = Catalogue(days(moments[-1]), told.item_ids, told.texts, told.numbers)
        texts = {name: now.text(name, item_ids) for name in told.texts}
        numbers = {name: now.number(name, item_ids) for name in told.numbers if name not in _NOW_ONLY}
        return tuple(
            Catalogue(days(moment), item_ids, texts, _as_of(numbers, features, days(moment)))
            for moment, features in zip(moments, self._features(item_ids, moments), strict=True)
        )

    def _features(self, item_ids: Ids, moments: Sequence[datetime]) -> list[dict[str, Floats]]:
        """The product features of each moment by name, joined by Feast over nothing but the tables of these moments."""
        store = open_store(self.folder, "sqlite")
        apply(store)
        rows = pd.DataFrame(
            {
                "product_id": np.tile(item_ids, len(moments)),
                "event_timestamp": np.repeat(pd.to_datetime(list(moments), utc=True), len(item_ids)),
            }
        )
        joined = training_set(store, rows, [f"product:{name}" for name in _FEATURES])
        columns = {name: joined[name].to_numpy(np.float64).reshape(len(moments), -1) for name in _FEATURES}
        return [{name: column[place] for name, column in columns.items()} for place in range(len(moments))]


def _as_of(told: Mapping[str, Floats], features: Mapping[str, Floats], day: float) -> dict[str, Floats]:
    """What the shop tells of its products, as far as it was so on `day`, beside what their features said then."""
    since = np.fmin(told["since"], day - features["first_seen_days"])
    known = since <= day
    price = np.where(np.isnan(features["price_last"]), told["price"], features["price_last"])
    numbers = {**told, **features, "price": price, "since": since}
    return {name: np.where(known, column, np.nan) for name, column in numbers.items()}
