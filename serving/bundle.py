"""What one answer is made of: a published model over today's assortment, the catalogue, and columns for the rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isnan
from typing import Any

from features.assortment import described
from features.catalog import Changes, Product
from features.snapshots import ProductFeatures
from models.catalogue import Catalogue
from models.recommenders.base import FittedRecommender
from models.registry import Published
from serving.placements import members
from serving.rules.columns import Columns

MOST_CHANGES = 5_000
"""Products that are taken over one by one; after more of them everything is made anew, which is faster then."""


@dataclass(frozen=True)
class Shelf:
    """The catalogue at one revision, and when each product was added to it."""

    revision: int = 0
    products: Mapping[str, Product] = field(default_factory=dict)
    added: Mapping[str, datetime] = field(default_factory=dict)

    def title(self, product_id: str) -> str:
        """What people call a product; its id when the catalogue does not say."""
        product = self.products.get(product_id)
        return (product.title if product else None) or product_id

    def category(self, product_id: str) -> str | None:
        """What people call the category of a product: the last step of its path."""
        product = self.products.get(product_id)
        return product.category.rpartition("/")[2] if product and product.category else None

    def following(self, changes: Changes) -> "Shelf":
        """After `changes`."""
        gone = set(changes.gone)
        kept = {id_: product for id_, product in self.products.items() if id_ not in gone} if gone else self.products
        new = {product.product_id: product for product in changes.products}
        return Shelf(changes.revision, {**kept, **new}, {**self.added, **changes.added})


@dataclass(frozen=True)
class Bundle:
    """Everything that one answer is made of; never changed, only replaced.

    `model` is the published one over the products of the shelf too; `members` are its recommenders by name.
    """

    published: Published
    model: FittedRecommender
    shelf: Shelf
    columns: Columns
    product_features: ProductFeatures | None
    members: Mapping[str, FittedRecommender]

    @classmethod
    def assembled(
        cls, published: Published, shelf: Shelf, product_features: ProductFeatures | None, day: float
    ) -> "Bundle":
        """From its parts; `day` is today, in days since 1970. Takes seconds for a large catalogue."""
        catalogue = _catalogue(shelf.products, shelf.added, product_features, day)
        model = published.model.extended(catalogue) if shelf.revision else published.model
        columns = Columns.build(model.item_ids, shelf.products if shelf.revision else None, catalogue)
        return cls(published, model, shelf, columns, product_features, members(model))

    def following(self, changes: Changes, shelf: Shelf, day: float) -> "Bundle":
        """After `changes`, which led to `shelf`; the same as `assembled`, in milliseconds for a few products."""
        if not self.shelf.revision or len(changes.products) + len(changes.gone) > MOST_CHANGES:
            return Bundle.assembled(self.published, shelf, self.product_features, day)
        products = {product.product_id: product for product in changes.products}
        features = self.product_features.only(sorted(products)) if self.product_features else None
        catalogue = _catalogue(products, shelf.added, features, day)
        model = self.model.extended(catalogue) if products else self.model
        since = dict(zip(catalogue.item_ids, catalogue.numbers["since"], strict=True))
        columns = self.columns.changed(changes.products, changes.gone, since, model.item_ids)
        return replace(self, model=model, shelf=shelf, columns=columns, members=members(model))

    def buyers(self, product_id: str) -> int:
        """How many customers bought a product in the 30 days before the product features; 0 when nobody knows."""
        count = self.product_features.value(product_id, "buyers_30d") if self.product_features else 0.0
        return 0 if isnan(count) else int(count)


def _catalogue(
    products: Mapping[str, Product],
    added: Mapping[str, datetime],
    product_features: ProductFeatures | None,
    day: float,
) -> Catalogue:
    columns: Any = described(list(products.values()), added, product_features)
    return Catalogue(day, columns.item_ids, columns.texts, columns.numbers)
