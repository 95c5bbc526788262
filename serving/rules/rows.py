"""From products as the shop tells them to rows of arrays; a column in which nothing differs stays the same object."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.catalog import Product
from models.arrays import Floats, Mask, Scalar
from serving.rules.text import Text

MAX_ATTRIBUTES = 100
"""The attributes that most products have are columns; a shop with thousands of them must not fill the memory."""

Rows = Sequence[Product | None]
Places = NDArray[np.int64]
TEXTS = ("title", "category", "brand", "group_id")
ATTRIBUTE = "attributes."


def texts_of(known: Mapping[str, Text], rows: Rows, places: Places) -> dict[str, Text]:
    """The columns of text with what `rows` tell, also of attributes that were not there."""
    texts = dict(known)
    size = len(texts["title"].codes)
    for name in TEXTS:
        texts[name] = texts[name].replaced(places, [getattr(row, name) if row else None for row in rows])
    counts = Counter(name for row in rows if row for name in row.attributes)
    present = [name.removeprefix(ATTRIBUTE) for name in texts if name.startswith(ATTRIBUTE)]
    room = MAX_ATTRIBUTES - len(present)
    new = sorted((name for name in counts if f"{ATTRIBUTE}{name}" not in texts), key=lambda name: (-counts[name], name))
    for name in (*present, *new[:room]):
        column = texts.get(f"{ATTRIBUTE}{name}") or Text.unknown(size)
        texts[f"{ATTRIBUTE}{name}"] = column.replaced(
            places, [row.attributes.get(name) if row else None for row in rows]
        )
    return texts


def numbers_of(
    known: Mapping[str, Floats], rows: Rows, places: Places, since: Mapping[str, float]
) -> dict[str, Floats]:
    """`price` and `since` with what `rows` and `since` tell."""
    prices = [np.nan if row is None or row.price is None else float(row.price) for row in rows]
    before = known["since"][places]
    days = [since.get(row.product_id, day) if row else day for row, day in zip(rows, before.tolist(), strict=True)]
    return {
        "price": replaced(known["price"], places, prices),
        "since": replaced(known["since"], places, days),
    }


def stock_of(known: Mapping[str, Mask], size: int, rows: Rows, places: Places) -> dict[str, Mask]:
    """Where there is any of a product; a location that it does not name has none."""
    locations = {location: None for row in rows if row for location in row.stock}
    nowhere = np.zeros(size, bool)
    return {
        location: replaced(
            known.get(location, nowhere), places, [bool(row and row.stock.get(location, 0) > 0) for row in rows]
        )
        for location in {**dict.fromkeys(known), **locations}
    }


def periodic_of(row: Product | None) -> int:
    """1 or 0 as the shop says, -1 where it does not."""
    return -1 if row is None or row.periodic is None else int(row.periodic)


def replaced(values: NDArray[Scalar], places: Places, new: Sequence[float]) -> NDArray[Scalar]:
    """With `new` at `places`; the same array when nothing differs."""
    cast = np.array(new, values.dtype)
    if np.array_equal(values[places], cast, equal_nan=values.dtype.kind == "f"):
        return values
    changed = values.copy()
    changed[places] = cast
    return changed
