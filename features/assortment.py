"""The assortment as columns: what the shop says about its products beside what Feast knows of them, for models to read.

Training and serving describe products by this one function, so a model sees the same columns on both sides.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.catalog import Product
from features.snapshots import ProductFeatures

TEXTS = ("title", "category", "brand", "group_id")
"""Fields of a product that are columns of text; its attributes stand beside them under their own names."""

MOST_ATTRIBUTES = 64
"""Columns of attributes: those that most products have, as each costs an entry for every product."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Described:
    """One entry a product in each column, in the order of `item_ids`, which are sorted.

    `texts` hold a string or None, `numbers` are NaN where not known: `price`, `in_stock` (1 or 0), `periodic` (1 or 0),
    `since` (the day since 1970 from which on it was sold), and every feature of products by its name.
    """

    item_ids: NDArray[np.object_]
    texts: Mapping[str, NDArray[np.object_]]
    numbers: Mapping[str, NDArray[np.float64]]


def described(
    products: Sequence[Product], added: Mapping[str, datetime], product_features: ProductFeatures | None
) -> Described:
    """The columns of all `products`, and of those that only `product_features` know.

    A product is sold since it was `added` to the catalogue, or since the first event about it when that was earlier.

    >>> tea = Product(product_id="tea", brand="Ronnefeldt", attributes={"origin": "Assam"})
    >>> columns = described([tea], {"tea": datetime(1970, 1, 3, tzinfo=UTC)}, None)
    >>> columns.texts["origin"].tolist(), columns.numbers["since"].tolist()
    (['Assam'], [2.0])
    """
    known = {product.product_id: product for product in products}
    touched = product_features.product_ids.tolist() if product_features else []
    ids = sorted(known.keys() | set(touched))
    told = [known.get(id_) or Product(product_id=id_) for id_ in ids]
    texts = {name: _objects([getattr(product, name) for product in told]) for name in TEXTS}
    for name in _attributes(products):
        texts[name] = _objects([product.attributes.get(name) for product in told])
    numbers = {
        "price": _floats([product.price for product in told]),
        "in_stock": _floats([product.in_stock if product.product_id in known else None for product in told]),
        "periodic": _floats([product.periodic for product in told]),
    }
    since = _floats([(added[id_] - _EPOCH) / _DAY if id_ in added else None for id_ in ids])
    if product_features is not None:
        features = _spread(product_features, ids)
        first = (product_features.as_of - _EPOCH) / _DAY - features["first_seen_days"]
        since = np.fmin(since, first)
        numbers = features | numbers
    return Described(_objects(ids), texts, numbers | {"since": since})


def _attributes(products: Sequence[Product]) -> list[str]:
    counts = Counter(name for product in products for name in product.attributes if name not in TEXTS)
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:MOST_ATTRIBUTES])


def _spread(features: ProductFeatures, ids: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The columns of `features` over `ids`, which hold all of its products."""
    places = np.searchsorted(_objects(ids), features.product_ids)
    spread = {}
    for name, column in features.columns.items():
        wide = np.full(len(ids), np.nan)
        wide[places] = column
        spread[name] = wide
    return spread


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _floats(values: Sequence[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else float(value) for value in values], np.float64)
