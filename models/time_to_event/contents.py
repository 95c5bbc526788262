"""How much the packs of a catalogue hold, in amounts that can be compared within a group."""

import numpy as np

from models.arrays import Codes, Floats, Ids
from models.catalogue import Catalogue
from models.time_to_event.pack_size import Contents, contents_of

_SIZES = ("package_size", "pack_size", "net_content", "size", "weight", "volume", "объем", "вес", "масса")
"""Attributes that name a size, those that say most first; what they leave open is looked for in the title."""

_KINDS = {"g": 0, "ml": 0, "pieces": 1, "sq_m": 2}
"""Grams and millilitres are one kind: groups hold both, as shops write of drinks in ounces, and water is as heavy."""


def contents(catalogue: Catalogue, ids: Ids, units: Codes) -> Floats:
    """What one pack of each product holds in the base unit that most products of its group are given in, else NaN."""
    texts = [catalogue.text(name, ids) for name in _SIZES if name in catalogue.texts]
    found = [_first(row) for row in zip(*texts, catalogue.text("title", ids), strict=True)]
    kinds = np.array([_KINDS[one.kind] if one else -1 for one in found], np.int32)
    amounts = np.array([one.amount if one else np.nan for one in found])
    votes = np.zeros((int(units.max(initial=0)) + 1, len(_KINDS)))
    np.add.at(votes, (units[kinds >= 0], kinds[kinds >= 0]), 1.0)
    return np.where(kinds == votes.argmax(axis=1)[units], amounts, np.nan)


def _first(texts: tuple[str | None, ...]) -> Contents | None:
    return next((found for text in texts if text and (found := contents_of(text))), None)
