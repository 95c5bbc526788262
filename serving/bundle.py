"""What one answer is made of: a published model over today's assortment, the catalogue, and columns for the rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isnan
from typing import Any

from features.assortment import described
from features.catalog import Changes, Product
from features.snapshots import ProductFeatures
from models.catalogue import Catalogue
from models.published import PublishedRecommender
from models.recommenders.base import FittedRecommender
from serving.placements import members
from serving.rules.columns import Columns
from serving.schemas import ItemField

MOST_CHANGES = 5_000
"""Products that are taken over at once; for more of them everything is made anew, which is faster then."""

MOST_FOLLOWED = 20_000
"""Products that are taken over one by one before everything is made anew: words and texts that nobody uses any longer
stay in a bundle that only follows."""

FIRST_IMPORT = timedelta(hours=1)
"""What a shop tells so soon after its first word is the assortment that it has, and nobody knows since when."""


_MOST_TOLD = 4
"""Sets of fields that products are remembered by; of 20,000 products one takes some 10 MB."""


@dataclass(frozen=True)
class Shelf:
    """The catalogue at one revision, when each product was added to it, and when it was `opened` with the first one."""

    revision: int = 0
    products: Mapping[str, Product] = field(default_factory=dict)
    added: Mapping[str, datetime] = field(default_factory=dict)
    opened: datetime | None = None
    _told: dict[tuple[ItemField, ...], dict[str, Mapping[str, str]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def told(self, product_ids: Sequence[str], fields: tuple[ItemField, ...]) -> list[Mapping[str, str]]:
        """What of `fields` is known of each product, as text; remembered, as the same products are answered all day."""
        known = self._told.get(fields)
        if known is None:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            known = self._told[fields] = {}
        for id_ in product_ids:
            if id_ not in known:
                product = self.products.get(id_)
                values = {name: getattr(product, name, None) for name in fields}
                known[id_] = {name: str(value) for name, value in values.items() if value is not None}
        return [known[id_] for id_ in product_ids]

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
        opened = min((*changes.added.values(), *([self.opened] if self.opened else [])), default=None)
        return Shelf(changes.revision, {**kept, **new}, {**self.added, **changes.added}, opened)

    def news(self, product_ids: Iterable[str]) -> dict[str, datetime]:
        """When those of `product_ids` were added that came after the first import, which makes nothing new."""
        if self.opened is None:
            return {}
        times = ((id_, self.added.get(id_, self.opened)) for id_ in product_ids)
        return {id_: at for id_, at in times if at - self.opened > FIRST_IMPORT}


@dataclass(frozen=True)
class Bundle:
    """Everything that one answer is made of; never changed, only replaced.

    `model` is the published one over the products of the shelf too; `members` are its recommenders by name; `followed`
    is how many changes were taken over since it was made.
    """

    published: PublishedRecommender
    model: FittedRecommender
    shelf: Shelf
    columns: Columns
    product_features: ProductFeatures | None
    members: Mapping[str, FittedRecommender]
    followed: int = 0

    @classmethod
    def assembled(
        cls, published: PublishedRecommender, shelf: Shelf, product_features: ProductFeatures | None, day: float
    ) -> "Bundle":
        """From its parts; `day` is today, in days since 1970. Takes seconds for a large catalogue."""
        catalogue = _catalogue(shelf.products, shelf, product_features, day)
        model = published.model.extended(catalogue) if shelf.revision else published.model
        columns = Columns.build(model.item_ids, shelf.products if shelf.revision else None, catalogue)
        return cls(published, model, shelf, columns, product_features, members(model))

    def following(self, changes: Changes, shelf: Shelf, day: float) -> "Bundle":
        """After `changes`, which led to `shelf`; the same as `assembled`, in milliseconds for a few products."""
        count = len(changes.products) + len(changes.gone)
        if not self.shelf.revision or count > MOST_CHANGES or self.followed + count > MOST_FOLLOWED:
            return Bundle.assembled(self.published, shelf, self.product_features, day)
        products = {product.product_id: product for product in changes.products}
        features = self.product_features.only(sorted(products)) if self.product_features else None
        catalogue = _catalogue(products, shelf, features, day)
        model = self.model.extended(catalogue) if products else self.model
        since = dict(zip(catalogue.item_ids, catalogue.numbers["since"], strict=True))
        columns = self.columns.changed(changes.products, changes.gone, since, model.item_ids)
        followed = self.followed + count
        return replace(self, model=model, shelf=shelf, columns=columns, members=members(model), followed=followed)

    def buyers(self, product_id: str) -> int:
        """How many customers bought a product in the 30 days before the product features; 0 when nobody knows."""
        count = self.product_features.value(product_id, "buyers_30d") if self.product_features else 0.0
        return 0 if isnan(count) else int(count)


def _catalogue(
    products: Mapping[str, Product],
    shelf: Shelf,
    product_features: ProductFeatures | None,
    day: float,
) -> Catalogue:
    columns: Any = described(list(products.values()), shelf.news(products), product_features)
    return Catalogue(day, columns.item_ids, columns.texts, columns.numbers)
