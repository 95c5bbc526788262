"""Which products replace each other: the unit of restocking, since oat milk of another brand ends the need as well."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids
from models.catalogue import Catalogue


@dataclass(frozen=True)
class Groups:
    """What kind of thing each of `product_ids` (sorted) is.

    `units` is the code of each product's replenishment group in `unit_ids` (sorted), -1 for what is not restocked;
    `parents` the department of each group in `parent_ids`. `contents` is how much one pack holds in the base unit of
    its kind (grams, millilitres, pieces), `usual_prices` what a pack costs usually; both NaN where nobody knows.
    `periodic` is 1 for products that the shop declares to be bought periodically, 0 for those declared not to be, NaN
    where it says nothing.
    """

    product_ids: Ids
    units: Codes
    unit_ids: Ids
    parents: Codes
    parent_ids: Ids
    contents: Floats
    usual_prices: Floats
    periodic: Floats

    def __post_init__(self) -> None:
        columns = (self.product_ids, self.units, self.contents, self.usual_prices, self.periodic)
        if len({len(column) for column in columns}) != 1:
            raise ValueError(f"groups need columns of one length, found {sorted({len(column) for column in columns})}")

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Groups":
        """By the shop's own categories: a group is a leaf of the tree, its department the first step of the path.

        A product without a category is a group of its own, in a department without name.
        """
        categories = catalogue.text("category", catalogue.item_ids)
        ids = np.array(
            [category or f"product:{id_}" for category, id_ in zip(categories, catalogue.item_ids, strict=True)], object
        )
        unit_ids, units = np.unique(ids, return_inverse=True)
        departments = np.array([_department(str(unit)) for unit in unit_ids], object)
        parent_ids, parents = np.unique(departments, return_inverse=True)
        nothing = np.full(len(ids), np.nan)
        return cls(
            catalogue.item_ids,
            units.astype(np.int32),
            unit_ids,
            parents.astype(np.int32),
            parent_ids,
            nothing,
            catalogue.number("price", catalogue.item_ids),
            nothing,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every column by its name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]]) -> "Groups":
        """From `arrays()`."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})


def _department(unit: str) -> str:
    return "" if unit.startswith("product:") else unit.partition("/")[0]
