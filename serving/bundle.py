"""What one answer is made of: a published model, the catalogue, the features of products, and what may be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from features.catalog import Product
from features.snapshots import ProductFeatures
from models.recommenders.arrays import Mask, codes_of
from models.recommenders.base import FittedRecommender
from models.registry import Published


@dataclass(frozen=True)
class Shelf:
    """The catalogue at one revision."""

    revision: int
    products: Mapping[str, Product]

    def title(self, product_id: str) -> str:
        """What people call a product; its id when the catalogue does not say."""
        product = self.products.get(product_id)
        return (product.title if product else None) or product_id

    def allow(self, model: FittedRecommender) -> Mask:
        """Which of the model's products may be shown: those in stock; all while there never was a catalogue."""
        if not self.revision:
            return np.ones(len(model.item_ids), bool)
        sold = [id_ for id_, product in self.products.items() if product.in_stock]
        codes = codes_of(sold, model.item_ids)
        allow = np.zeros(len(model.item_ids), bool)
        allow[codes[codes >= 0]] = True
        return allow


@dataclass(frozen=True)
class Bundle:
    """Everything that one answer is made of; never changed, only replaced."""

    published: Published
    shelf: Shelf
    allow: Mask
    product_features: ProductFeatures | None = None

    def buyers(self, product_id: str) -> int:
        """How many customers bought a product in the 30 days before the product features; 0 when nobody knows."""
        count = self.product_features.value(product_id, "buyers_30d") if self.product_features else 0.0
        return 0 if isnan(count) else int(count)

    def without(self, item_ids: Sequence[str]) -> Mask:
        """`allow` less some products."""
        codes = codes_of(item_ids, self.published.model.item_ids)
        allow = self.allow.copy()
        allow[codes[codes >= 0]] = False
        return allow
