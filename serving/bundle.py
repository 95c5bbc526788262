"""What one answer is made of: a published model, the catalogue, and which of the model's products may be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.catalog import Product
from models.recommenders.base import FittedRecommender, Mask, codes_of
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

    def without(self, item_ids: Sequence[str]) -> Mask:
        """`allow` less some products."""
        codes = codes_of(item_ids, self.published.model.item_ids)
        allow = self.allow.copy()
        allow[codes[codes >= 0]] = False
        return allow
