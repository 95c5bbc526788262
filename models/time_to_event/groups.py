"""Which products replace each other: the unit of restocking, since oat milk of another brand ends the need as well."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask, codes_of, united
from models.catalogue import Catalogue
from models.time_to_event.contents import contents
from models.time_to_event.selling import MANY, packs, selling
from models.time_to_event.substitutes import LEARNED, Substitutes, same_wording

if TYPE_CHECKING:
    from models.time_to_event.lines import Lines

OF_PRODUCT = "product:"
"""How the id of a group begins that is a single product, as nobody knows what else it is."""

OF_VARIANTS = "variants:"
"""How it begins where the shop only says which products are variants of one thing."""

_TYPES = ("product_type", "type")


@dataclass(frozen=True)
class Groups:
    """What kind of thing each of `product_ids` (sorted) is.

    `units` is the code of each product's replenishment group in `unit_ids` (sorted), -1 for what is not restocked;
    `parents` the department of each group in `parent_ids`. `contents` is how much one pack holds in the base unit of
    its kind (grams, millilitres, pieces), comparable within a group; `usual_prices` what one unit of the shop costs
    usually; both NaN where nobody knows. `periodic` is 1 for products that the shop declares to be bought periodically,
    0 for those declared not to be, NaN where it says nothing. `portions` and `most_packs` are as in `selling.py`.
    """

    product_ids: Ids
    units: Codes
    unit_ids: Ids
    parents: Codes
    parent_ids: Ids
    contents: Floats
    usual_prices: Floats
    periodic: Floats
    portions: Floats
    most_packs: Floats

    def __post_init__(self) -> None:
        columns = (self.product_ids, self.units, self.contents, self.usual_prices, self.periodic, self.portions)
        if len({len(column) for column in (*columns, self.most_packs)}) != 1:
            raise ValueError(f"groups need columns of one length, found {sorted({len(column) for column in columns})}")

    @classmethod
    def of(cls, catalogue: Catalogue, lines: "Lines | None" = None) -> "Groups":
        """By the shop's own categories: a group is a leaf of the tree, and a type where products have one, its
        department the first step of the path.

        A product without a category stands with the variants of the same thing. Others without one are grouped by what
        `lines` tell, see `substitutes.py`; whatever finds no company is a group of its own, and so is a product that
        only `lines` know. Their department has no name. From `lines` comes how each product is sold, too; without them,
        it is sold by the piece at the price of the catalogue.
        """
        ids = catalogue.item_ids if lines is None else united(catalogue.item_ids, lines.product_ids)
        names = _names(catalogue, ids)
        if lines is not None:
            names = Substitutes().names(names, _alone(names), catalogue, ids, lines)
        return cls._named(catalogue, ids, names)._sold(lines)

    def extended(self, catalogue: Catalogue) -> "Groups":
        """With the products that are new in `catalogue` since, by its categories, or by their titles where groups were
        learned, and with what it now declares to be periodic or not. What is known of a product stays; a new one is
        sold by the piece.
        """
        ids = united(self.product_ids, catalogue.item_ids)
        mine = codes_of(ids, self.product_ids)
        names = _names(catalogue, ids)
        learned = (mine >= 0) & (self.units[mine] >= 0)
        names[learned] = self.unit_ids[self.units[mine[learned]]]
        names = same_wording(catalogue, ids, names, _alone(names) & (mine < 0))
        fresh = self._named(catalogue, ids, names)
        known = mine >= 0
        periodic = np.where(known & (codes_of(ids, catalogue.item_ids) < 0), self.periodic[mine], fresh.periodic)
        return replace(
            fresh,
            contents=np.where(known & np.isnan(fresh.contents), self.contents[mine], fresh.contents),
            usual_prices=np.where(known, self.usual_prices[mine], fresh.usual_prices),
            periodic=periodic,
            units=np.where(periodic == 0, -1, fresh.units).astype(np.int32),
            portions=np.where(known, self.portions[mine], 1.0),
            most_packs=np.where(known, self.most_packs[mine], MANY),
        )

    def packs(self, products: Codes, quantities: Floats) -> Floats:
        """Packs (rows,) of lines of `products`, given what the shop reported."""
        return packs(quantities, self.portions[products], self.most_packs[products])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every column by its name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]]) -> "Groups":
        """From `arrays()`."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    @classmethod
    def _named(cls, catalogue: Catalogue, ids: Ids, names: Ids) -> "Groups":
        unit_ids, units = np.unique(names.astype(str), return_inverse=True)
        departments = np.array([_department(unit) for unit in unit_ids.tolist()], object)
        parent_ids, parents = np.unique(departments, return_inverse=True)
        periodic = catalogue.number("periodic", ids)
        return cls(
            ids,
            np.where(periodic == 0, -1, units).astype(np.int32),
            unit_ids.astype(object),
            parents.astype(np.int32),
            parent_ids,
            contents(catalogue, ids, units.astype(np.int32)),
            _positive(catalogue.number("price", ids)),
            periodic,
            np.ones(len(ids)),
            np.full(len(ids), MANY),
        )

    def _sold(self, lines: "Lines | None") -> "Groups":
        if lines is None:
            return self
        products = codes_of(lines.product_ids, self.product_ids)[lines.products]
        sold = selling(products, lines.packs, lines.prices, self.units)
        prices = np.where(np.isnan(sold.prices), self.usual_prices, sold.prices)
        return replace(self, usual_prices=_positive(prices), portions=sold.portions, most_packs=sold.most_packs)


def _names(catalogue: Catalogue, ids: Ids) -> Ids:
    types = next((catalogue.text(name, ids) for name in _TYPES if name in catalogue.texts), np.full(len(ids), None))
    names = np.empty(len(ids), object)
    names[:] = [
        (f"{category}|{type_}" if type_ else category)
        if category
        else (f"{OF_VARIANTS}{variants}" if variants else f"{OF_PRODUCT}{id_}")
        for category, type_, variants, id_ in zip(
            catalogue.text("category", ids), types, catalogue.text("group_id", ids), ids, strict=True
        )
    ]
    return names


def _alone(names: Ids) -> Mask:
    return np.array([name.startswith(OF_PRODUCT) for name in names.tolist()], bool)


def _department(unit: str) -> str:
    nameless = unit.startswith((OF_PRODUCT, OF_VARIANTS, LEARNED))
    return "" if nameless else unit.partition("/")[0].partition("|")[0]


def _positive(prices: Floats) -> Floats:
    """What is given away has no usual price that another could be measured by."""
    return np.where(prices > 0, prices, np.nan)
