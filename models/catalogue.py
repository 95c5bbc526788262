"""The shop's products as columns: what a model may know about a product that nobody has touched yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, codes_of

_NO_IDS = np.empty(0, object)


@dataclass(frozen=True)
class Catalogue:
    """What the shop says about `item_ids` (sorted) as of `day`, one entry a product in each column.

    `texts` hold a string or None: `title`, `category` (a path with `/`), `brand`, `group_id` (variants of one thing
    share it), and the shop's own attributes by their names. `numbers` are NaN where not known: `price`, `since` (the
    day from which on it was sold), and what the feature store knows about products, such as `popularity_30d` or
    `repeat_share`. A column that is missing is not known for any product.

    >>> tea = Catalogue(20_000.0, np.array(["tea"], object), texts={"brand": np.array(["Ronnefeldt"], object)})
    >>> tea.text("brand", np.array(["cake", "tea"], object)).tolist()
    [None, 'Ronnefeldt']
    """

    day: float
    item_ids: Ids
    texts: Mapping[str, Ids] = field(default_factory=dict)
    numbers: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, column in {**self.texts, **self.numbers}.items():
            if len(column) != len(self.item_ids):
                raise ValueError(f"column {name} has {len(column)} entries for {len(self.item_ids)} products")
        if not (self.item_ids[:-1] < self.item_ids[1:]).all():
            raise ValueError("item_ids must be sorted and without doubles")

    @classmethod
    def bare(cls) -> "Catalogue":
        """That of a shop that has told nothing."""
        return cls(-np.inf, _NO_IDS)

    def text(self, name: str, item_ids: Ids) -> Ids:
        """The text column `name` for `item_ids`; None for what is not known."""
        return np.asarray(self._column(self.texts.get(name), item_ids, None, object))

    def number(self, name: str, item_ids: Ids) -> Floats:
        """The number column `name` for `item_ids`; NaN for what is not known."""
        return np.asarray(self._column(self.numbers.get(name), item_ids, np.nan, np.float64))

    def _column(self, column: NDArray[Any] | None, item_ids: Ids, unknown: Any, dtype: Any) -> NDArray[Any]:
        if column is None or not len(column):
            return np.full(len(item_ids), unknown, dtype)
        if item_ids is self.item_ids:
            return column
        codes = codes_of(item_ids, self.item_ids)
        found = np.full(len(item_ids), unknown, dtype)
        found[codes >= 0] = column[codes[codes >= 0]]
        return found
