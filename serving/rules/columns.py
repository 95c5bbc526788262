"""The catalogue as arrays over a model's products: what filters, caps and diversity read, built once a revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.catalog import Product
from models.arrays import Codes, Floats, Ids, Mask, united
from models.catalogue import Catalogue
from models.recommenders.vocabulary import Vocabulary
from serving.rules.masks import Masks
from serving.rules.price_rank import price_rank
from serving.rules.rows import ATTRIBUTE, TEXTS, numbers_of, periodic_of, replaced, stock_of, texts_of
from serving.rules.text import Text


@dataclass(frozen=True, eq=False)
class Columns:
    """One entry a product of `item_ids` (sorted) in each array; never changed, `changed` makes a new one.

    `texts` are `title`, `category` (a path with `/`), `brand`, `group_id` and `attributes.NAME`; `numbers` are `price`,
    `since` (days since 1970) and the features of products by their names, NaN where not known. `sold` is False for a
    product that the shop does not, or no longer, have in its catalogue. `periodic` is 1, 0, or -1 where the shop does
    not say. `counted` are the products whose stock is told by location, and `stock` says where there is any of them.

    >>> tea = Product(product_id="tea", category="grocery/tea", attributes={"leaf": "green"})
    >>> columns = Columns.build(np.array(["cake", "tea"], object), {"tea": tea})
    >>> columns.sold.tolist()
    [False, True]
    """

    item_ids: Ids
    texts: Mapping[str, Text]
    numbers: Mapping[str, Floats]
    sold: Mask
    in_stock: Mask
    periodic: NDArray[np.int8]
    counted: Mask
    stock: Mapping[str, Mask]
    vocabulary: Vocabulary = field(repr=False)
    masks: Masks = field(default_factory=Masks, init=False, repr=False)

    @classmethod
    def build(
        cls, item_ids: Ids, products: Mapping[str, Product] | None, catalogue: Catalogue | None = None
    ) -> "Columns":
        """All of `products` among `item_ids`; the numbers that the shop does not tell come from `catalogue`.

        None is a shop that never told its catalogue: then everything that the model knows may be shown.
        """
        size = len(item_ids)
        described = Catalogue.bare() if catalogue is None else catalogue
        told = {name: described.number(name, item_ids) for name in described.numbers}
        bare = cls(
            item_ids=item_ids,
            texts={name: Text.unknown(size) for name in TEXTS},
            numbers={"since": np.full(size, np.nan), **told, "price": np.full(size, np.nan)},
            sold=np.full(size, products is None),
            in_stock=np.full(size, products is None),
            periodic=np.full(size, -1, np.int8),
            counted=np.zeros(size, bool),
            stock={},
            vocabulary=Vocabulary(item_ids),
        )
        known = [products[id_] for id_ in item_ids if id_ in products] if products else []
        return bare.changed(known) if known else bare

    def changed(
        self,
        products: Sequence[Product],
        gone: Sequence[str] = (),
        since: Mapping[str, float] | None = None,
        item_ids: Ids | None = None,
    ) -> "Columns":
        """With `products` as they are now and without those `gone`; columns that do not differ are shared.

        `item_ids` are those of the model over these products, the union of both unless told; the present ones must be
        among them. `since` tells from which day on new products are sold.
        """
        all_ids = united(self.item_ids, np.array(sorted({product.product_id for product in products}), object))
        wide = self._over(all_ids if item_ids is None else item_ids)
        latest: dict[str, Product | None] = {
            **{product.product_id: product for product in products},
            **dict.fromkeys(gone),
        }
        codes = wide.codes(list(latest)).astype(np.int64)
        rows = [row for row, code in zip(latest.values(), codes, strict=True) if code >= 0]
        places = codes[codes >= 0]
        if not rows:
            return wide
        return replace(
            wide,
            texts=texts_of(wide.texts, rows, places),
            numbers={**wide.numbers, **numbers_of(wide.numbers, rows, places, since or {})},
            sold=replaced(wide.sold, places, [row is not None for row in rows]),
            in_stock=replaced(wide.in_stock, places, [row is not None and row.in_stock for row in rows]),
            periodic=replaced(wide.periodic, places, [periodic_of(row) for row in rows]),
            counted=replaced(wide.counted, places, [row is not None and bool(row.stock) for row in rows]),
            stock=stock_of(wide.stock, len(wide.item_ids), rows, places),
        )

    def codes(self, ids: Sequence[str] | Ids) -> Codes:
        """The code of each id, -1 for an unknown one."""
        return self.vocabulary.codes(ids)

    def names(self) -> tuple[str, ...]:
        """The columns that a filter can name, sorted."""
        return tuple(sorted({*self.texts, *self.numbers, "in_stock", "periodic", "item_id"}))

    def text(self, name: str) -> Text:
        """A column of text; unknown for every product where the catalogue lacks it."""
        if name == "item_id":
            return self._ids
        return self.texts.get(name) or Text.unknown(len(self.item_ids))

    def number(self, name: str) -> Floats:
        """A column of numbers; NaN for every product where the catalogue lacks it."""
        found = self.numbers.get(name)
        return np.full(len(self.item_ids), np.nan) if found is None else found

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The names of the columns that are attributes."""
        return tuple(sorted(name for name in self.texts if name.startswith(ATTRIBUTE)))

    @cached_property
    def price_rank(self) -> Floats:
        """Where a price stands among those of the same first step of the category, 0 to 1; NaN without a price."""
        return price_rank(self.numbers["price"], self.steps[:, 0])

    @cached_property
    def steps(self) -> Codes:
        """The category as codes of its first step, its first two, and so on, shape (items, depth); -1 below its end."""
        category = self.texts["category"]
        paths = category.levels.paths
        return paths[category.codes] if paths.shape[1] else np.full((len(self.item_ids), 1), -1, np.int32)

    @cached_property
    def _ids(self) -> Text:
        return Text.of(list(self.item_ids))

    def _over(self, item_ids: Ids) -> "Columns":
        """The same over more products, of which nothing is known and which are not sold."""
        if len(item_ids) == len(self.item_ids):
            return self
        new = item_ids[self.codes(item_ids) < 0]
        if len(self.item_ids) + len(new) != len(item_ids):
            raise ValueError(
                "item_ids must hold every product that the columns have; build them anew over other products"
            )
        places = np.searchsorted(self.item_ids, new)
        return replace(
            self,
            item_ids=item_ids,
            texts={name: text.inserted(places) for name, text in self.texts.items()},
            numbers={name: np.insert(number, places, np.nan) for name, number in self.numbers.items()},
            sold=np.insert(self.sold, places, False),
            in_stock=np.insert(self.in_stock, places, False),
            periodic=np.insert(self.periodic, places, np.int8(-1)),
            counted=np.insert(self.counted, places, False),
            stock={location: np.insert(mask, places, False) for location, mask in self.stock.items()},
            vocabulary=Vocabulary(item_ids),
        )
